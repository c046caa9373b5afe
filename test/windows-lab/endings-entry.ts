import { spawnSync } from 'node:child_process';
import { askingFilterKeys } from '../../engine/rules/asking.ts';
import { findDriver } from '../../tui/cli/host/windows/find-driver.ts';
import { openWindowsGuard } from '../../tui/cli/host/windows/windows-guard.ts';
import { paths } from '../../tui/cli/settings/paths.ts';
import { oneSentence, Program, startService, stopService } from './program.ts';
import { equal, holds, report as reported, until } from './report.ts';
import { type Play, Stack } from './stack.ts';

/** Runs under Wine: how guards begin and end when something is in their way, over one Base Filtering Engine and one driver. */

const [script, folder, store, home] = process.argv.slice(2) as [string, string, string, string];
const LIMIT = 30_000;
const program = new Program(script, folder);
const appId = '\\device\\harddiskvolume3\\lab\\client.exe';
let port = 50_000;
const connect = (): Play => ({ action: 'connect', remotePort: 443, localPort: ++port, appId });
const sc = (...args: string[]) => spawnSync('sc.exe', args, { stdio: 'ignore' });
const report = (name: string, work: () => Promise<void>) =>
  reported(name, () =>
    work().finally(async () => {
      startService(store);
      await program.killAll();
    }),
  );

const layers = ['ALE_AUTH_CONNECT', 'ALE_AUTH_RECV_ACCEPT'] as const;
const ASKING = new Set([
  ...askingFilterKeys({ layers, by: 'callout', closures: true }),
  ...askingFilterKeys({ layers, by: 'drop' }),
]);

/** How many filters that ask are in the engine. */
function asking(): number {
  const { code, out, err } = program.run(['filters', '--json']);
  equal(err, code, 0);
  const { filters } = JSON.parse(out) as { filters: readonly { filterKey: string }[] };
  return filters.filter(({ filterKey }) => ASKING.has(filterKey)).length;
}

const attached = async () => {
  const driver = await findDriver();
  return driver.kind === 'usable' && driver.deciderAttached;
};

sc('start', 'fwpkclnt');
sc('start', 'sallyport');
const stack = new Stack();

await report('a guard that is ended while it begins leaves nothing', async () => {
  for (const wait of [0, 1, 2, 4, 8, 16, 32, 64, -1]) {
    const { guard, close } = await openWindowsGuard(
      {
        where: paths({ SALLYPORT_HOME: home }),
        settings: { defaultVerdict: 'block', timeout: 30, nameLookups: 'permit', coreNetworking: 'permit' },
        asksPerson: true,
        tell: () => undefined,
        fail: 'closed',
      },
      'driver',
    );
    const started = guard.start().catch(() => undefined);
    for (let turn = 0; turn < wait; turn++) await new Promise(resolve => setImmediate(resolve));
    if (wait < 0) await until('it guards', () => guard.snapshot().status.phase === 'running', LIMIT);
    const phase = guard.snapshot().status.phase;
    if (wait === 0) holds(`it still begins: ${phase}`, phase !== 'running');
    await close();
    await started;
    equal(`after ${wait} turns (${phase}): filters that ask`, asking(), 0);
    equal(`after ${wait} turns (${phase}): a decider`, await attached(), false);
  }
  const next = program.start(['guard', '--line']);
  await until('the place is free', () => next.has('sallyport guards this machine'), LIMIT);
});

await report('after a closed guard died: closed still, then as the next one has it, then nothing', async () => {
  const closed = program.start(['guard', '--line', '--timeout', '600']);
  await until('it guards', () => closed.has('sallyport guards this machine'), LIMIT);
  const left = asking();
  holds('it asks', left > 0);
  await closed.kill();
  await until('the driver has no decider', async () => !(await attached()), LIMIT);
  equal('what asks stays', asking(), left);
  const nobody = await stack.play(connect());
  equal('nothing is held, all of it fails', [nobody.held, nobody.blocked], [0, 1]);
  const open = program.start(['guard', '--line', '--timeout', '600', '--fail', 'open']);
  await until('the next one guards', () => open.has('its connections pass'), LIMIT);
  equal('it asks by its own filters', asking(), left);
  const held = await stack.play(connect());
  equal('it holds', held.held, 1);
  await open.kill();
  await until('what it held passes', async () => (await stack.query(held)).permitted === 1, LIMIT);
  await until('nothing asks any more', () => asking() === 0, LIMIT);
  const off = program.run(['guard', '--off']);
  holds('nothing is left to take away', off.code === 0 && off.out.startsWith('No asking filters'), off.out + off.err);
});

await report('the service is stopped under a guard: it says so, lets go what it holds, and ends', async () => {
  const guard = program.start(['guard', '--line', '--timeout', '600']);
  await until('it guards', () => guard.has('sallyport guards this machine'), LIMIT);
  const held = await stack.play(connect());
  await until('a connection waits', () => guard.has('held '), LIMIT);
  stopService(store);
  await until('it ends', () => guard.over, LIMIT);
  equal(`with 1: ${guard.text()}`, await guard.ended, 1);
  equal('the held one was blocked', (await stack.query(held)).blocked, 1);
  holds('one reason', guard.text().includes('the Base Filtering Engine does not answer any more'), guard.text());
  equal('the driver has no decider', await attached(), false);
  const again = program.run(['guard', '--line']);
  equal('a new one', again.code, 1);
  holds('says what to do', oneSentence(again.err) && again.err.includes('sc start BFE'), again.err);
  startService(store);
  equal('off', program.run(['guard', '--off']).code, 0);
});

await report('of guards that begin at once there is one, and it goes on', async () => {
  for (let round = 0; round < 3; round++) {
    const guards = Array.from({ length: 3 }, () => program.start(['guard', '--line', '--timeout', '600']));
    await until('all but one have ended', () => guards.filter(guard => guard.over).length === 2, LIMIT);
    const [one] = guards.filter(guard => !guard.over);
    for (const other of guards.filter(guard => guard !== one)) {
      equal(other.text(), await other.ended, 1);
      holds('one sentence', oneSentence(other.text()) && other.text().includes('guards this machine already'), other.text());
    }
    await until('the one guards', () => one!.has('sallyport guards this machine'), LIMIT);
    const held = await stack.play(connect());
    equal('it holds', held.held, 1);
    holds('it asks', asking() > 0);
    await one!.kill();
    await until('let go', async () => (await stack.query(held)).blocked === 1, LIMIT);
  }
  equal('off', program.run(['guard', '--off']).code, 0);
});

await report('nothing is left behind in the kernel', async () => {
  await until('the driver has let go', async () => (await stack.counters()).operations === 0, LIMIT);
  sc('stop', 'sallyport');
  await until('everything is unregistered', async () => (await stack.counters()).callouts === 0, LIMIT);
  const { violations, first, lists, injectionHandles } = await stack.counters();
  equal('violations', [violations, first, lists, injectionHandles], [0, '', 0, 0]);
  await stack.close();
});
