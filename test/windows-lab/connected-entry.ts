import { spawnSync } from 'node:child_process';
import { LAYER_KEY } from '../../engine/model/keys.ts';
import { portCondition } from '../../engine/rules/conditions.ts';
import { openWindowsEngine } from '../../engine/windows/engine.ts';
import { openWindowsGuard } from '../../tui/cli/host/windows/windows-guard.ts';
import { paths } from '../../tui/cli/settings/paths.ts';
import { Program, type Running } from './program.ts';
import { equal, report as reported, until } from './report.ts';
import { type Flows, type Play, Stack } from './stack.ts';

/**
 * Runs under Wine: `sallyport guard` with the driver, both halves connected. The kernel calls a callout only where a filter of the engine
 * says so, and decides by the engine's filters at each classification and reauthorization.
 */

const [script, folder, home] = process.argv.slice(2) as [string, string, string];
const LIMIT = 30_000;
const program = new Program(script, folder);
const appId = '\\device\\harddiskvolume3\\lab\\client.exe';
const sc = (...args: string[]) => spawnSync('sc.exe', args, { stdio: 'ignore' });
let localPort = 50_000;

const report = (name: string, work: () => Promise<void>) => reported(name, () => work().finally(() => program.killAll()));
const connect = (remotePort: number, more: Partial<Play> = {}): Promise<Flows> =>
  stack.play({ action: 'connect', remotePort, localPort: ++localPort, appId, ...more });
const came = (flows: Flows, to: 'permitted' | 'blocked') =>
  until(`it is ${to}`, async () => (await stack.query(flows))[to] === 1, LIMIT);
const asked = async (flows: Flows) => (await stack.query(flows)).asked;

async function decided(remotePort: number, to: 'permitted' | 'blocked', times: number, more: Partial<Play> = {}): Promise<void> {
  const flows = await connect(remotePort, more);
  equal(`port ${remotePort}: ${to}, times asked`, [flows[to], flows.asked], [1, times]);
}

async function guarding(...options: string[]): Promise<Running> {
  const guard = program.start(['guard', '--line', '--timeout', '600', ...options]);
  await until('it guards', () => guard.has('sallyport guards this machine') || guard.has('its connections pass'), LIMIT);
  return guard;
}

function rule(...words: string[]): void {
  const { code, err } = program.run(['rules', 'add', ...words]);
  equal(err, code, 0);
}

sc('start', 'fwpkclnt');
sc('start', 'sallyport');
const stack = new Stack();
/** Its process tells the kernel of what others leave behind when they die. */
const engine = await openWindowsEngine();

await report('where no filter asks, nobody is asked', async () => {
  await until('the halves are connected', async () => (await connect(443)).asked === 0, LIMIT);
  await decided(443, 'permitted', 0);
  await decided(443, 'permitted', 0, { family: 6 });
});

await report('held; the answer is a filter, which decides the reauthorization and every connection after it', async () => {
  const guard = await guarding();
  const other = '\\device\\harddiskvolume3\\lab\\other.exe';
  for (const [verdict, to, port] of [
    ['permit', 'permitted', 443],
    ['block', 'blocked', 8443],
  ] as const) {
    const flows = await connect(port);
    equal('held', [flows.held, flows.asked], [1, 1]);
    rule(verdict, '--app', appId, '--port', String(port));
    await came(flows, to);
    equal('the filter decided, not the memory of the driver', await asked(flows), 1);
    await decided(port, to, 0);
    await decided(port, to, 0, { family: 6 });
    const stranger = await connect(port, { appId: other });
    equal('another program is asked about', stranger.held, 1);
    const elsewhere = await connect(port + 1);
    equal('another port is asked about', elsewhere.held, 1);
  }
  const { held } = await connect(443, { protocol: 17, action: 'send', payloadBytes: 40, appId: other });
  equal('a datagram of another program', held, 1);
  await guard.kill();
});

await report(
  'the kernel finds its neighbours without a question, a program that makes such messages is asked about',
  async () => {
    const guard = await guarding();
    const solicitation: Partial<Play> = { family: 6, protocol: 58, action: 'send', localPort: 135, payloadBytes: 24 };
    await decided(0, 'permitted', 0, { ...solicitation, appId: 'System' });
    equal('a program', (await connect(0, solicitation)).held, 1);
    equal('another type', (await connect(0, { ...solicitation, appId: 'System', localPort: 128 })).held, 1);
    await guard.kill();
  },
);

await report('an incoming connection: held, permitted by a rule with a remote side, the packet goes on', async () => {
  const guard = await guarding();
  const accept: Play = { action: 'accept', localPort: 8080, remotePort: 40_000, payloadBytes: 0, appId };
  const flows = await stack.play(accept);
  equal('held', [flows.held, flows.asked], [1, 1]);
  rule('permit', '--direction', 'in', '--app', appId, '--port', '8080', '--remote', '203.0.113.0/24');
  await came(flows, 'permitted');
  const { delivered } = await stack.query(flows);
  equal('delivered, asked', [delivered, await asked(flows)], [1, 1]);
  const again = await stack.play({ ...accept, remotePort: 40_001 });
  equal('the next one', [again.permitted, again.asked], [1, 0]);
  const stranger = await stack.play({ ...accept, remotePort: 40_002, remote: [198, 51, 100, 7] });
  equal('from elsewhere', stranger.held, 1);
  await guard.kill();
});

