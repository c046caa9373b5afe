import { spawnSync } from 'node:child_process';
import { CONDITION_KEY } from '../../engine/model/keys.ts';
import { dropsToAsk, holdsToAsk } from '../../engine/rules/ask-filters.ts';
import { openWindowsEngine } from '../../engine/windows/engine.ts';
import type { CommandContext } from '../../tui/cli/commands.ts';
import { openWindowsGuard } from '../../tui/cli/host/windows/windows-guard.ts';
import { lineMode } from '../../tui/cli/run/line-mode.ts';
import { paths } from '../../tui/cli/settings/paths.ts';
import { report, until } from './report.ts';
import { type Play, Stack } from './stack.ts';

/** Runs under Wine: the whole guard in line mode over BFE and the driver. The argument says whether rules are made or found again. */

const appId = '\\device\\harddiskvolume3\\lab\\client.exe';
const toWeb: Play = { action: 'connect', remotePort: 443, appId };
const toMail: Play = { action: 'connect', remotePort: 25, appId };
const sc = (...args: string[]) => spawnSync('sc.exe', args, { stdio: 'ignore' });

function expectThat(what: string, holds: boolean): void {
  if (!holds) throw new Error(`not so: ${what}`);
}

sc('start', 'fwpkclnt');
sc('start', 'sallyport');
const stack = new Stack();
const lines: string[] = [];
const session = await openWindowsGuard(
  {
    where: paths({ SALLYPORT_HOME: process.argv[3]! }),
    settings: { defaultVerdict: 'block', timeout: 30, nameLookups: 'ask', coreNetworking: 'permit' },
    asksPerson: true,
    tell: text => lines.push(text),
    fail: 'closed',
  },
  'driver',
);
const { guard } = session;
const watcher = await openWindowsEngine({ displayData: { name: 'what is there' } });
const sink = { write: (text: string) => lines.push(text) };
const context = { args: [], stdin: process.stdin, stdout: sink, stderr: sink, env: {} } as unknown as CommandContext;
const running = lineMode(guard, context, false);
await until('the guard runs', () => guard.snapshot().status.phase === 'running');

async function answered(play: Play, verdict: 'permit' | 'block'): Promise<void> {
  const flows = await stack.play(play);
  expectThat('the connection is held', flows.held === 1);
  await until('it is asked', () => guard.snapshot().requests.some(request => request.state === 'asking'));
  const request = guard.snapshot().requests.find(one => one.state === 'asking')!;
  const { identity, remote } = request.attempt;
  const port = { from: remote!.port, to: remote!.port };
  const result = await guard.send({
    type: 'answer',
    requests: [request.id],
    verdict,
    scope: { app: identity.path!, remote: { kind: 'any' }, port, protocol: 6, direction: 'out' },
    lifetime: { kind: 'permanent' },
  });
  expectThat(`the answer is taken: ${JSON.stringify(result)}`, result.ok);
  await until('it is completed', async () => (await stack.query(flows))[verdict === 'permit' ? 'permitted' : 'blocked'] === 1);
}

async function decided(play: Play, verdict: 'permitted' | 'blocked'): Promise<void> {
  const flows = await stack.play({ ...play, localPort: 50999 });
  await until(`the rule decides: ${verdict}`, async () => (await stack.query(flows))[verdict] === 1);
  expectThat('nobody is asked', guard.snapshot().requests.length === 0);
}

if (process.argv[2] === 'make') {
  await report('an answer becomes a permanent filter in BFE, and the held connection is completed by it', async () => {
    await answered(toWeb, 'permit');
    await answered(toMail, 'block');
    const filters = await watcher.filterEnum();
    const made = filters.filter(filter => filter.providerData && (filter.flags & 1) === 1);
    const apps = made.flatMap(filter => filter.filterCondition.filter(one => one.fieldKey === CONDITION_KEY.ALE_APP_ID));
    const text = (value: unknown) => Buffer.from(value as Uint8Array).toString('utf16le');
    expectThat('the program stands in them as ALE_APP_ID has it', apps.length > 0);
    for (const { conditionValue } of apps) {
      expectThat('with its NUL', conditionValue.type === 'FWP_BYTE_BLOB_TYPE' && text(conditionValue.value) === `${appId}\0`);
    }
  });
} else {
  await report('after a restart the rules are there', async () => {
    await until('both rules are listed', () => guard.snapshot().rules.filter(rule => rule.origin === 'prompt').length === 2);
  });
}
await report('the next connections are decided by the rules, without a question', async () => {
  await decided(toWeb, 'permitted');
  await decided(toMail, 'blocked');
});
await report('a held connection is let go by the policy when the guard ends', async () => {
  const flows = await stack.play({ action: 'connect', remotePort: 8443, appId });
  await until('it is asked', () => guard.snapshot().requests.length === 1);
  await guard.stop();
  await running;
  await until('it is not held any more', async () => (await stack.query(flows)).held === 0);
});
await report('line mode told it line by line', async () => {
  const text = lines.join('');
  for (const word of ['sallyport guards', 'permit', 'block', '203.0.113.9:443/tcp'])
    expectThat(`${word} in:\n${text}`, text.includes(word));
});
await report('nothing is left behind in the kernel', async () => {
  const asking = (await watcher.filterEnum()).filter(filter => dropsToAsk(filter) || holdsToAsk(filter));
  expectThat('what asked has gone with the guard', asking.length === 0);
  await session.close();
  await watcher.close();
  sc('stop', 'sallyport');
  await until('everything is unregistered', async () => (await stack.counters()).callouts === 0);
  const { operations, lists, injectionHandles, violations, first } = await stack.counters();
  expectThat(`${first} ${operations} ${lists}`, operations === 0 && lists === 0 && injectionHandles === 0 && violations === 0);
  await stack.close();
});
