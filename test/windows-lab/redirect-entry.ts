import type { DriverModules } from '../../driver/windows/requests.ts';
import { sc } from './lab-client.ts';
import {
  closeFlows,
  driverIsGone,
  holdModules,
  killedHolder,
  ModuleClient,
  modulesAreGone,
  PLAIN_CALLOUTS,
} from './module-client.ts';
import { equal, report, until } from './report.ts';
import { type Flows, type Play, Stack } from './stack.ts';

/** Runs under Wine: the driver's redirect module, its connects played by the lab's stack. */

const PROXY: DriverModules = { proxy: { pid: 6060, port: 8877 } };
const PROXIED = PROXY.proxy!;
const ROOMY = { maxHeld: 2000, maxHeldPerProcess: 2000 } as const;
const LOOPBACK = { 4: [127, 0, 0, 1], 6: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] } as const;
const REMOTE6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 9];

async function main(): Promise<void> {
  sc('start', 'fwpkclnt'); // It may run from the program before.
  equal('sc start', sc('start', 'sallyport'), 0);
  const stack = new Stack();

  const scenario = (name: string, policy: object, modules: DriverModules, work: (client: ModuleClient) => Promise<void>) =>
    report(name, async () => {
      const client = await new ModuleClient().start(policy, modules);
      try {
        await work(client);
      } finally {
        await client.device.close();
      }
      await modulesAreGone(stack);
    });
  const goesTo = async (flows: Flows) => {
    const { address, port, targetProcessId, times } = await stack.redirected(flows.endpoint);
    return { address: [...address], port, targetProcessId, times };
  };
  const settled = async (flows: Flows): Promise<Flows> => {
    await until('no flow is held', async () => (await stack.query(flows)).held === 0);
    return stack.query(flows);
  };

  await scenario('without being asked for the module is not there, and nothing is redirected', {}, {}, async client => {
    equal('callouts', (await stack.counters()).callouts, PLAIN_CALLOUTS);
    const flows = await stack.play({ action: 'connect', localPort: 41000 });
    equal('redirected', flows.redirected, 0);
    await until('it is held', () => client.held.length === 1);
    await client.answer('block');
    await settled(flows);
  });

  for (const family of [4, 6] as const) {
    await scenario(`a connect over IPv${family} goes to the proxy, which learns where it was to go`, {}, PROXY, async client => {
      equal('callouts', (await stack.counters()).callouts, PLAIN_CALLOUTS + 2);
      const before = await client.statistic('redirected');
      const flows = await stack.play({ action: 'connect', family, localPort: 41010, remotePort: 443 });
      const padded = family === 4 ? [...LOOPBACK[4], ...new Array(12).fill(0)] : [...LOOPBACK[6]];
      equal('to the proxy', await goesTo(flows), { address: padded, port: 8877, targetProcessId: 6060, times: 1 });
      const { context } = await stack.redirected(flows.endpoint);
      equal('a SOCKADDR_STORAGE', context.length, 128);
      equal('family', context[0], family === 4 ? 2 : 23);
      equal('port', [context[2], context[3]], [443 >> 8, 443 & 255]);
      equal(
        'address',
        [...context.subarray(family === 4 ? 4 : 8, family === 4 ? 8 : 24)],
        family === 4 ? [203, 0, 113, 9] : REMOTE6,
      );
      equal('statistics', (await client.statistic('redirected')) - before, 1n);
      await stack.play({ action: 'close', family, endpoint: flows.endpoint });
    });
  }

  await scenario('an IPv4-mapped address stays mapped', {}, PROXY, async () => {
    const flows = await stack.play({ action: 'connect', family: 6, remote: MAPPED, localPort: 41015 });
    equal('address', (await goesTo(flows)).address, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1]);
  });

  await scenario(
    "the proxy's own connections are not redirected: by its process, or by the records on its socket",
    {},
    PROXY,
    async () => {
      const accepted = await stack.play({ action: 'connect', localPort: 41020 });
      equal('the first', (await goesTo(accepted)).times, 1);
      const own: readonly (readonly [string, Partial<Play>])[] = [
        ['its process', { processId: PROXIED.pid }],
        ['another process of the proxy, with the records set', { processId: 6061, records: accepted.endpoint }],
        ['the decider', { processId: process.pid }],
        ['UDP', { protocol: 17 }],
        ['loopback', { remote: [127, 0, 0, 5] }],
        ['decided by somebody else', { rights: 0 }],
      ];
      for (const [what, play] of own) {
        const flows = await stack.play({ action: 'connect', localPort: 41021, ...play });
        equal(what, flows.redirected, 0);
      }
      const other = await stack.play({ action: 'connect', localPort: 41022, trouble: 'other-before' });
      equal('redirected by another driver before', (await goesTo(other)).times, 1);
      const after = await stack.play({ action: 'connect', localPort: 41023, trouble: 'other-after' });
      equal('changed by another driver after: not fought over', (await goesTo(after)).times, 1);
    },
  );

  await scenario('the answer for a redirected connect counts when it is authorised again', ROOMY, PROXY, async client => {
    const flows = await stack.play({ action: 'connect', localPort: 41030 });
    equal('held', [flows.held, flows.redirected], [1, 1]);
    await until('it is told', () => client.held.length === 1);
    await client.answer('permit');
    equal('permitted', (await settled(flows)).permitted, 1);
  });

  await scenario('the module goes while the decider stays, and comes again with another port', {}, PROXY, async client => {
    const before = await stack.play({ action: 'connect', localPort: 41040 });
    equal('redirected', before.redirected, 1);
    await until('it is held', () => client.held.length === 1);
    await client.answer('block');
    await settled(before);
    await client.set({});
    await modulesAreGone(stack);
    const without = await stack.play({ action: 'connect', localPort: 41041, conditionFlags: 1 });
    equal('not redirected meanwhile', without.redirected, 0);
    await client.set({ proxy: { pid: 6060, port: 9988 } });
    const again = await stack.play({ action: 'connect', localPort: 41042 });
    equal('to the new port', (await goesTo(again)).port, 9988);
  });

  await report('the client is killed while a redirect is in progress: the classify ends first, then the handle', async () => {
    await killedHolder({}, PROXY, async () => {
      await until('it has the module', async () => (await stack.counters()).callouts === PLAIN_CALLOUTS + 2, 30_000);
      const flows = await stack.play({ action: 'connect', localPort: 41050, trouble: 'stall' });
      await until('the classify is in the engine', async () => (await stack.counters()).stalled === 1);
      equal('not decided', [flows.permitted, flows.blocked], [0, 0]);
    });
    await modulesAreGone(stack);
    equal('nothing waits', (await stack.counters()).stalled, 0);
  });

  for (const [filterFlags, outcome] of [
    [0, 'blocked'],
    [2, 'permitted'],
  ] as const) {
    await report(`the client is killed while 100 redirected connects are held: ${outcome}, as the filter says`, async () => {
      let flows: Flows | undefined;
      await killedHolder(ROOMY, PROXY, async () => {
        await until('it has the module', async () => (await stack.counters()).callouts === PLAIN_CALLOUTS + 2, 30_000);
        flows = await stack.play({ action: 'connect', count: 100, remotePort: 30000, localPort: 41060, filterFlags });
        equal('held', [flows.held, flows.redirected], [100, 100]);
      });
      equal('after its death', (await settled(flows!))[outcome], 100);
      await modulesAreGone(stack);
    });
  }

  await scenario('layer data applied inline has no flags', {}, PROXY, async () => {
    const flows = await stack.play({ action: 'connect', localPort: 41069 });
    equal('redirected', flows.redirected, 1);
    equal('with REAUTHORIZE_IF_MODIFIED_BY_OTHERS', (await stack.counters()).inlineReauthorize, 0);
  });

  for (const family of [4, 6] as const) {
    await scenario(
      `a redirected connect over IPv${family} is held like any other, and told with its original destination`,
      {},
      PROXY,
      async client => {
        const flows = await stack.play({ action: 'connect', family, localPort: 41070, remotePort: 443 });
        equal('held', [flows.held, flows.redirected], [1, 1]);
        await until('it is told', () => client.held.length === 1);
        const event = client.events.find(one => one.type === 'pended');
        const address = family === 4 ? '203.0.113.9' : '2001:db8::9';
        equal('remote', event?.type === 'pended' && event.remote, { address, port: 443 });
        await client.answer('block');
        equal('blocked', (await settled(flows)).blocked, 1);
      },
    );
  }

  await scenario('loopback that nobody redirects passes while the redirect module is on', {}, PROXY, async client => {
    const flows = await stack.play({ action: 'connect', remote: [127, 0, 0, 5], conditionFlags: 1, localPort: 41072 });
    equal('permitted', [flows.permitted, flows.redirected], [1, 0]);
    equal('asked', client.held.length, 0);
  });

  await report('the driver stops: nothing is left', async () => {
    await closeFlows(stack);
    equal('sc stop', sc('stop', 'sallyport'), 0);
    await driverIsGone(stack);
  });
  await stack.close();
}

await (process.argv[2] === 'hold' ? holdModules(process.argv[3]!) : main());