await report(
  'nobody answers: the driver remembers the verdict for the reauthorization, the next connection is asked about',
  async () => {
    const guard = program.start(['guard', '--line', '--timeout', '1', '--default', 'permit']);
    await until('it guards', () => guard.has('sallyport guards this machine'), LIMIT);
    const flows = await connect(7443);
    equal('held', flows.held, 1);
    await came(flows, 'permitted');
    equal('asked at the reauthorization too', await asked(flows), 2);
    equal('the next one is held', (await connect(7443)).held, 1);
    await guard.kill();
  },
);

await report('a socket that is closed while it waits is heard of, because a filter says so', async () => {
  const guard = await guarding();
  const flows = await connect(6443);
  equal('held', flows.held, 1);
  await stack.play({ action: 'close', endpoint: flows.endpoint });
  await until('nothing waits', async () => (await stack.counters()).operations === 0, LIMIT);
  await guard.kill();
});

await report('a block in a lighter sublayer of somebody else overrides a permit, and explain says the same', async () => {
  const layerKey = LAYER_KEY.ALE_AUTH_CONNECT_V4!;
  const added = await engine.filterAdd({
    displayData: { name: 'somebody else' },
    layerKey,
    weight: { type: 'FWP_EMPTY' },
    filterCondition: [portCondition('remote', { from: 443, to: 443 })],
    action: { type: 'FWP_ACTION_BLOCK' },
  });
  const explained = (port: number) => {
    const { code, out, err } = program.run(['explain', '--live', '--json', `${appId} -> 203.0.113.9:${port}/tcp`]);
    equal(err, code, 0);
    return (JSON.parse(out) as { verdict: string }).verdict;
  };
  await decided(443, 'blocked', 0);
  equal('explain', explained(443), 'block');
  await engine.filterDeleteById(added.filterId);
  await decided(443, 'permitted', 0);
  equal('explain', explained(443), 'permit');
  await decided(8443, 'blocked', 0);
  equal('explain', explained(8443), 'block');
});

await report('a guard that ends takes what asks with it, after what it held was let go by policy', async () => {
  equal('off', program.run(['guard', '--off']).code, 0);
  const { guard, close } = await openWindowsGuard(
    {
      where: paths({ SALLYPORT_HOME: home }),
      settings: { defaultVerdict: 'block', timeout: 600, nameLookups: 'permit', coreNetworking: 'permit' },
      asksPerson: true,
      tell: () => undefined,
      fail: 'closed',
    },
    'driver',
  );
  void guard.start();
  await until('it guards', () => guard.snapshot().status.phase === 'running', LIMIT);
  const flows = await connect(5443);
  equal('held', flows.held, 1);
  await close();
  equal('blocked', (await stack.query(flows)).blocked, 1);
  await decided(5443, 'permitted', 0);
  await decided(8443, 'blocked', 0);
});

await report('a closed guard that dies: what no rule permits fails, with the driver and without it', async () => {
  const guard = await guarding();
  const flows = await connect(5443);
  equal('held', flows.held, 1);
  await guard.kill();
  await came(flows, 'blocked');
  await decided(443, 'permitted', 0);
  await decided(5443, 'blocked', 1);
  sc('stop', 'sallyport');
  await until('its callouts are gone', async () => (await stack.counters()).callouts === 0, LIMIT);
  await decided(5443, 'blocked', 0);
  await decided(443, 'permitted', 0);
  sc('start', 'sallyport');
  equal('off', program.run(['guard', '--off']).code, 0);
  await decided(5443, 'permitted', 0);
});

await report('an open guard that dies takes its dynamic filters with it', async () => {
  const guard = await guarding('--fail', 'open');
  const flows = await connect(5443);
  equal('held', flows.held, 1);
  await guard.kill();
  await came(flows, 'permitted');
  await until('nothing asks', async () => (await connect(5443)).asked === 0, LIMIT);
  await decided(5443, 'permitted', 0);
  await decided(8443, 'blocked', 0);
});

await report('without the driver filters drop, all but loopback and what was there before', async () => {
  const guard = program.start(['guard', '--net-events', '--line']);
  await until('it guards', () => guard.has('guards'), LIMIT);
  await decided(5443, 'blocked', 0);
  await decided(5443, 'permitted', 0, { conditionFlags: 1 });
  await decided(443, 'permitted', 0);
  await guard.kill();
  equal('off', program.run(['guard', '--off']).code, 0);
  const before = await connect(5443);
  const next = program.start(['guard', '--net-events', '--line']);
  await until('it guards', () => next.has('guards'), LIMIT);
  await stack.play({ action: 'reauthorize', endpoint: before.endpoint });
  equal('reauthorized and spared', (await stack.query(before)).permitted, 1);
  await next.kill();
  equal('off', program.run(['guard', '--off']).code, 0);
});

await report('nothing is left behind in the kernel', async () => {
  await engine.close();
  await until('the driver has let go', async () => (await stack.counters()).operations === 0, LIMIT);
  sc('stop', 'sallyport');
  await until('everything is unregistered', async () => (await stack.counters()).callouts === 0, LIMIT);
  const { violations, first, lists, injectionHandles } = await stack.counters();
  equal('violations', [violations, first, lists, injectionHandles], [0, '', 0, 0]);
  await stack.disconnect();
  await stack.close();
});
