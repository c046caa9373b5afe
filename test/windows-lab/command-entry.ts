import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DROP_UNTIL_ASKED, fixedKey } from '../../engine/rules/ask-filters.ts';
import { rulesFromEngine } from '../../engine/rules/read-rules.ts';
import { writeRules } from '../../engine/rules/write-rules.ts';
import { openWindowsEngine } from '../../engine/windows/engine.ts';
import { oneSentence, Program, tellNetEvent } from './program.ts';
import { equal, holds, report as reported, until } from './report.ts';
import { type Play, Stack } from './stack.ts';

/** Runs under Wine: `sallyport guard` and its sisters as commands, one process each, over one Base Filtering Engine and one driver. */

const [script, folder, store] = process.argv.slice(2) as [string, string, string];
const LIMIT = 30_000;
const program = new Program(script, folder);
const appId = '\\device\\harddiskvolume3\\lab\\client.exe';
const to = (remotePort: number): Play => ({ action: 'connect', remotePort, appId });
const sc = (...args: string[]) => spawnSync('sc.exe', args, { stdio: 'ignore' });

/** What a case started ends with it, also when it fails. */
const report = (name: string, work: () => Promise<void>) => reported(name, () => work().finally(() => program.killAll()));

await report('without the service or without rights every command says so in one sentence and exits with 1', async () => {
  for (const args of [
    ['guard', '--line'],
    ['rules', 'list'],
    ['filters', '--json'],
  ]) {
    for (const [variable, advice] of [
      ['SALLYPORT_LAB_STOPPED', 'sc start BFE'],
      ['SALLYPORT_LAB_DENIED', 'as administrator'],
    ] as const) {
      const { code, err } = program.run(args, { [variable]: '1' });
      equal(args.join(' '), code, 1);
      holds('one sentence with what to do', oneSentence(err) && err.includes(advice), err);
    }
  }
});

await report('a program is named by its drive path, its filters by the device path of today', async () => {
  const cmd = 'C:\\windows\\system32\\cmd.exe';
  const { code, out, err } = program.run(['rules', 'add', 'block', '--app', cmd, '--json']);
  equal(err, code, 0);
  const { rule } = JSON.parse(out) as { rule: { id: string; program: string } };
  equal('drive path', rule.program.toLowerCase(), cmd.toLowerCase());
  const device = /"\\\\device\\\\[^\\]+\\\\windows\\\\system32\\\\cmd\.exe"/;
  const filters = () => program.run(['filters', '--layer', 'ale_auth_connect_v4', '--json']).out;
  holds('device path', device.test(filters()), filters());
  const gone = program.run(['rules', 'add', 'block', '--app', 'Q:\\tools\\x.exe']);
  holds('no drive Q', gone.code === 2 && oneSentence(gone.err) && gone.err.includes('no drive Q:'), gone.err);
  const file = join(folder, 'elsewhere.json');
  const two = ['Q:\\x.exe', 'C:\\y.exe'].map(each => ({ verdict: 'block', program: each }));
  writeFileSync(file, JSON.stringify({ sallyport: 1, rules: two }));
  const taken = program.run(['rules', 'import', file]);
  holds(
    'an import takes the rest',
    taken.code === 0 && taken.out.includes('1 added') && taken.err.includes('no drive Q:'),
    taken.out + taken.err,
  );
  holds('an apply takes all or nothing', program.run(['rules', 'apply', file]).code === 1);
  const [extra] = JSON.parse(program.run(['rules', 'list', '--json']).out).rules.filter(
    (each: typeof rule) => each.id !== rule.id,
  );
  equal('extra', program.run(['rules', 'remove', extra.id]).code, 0);
  // As if the volume had another number when the rule was made.
  const engine = await openWindowsEngine();
  const [made] = (await rulesFromEngine(engine)).filter(({ id }) => id === rule.id);
  await writeRules({ engine, appIdOf: () => '\\device\\harddiskvolume99\\cmd.exe' }, [made!], { put: [made!] });
  await engine.close();
  holds('another program', !device.test(filters()), filters());
  const listed = program.run(['rules', 'list']);
  holds('it is told', listed.err.includes("the machine's drives changed"), listed.err);
  const guard = program.start(['guard', '--net-events', '--line']);
  await until('it guards', () => guard.has('guards'), LIMIT);
  holds('told as well', guard.has('the filters of 1 rule were written anew'), guard.text());
  holds('device path of today', device.test(filters()), filters());
  await guard.kill();
  equal('off', program.run(['guard', '--off']).code, 0);
  equal('removed', program.run(['rules', 'remove', rule.id]).code, 0);
});

