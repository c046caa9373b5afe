import { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
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

/** Runs under Wine: the driver's stream module, its flows played by the lab's stack. */

/** How much is copied of each direction: room for a hello with a post-quantum key share. */
const BOUND = 4096;
const FIRST: DriverModules = { stream: { bytes: BOUND, flows: 8 } };

/** The first flight of this Node's own TLS client. */
function clientHello(servername: string): Promise<Uint8Array> {
  return new Promise(resolve => {
    const wire = new Duplex({
      read: () => undefined,
      write: (chunk: Uint8Array, _encoding, done) => {
        resolve(Uint8Array.from(chunk));
        done();
      },
    });
    tlsConnect({ socket: wire as never, servername }).on('error', () => undefined);
  });
}

async function main(): Promise<void> {
  sc('start', 'fwpkclnt'); // It may run from the program before.
  equal('sc start', sc('start', 'sallyport'), 0);
  const stack = new Stack();

  const scenario = (name: string, modules: DriverModules, work: (client: ModuleClient) => Promise<void>) =>
    report(name, async () => {
      const client = await new ModuleClient().start({}, modules);
      try {
        await work(client);
      } finally {
        await client.device.close();
      }
      await modulesAreGone(stack);
    });
  /** Exempt by loopback, so that nobody need answer. */
  const established = async (play: Partial<Play> = {}): Promise<Flows> => {
    const flows = await stack.play({ action: 'connect', conditionFlags: 1, localPort: 42000, ...play });
    equal('permitted', flows.permitted, flows.count);
    await stack.play({ action: 'establish', endpoint: flows.endpoint, count: flows.count, family: play.family ?? 4 });
    return flows;
  };
  const joined = (client: ModuleClient, direction: 'in' | 'out') =>
    Buffer.concat(client.streams(direction).map(event => event.data));

  for (const family of [4, 6] as const) {
    await scenario(
      `a TLS ClientHello over IPv${family} arrives at the client, and nothing behind the bound`,
      FIRST,
      async client => {
        const hello = await clientHello('www.lab.example');
        equal(`a hello of ${hello.length} bytes is shorter than the bound`, hello.length < BOUND, true);
        const { endpoint } = await established({ family, processId: 777, localPort: 42010, remotePort: 443 });
        equal('a context', (await stack.counters()).flowContexts, 1);
        const outcome = await stack.stream({ endpoint, direction: 'out', bytes: hello, segmentBytes: 100 });
        equal('passed as it was', [outcome.passed, outcome.mismatch], [BigInt(hello.length), 0]);
        await until('all of it is told', () => joined(client, 'out').length === hello.length);
        equal('the same bytes', [...joined(client, 'out')], [...hello]);
        equal('with the name', joined(client, 'out').includes('www.lab.example'), true);
        const [first] = client.streams('out');
        const address = family === 4 ? '203.0.113.9' : '2001:db8::9';
        equal('flow', [first!.processId, first!.local.port, first!.remote], [777, 42010, { address, port: 443 }]);
        const more = await stack.stream({ endpoint, direction: 'out', bytes: new Uint8Array(2 * BOUND).fill(7) });
        equal('the rest passes', more.passed, BigInt(2 * BOUND));
        equal('copied up to the bound', more.copied, BigInt(BOUND - hello.length));
        await until('the last part is told', () => client.streams('out').at(-1)!.last);
        equal('the bound in all', joined(client, 'out').length, BOUND);
        const offsets = client.streams('out').map(event => event.offset);
        const ends = client.streams('out').map(event => event.offset + event.data.length);
        equal('without gaps', offsets.slice(1), ends.slice(0, -1));
        await stack.play({ action: 'close', family, endpoint });
        equal('the context went with the flow', (await stack.counters()).flowContexts, 0);
      },
    );
  }

  await scenario('both directions are bounded apart; a FIN alone ends a direction', FIRST, async client => {
    const { endpoint } = await established({ localPort: 42020 });
    await stack.stream({ endpoint, direction: 'out', bytes: Buffer.from('GET / HTTP/1.1\r\n\r\n'), end: 'fin' });
    await stack.stream({ endpoint, direction: 'in', bytes: Buffer.from('HTTP/1.1 204\r\n\r\n'), end: 'reset' });
    await until('both ends are told', () => (['in', 'out'] as const).every(side => client.streams(side).at(-1)?.last));
    equal('out', joined(client, 'out').toString(), 'GET / HTTP/1.1\r\n\r\n');
    equal('in', joined(client, 'in').toString(), 'HTTP/1.1 204\r\n\r\n');
    await stack.play({ action: 'close', endpoint });
  });

  await scenario('a long stream costs only its bound', FIRST, async client => {
    const { endpoint } = await established({ localPort: 42030 });
    const before = await client.statistic('streamBytes');
    const bytes = new Uint8Array(64 * 1460).map((_, index) => index % 251);
    const outcome = await stack.stream({ endpoint, direction: 'in', bytes, repeat: 50 });
    equal('passed', outcome.passed, BigInt(bytes.length * 50));
    equal('as it was', outcome.mismatch, 0);
    equal('copied', outcome.copied, BigInt(BOUND));
    await until('the bound is told', () => client.streams('in').at(-1)?.last === true);
    equal('events', client.streams('in').length, Math.ceil(BOUND / 1460));
    equal('statistics', (await client.statistic('streamBytes')) - before, BigInt(BOUND));
    await stack.play({ action: 'close', endpoint });
  });

  await scenario(
    'no more flows are watched than asked for, and an ended one makes room',
    { stream: { bytes: 16, flows: 4 } },
    async () => {
      const first = await established({ count: 10, localPort: 42040, remotePort: 5000 });
      equal('watched', (await stack.counters()).flowContexts, 4);
      const unwatched = await stack.stream({ endpoint: first.endpoint + 9n, direction: 'out', bytes: Uint8Array.of(1) });
      equal('the others pass without being asked', [unwatched.passed, unwatched.classified], [1n, 0]);
      await stack.play({ action: 'close', endpoint: first.endpoint });
      await established({ localPort: 42041 });
      equal('again', (await stack.counters()).flowContexts, 4);
    },
  );

  await scenario('UDP flows and flows from before the module are not watched', {}, async client => {
    const before = await established({ localPort: 42050 });
    await client.set(FIRST);
    equal('callouts', (await stack.counters()).callouts, PLAIN_CALLOUTS + 4);
    await established({ localPort: 42051, protocol: 17 });
    equal('contexts', (await stack.counters()).flowContexts, 0);
    const outcome = await stack.stream({ endpoint: before.endpoint, direction: 'out', bytes: Uint8Array.of(1) });
    equal('passes', [outcome.passed, outcome.classified], [1n, 0]);
  });

  await scenario('the module goes while flows live: they stream on, unwatched', FIRST, async client => {
    const { endpoint } = await established({ count: 5, localPort: 42060, remotePort: 6000 });
    await client.set({});
    await modulesAreGone(stack);
    const outcome = await stack.stream({ endpoint, direction: 'out', bytes: Uint8Array.of(1, 2, 3) });
    equal('passes', [outcome.passed, outcome.classified], [3n, 0]);
    await stack.play({ action: 'close', endpoint, count: 5 });
  });

  await scenario('a flow that ends without FIN or reset ends both directions', FIRST, async client => {
    const { endpoint } = await established({ localPort: 42065 });
    await stack.stream({ endpoint, direction: 'out', bytes: Uint8Array.of(1, 2, 3) });
    await stack.play({ action: 'close', endpoint });
    await until('both ends are told', () => (['in', 'out'] as const).every(side => client.streams(side).at(-1)?.last));
    equal(
      'out',
      client.streams('out').map(({ offset, data }) => [offset, data.length]),
      [
        [0, 3],
        [3, 0],
      ],
    );
    equal(
      'in',
      client.streams('in').map(({ offset, data }) => [offset, data.length]),
      [[0, 0]],
    );
  });

  await report('the client is killed while a segment is being copied: its context outlives the classify', async () => {
    let endpoint = 0n;
    await killedHolder({}, FIRST, async () => {
      await until('it has the module', async () => (await stack.counters()).callouts === PLAIN_CALLOUTS + 4, 30_000);
      ({ endpoint } = await established({ count: 3, localPort: 42070, remotePort: 7000 }));
      await stack.stream({ endpoint, direction: 'out', bytes: new Uint8Array(100), stall: true });
      await until('the classify is in the engine', async () => (await stack.counters()).stalled === 1);
    });
    await modulesAreGone(stack);
    await until('the segment has passed', async () => (await stack.query({ endpoint, count: 1 })).delivered === 1);
    equal('as it was', (await stack.query({ endpoint, count: 1 })).payloadMismatch, 0);
  });

  await scenario('a flow id is not given twice while the driver is loaded', FIRST, async client => {
    const ids = async () => {
      const { endpoint } = await established({ localPort: 42080 });
      const seen = client.streams('out').length;
      await stack.stream({ endpoint, direction: 'out', bytes: Uint8Array.of(1) });
      await until('it is told', () => client.streams('out').length > seen);
      await stack.play({ action: 'close', endpoint });
      return client.streams('out').at(-1)!.flowId;
    };
    const first = await ids();
    await client.set({});
    await client.set(FIRST);
    equal('another id', (await ids()) !== first, true);
  });

  await report('the driver stops: nothing is left', async () => {
    await closeFlows(stack);
    equal('sc stop', sc('stop', 'sallyport'), 0);
    await driverIsGone(stack);
  });
  await stack.close();
}

await (process.argv[2] === 'hold' ? holdModules(process.argv[3]!) : main());