await report('run and lab say what they need', async () => {
  const run = program.run(['run', '--', 'cmd']);
  equal('run', run.code, 1);
  holds('guard is named', oneSentence(run.err) && run.err.includes('sallyport guard'), run.err);
  const doctor = program.run(['doctor']);
  holds('the driver is missing', doctor.out.includes('the callout driver is not loaded'), doctor.out);
});

await report('without the driver: dropped, asked, answered from another terminal, the retry is told', async () => {
  const guard = program.start(['guard', '--line', '--timeout', '600']);
  await until('it says what it does', () => guard.has('is dropped and told afterwards'), LIMIT);
  holds('and why', guard.has('the callout driver is not loaded, so nothing can be held'), guard.text());
  const drop = fixedKey('filter', 'ALE_AUTH_CONNECT_V4', DROP_UNTIL_ASKED);
  const event = { type: 3, filterKey: drop, appId, remote: [203, 0, 113, 9], remotePort: 443, localPort: 50_001 } as const;
  tellNetEvent(store, event);
  await until('the drop is asked about', () => guard.has(/dropped +client\.exe → 203\.0\.113\.9:443\/tcp/), LIMIT);
  const add = program.run(['rules', 'add', 'permit', '--app', appId, '--port', '443', '--json']);
  equal(`rules add: ${add.err}`, add.code, 0);
  await until('the rule answers it', () => guard.has(/permit +client\.exe → 203\.0\.113\.9:443\/tcp +rule/), LIMIT);
  const filters = JSON.parse(program.run(['filters', '--layer', 'ale_auth_connect_v4', '--json']).out) as {
    filters: { filterKey: string; action: string }[];
  };
  const permit = filters.filters.find(({ action }) => action === 'permit')!;
  const before = guard.text().split('permit').length;
  tellNetEvent(store, { ...event, type: 6, filterKey: permit.filterKey, localPort: 50_002 });
  await until('the retry is told', () => guard.text().split('permit').length > before, LIMIT);
  holds(
    'nothing was ever held',
    !/\b(held|holds|waiting|pending)\b/.test(guard.text().replace(/nothing can be held/, '')),
    guard.text(),
  );
  for (const args of [
    ['guard', '--net-events', '--line'],
    ['guard', '--line'],
    ['guard', '--off'],
  ]) {
    const other = program.run(args);
    equal(args.join(' '), other.code, 1);
    holds('there is one guard', other.err.includes('guards this machine'), other.err);
  }
  holds('it goes on', guard.has('guards'), guard.text());
  await guard.kill();
  const asking = () => program.run(['filters', '--json', '--action', 'block']).out.split('Drop, ask afterwards').length - 1;
  equal('what asks outlives it', asking(), 4);
  const off = program.run(['guard', '--off']);
  holds('until it is taken away', off.code === 0 && off.out.startsWith('Removed 4'), off.out + off.err);
  equal('and it is', asking(), 0);
});

await report('a guard whose filters are taken away says that it guards no more', async () => {
  const guard = program.start(['guard', '--net-events', '--line']);
  await until('it guards', () => guard.has('guards'), LIMIT);
  const drop = fixedKey('filter', 'ALE_AUTH_CONNECT_V6', DROP_UNTIL_ASKED);
  const engine = await openWindowsEngine();
  await engine.filterDeleteByKey(drop);
  await engine.close();
  await until('it ends', () => guard.over, LIMIT);
  equal('with 1', await guard.ended, 1);
  holds('with the reason', guard.text().includes('the filters that ask were taken away'), guard.text());
  holds('and what remains', guard.text().includes('sallyport guard --off'), guard.text());
  equal('off', program.run(['guard', '--off']).code, 0);
});

sc('start', 'fwpkclnt');
sc('start', 'sallyport');
const stack = new Stack();

await report('the driver is found', async () => {
  const { out } = program.run(['doctor']);
  holds('doctor names it', /callout driver \d/.test(out), out);
});

await report('held, answered by a rule from another terminal, decided without asking afterwards', async () => {
  const guard = program.start(['guard', '--line', '--timeout', '600']);
  await until('it guards', () => guard.has('sallyport guards this machine'), LIMIT);
  const second = program.run(['guard', '--line']);
  equal('a second guard', second.code, 1);
  holds('says why', oneSentence(second.err) && second.err.includes('guards this machine already'), second.err);
  const flows = await stack.play(to(8443));
  equal('held', flows.held, 1);
  await until('it is told', () => guard.has(/held +client\.exe\(4242\) → 203\.0\.113\.9:8443\/tcp/), LIMIT);
  const add = program.run(['rules', 'add', 'block', '--app', appId, '--port', '8443', '--note', 'lab']);
  equal(`rules add: ${add.err}`, add.code, 0);
  await until('it is completed', async () => (await stack.query(flows)).blocked === 1, LIMIT);
  await until('and told', () => guard.has(/block +client\.exe\(4242\) → 203\.0\.113\.9:8443\/tcp +rule/), LIMIT);
  const again = await stack.play({ ...to(8443), localPort: 50_999 });
  await until('the rule decides', async () => (await stack.query(again)).blocked === 1, LIMIT);
  equal('asked once', guard.text().split('held ').length - 1, 1);
  const other = await stack.play(to(9443));
  equal('another is held', other.held, 1);
  await guard.kill();
  await until('a killed guard lets it go, blocked', async () => (await stack.query(other)).blocked === 1, LIMIT);
});

await report('after a restart the rules decide, and what nobody answers has its default', async () => {
  const guard = program.start(['guard', '--line', '--timeout', '1', '--default', 'permit', '--fail', 'open']);
  await until('it guards', () => guard.has('its connections pass'), LIMIT);
  const blocked = await stack.play({ ...to(8443), localPort: 51_001 });
  await until('by the rule', async () => (await stack.query(blocked)).blocked === 1, LIMIT);
  const asked = await stack.play({ ...to(7443), localPort: 51_002 });
  equal('held', asked.held, 1);
  await until('by default', async () => (await stack.query(asked)).permitted === 1, LIMIT);
  await until('told so', () => guard.has('nobody answered in 1 s'), LIMIT);
  const last = await stack.play({ ...to(6443), localPort: 51_003 });
  await guard.kill();
  await until('it fails open', async () => (await stack.query(last)).permitted === 1, LIMIT);
});

await report('JSON lines are read by programs', async () => {
  const guard = program.start(['guard', '--json']);
  const lines = () =>
    guard
      .text()
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as { type: string; verdict?: string });
  let port = 52_000;
  const decided = async () => {
    await stack.play({ ...to(5443), localPort: port++ });
    await new Promise(resolve => setTimeout(resolve, 50));
    return lines().some(({ type }) => type === 'decided');
  };
  await until('it decides at once', decided, LIMIT);
  holds(
    'by default',
    lines().some(({ type, verdict }) => type === 'decided' && verdict === 'block'),
    guard.text(),
  );
  await guard.kill();
});

await report('history, rules and filters tell of it from other processes', async () => {
  const history = JSON.parse(program.run(['history', '--json']).out) as unknown;
  holds('history has the block', JSON.stringify(history).includes('8443'), JSON.stringify(history).slice(0, 500));
  const rules = program.run(['rules', 'list']);
  holds('both rules', rules.out.includes('443') && rules.out.includes('8443'), rules.out);
  equal('explain', program.run(['explain', '--live', '--json', `${appId} -> 203.0.113.9:8443/tcp`]).code, 0);
});

await report('nothing is left behind in the kernel', async () => {
  await until('the driver has let go', async () => (await stack.counters()).operations === 0, LIMIT);
  sc('stop', 'sallyport');
  await until('everything is unregistered', async () => (await stack.counters()).callouts === 0, LIMIT);
  const { violations, first, lists, injectionHandles } = await stack.counters();
  equal('violations', [violations, first, lists, injectionHandles], [0, '', 0, 0]);
  await stack.close();
});
