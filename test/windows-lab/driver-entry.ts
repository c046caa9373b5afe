import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Message, SALLYPORT, sizeOf } from '../../driver/windows/contract.ts';
import { DriverDevice } from '../../driver/windows/device.ts';
import { DriverSource } from '../../driver/windows/driver-source.ts';
import { decodeBatch } from '../../driver/windows/events.ts';
import { type DriverPolicy, decodeWelcome, encodePolicy, encodeVerdicts } from '../../driver/windows/requests.ts';
import type { SourceEvent } from '../../engine/model/attempt.ts';
import { Client, sc } from './lab-client.ts';
import { equal, report, until } from './report.ts';
import { type Flows, LAB_DEVICE, Stack } from './stack.ts';

/** Runs under Wine: the real driver and its client, with the lab's stack below. */

const CLEAR_ACTION_RIGHT = 1;
const PERMIT_IF_UNREGISTERED = 2;
const LOOPBACK = 1;
const ROOMY: DriverPolicy = { maxHeld: 2000, maxHeldPerProcess: 2000 };

/** Another process that attaches, says so by holding, and is killed. */
async function holder(): Promise<void> {
  const client = await new Client(ROOMY).start();
  process.stdout.write(`attached ${client.source.kind}\n`);
  setInterval(() => undefined, 1000);
}

/** Another process that attaches and fails as soon as something is held. */
async function thrower(): Promise<void> {
  const client = new Client(ROOMY);
  client.answer = () => {
    setImmediate(() => {
      throw new Error('on purpose');
    });
    return undefined;
  };
  await client.start();
}

async function main(): Promise<void> {
  await report('without the driver, the reason and what to type are told', async () => {
    const error = await new Client({}).start().then(
      () => undefined,
      (reason: Error) => reason.message,
    );
    equal('message', error, 'opening the driver: the driver is not loaded; type: sc start sallyport');
  });
  sc('start', 'fwpkclnt'); // It may run from the program before.
  const stack = new Stack();
  const { poolBlocks: formerBlocks } = await stack.counters();
  equal('sc start sallyport', sc('start', 'sallyport'), 0);

  const scenario = (name: string, policy: DriverPolicy, work: (client: Client) => Promise<void>) =>
    report(name, async () => {
      const client = await new Client({ ...ROOMY, ...policy }).start();
      try {
        await work(client);
        const { operations, lists, violations, first } = await stack.counters();
        equal('violations', [violations, first], [0, '']);
        await client.source.stop();
        await until('nothing is held after the client is gone', async () => (await stack.counters()).operations === 0);
        if (operations === 0) equal('lists', lists, 0);
      } finally {
        await client.source.stop();
      }
    });
  const settled = async (flows: Flows): Promise<Flows> => {
    await until('no flow is held', async () => (await stack.query(flows)).held === 0);
    return stack.query(flows);
  };

  await report('the policy of a driver that was just loaded is the one that this program takes for its default', async () => {
    const device = DriverDevice.open('observer');
    await device.attach('observer');
    const policy = await device.control('policy', SALLYPORT.IOCTL_GET_POLICY, new Uint8Array(0), sizeOf('POLICY'));
    equal('policy', [...policy], [...encodePolicy({})]);
    await device.close();
  });

  for (const family of [4, 6] as const) {
    await scenario(`a held connect over IPv${family} is answered permit and block`, {}, async client => {
      const permitted = await stack.play({ action: 'connect', family, remotePort: 443, processId: 777, localPort: 40001 });
      const blocked = await stack.play({ action: 'connect', family, remotePort: 25, processId: 777, localPort: 40002 });
      equal('held', [permitted.held, blocked.held], [1, 1]);
      await until('both are told', () => client.held.length === 2);
      const [first, second] = client.held;
      equal(
        'attempt',
        { ...first, id: 0, at: 0 },
        {
          id: 0,
          layer: 'ALE_AUTH_CONNECT',
          family: family === 4 ? 'v4' : 'v6',
          protocol: 6,
          local: { address: family === 4 ? '192.0.2.10' : '2001:db8::a', port: 40001 },
          remote: { address: family === 4 ? '203.0.113.9' : '2001:db8::9', port: 443 },
          identity: { pid: 777, parents: [] },
          names: [],
          at: 0,
        },
      );
      equal('answers', [client.source.complete(first!.id, 'permit'), client.source.complete(second!.id, 'block')], [true, true]);
      equal('a second answer', client.source.complete(first!.id, 'block'), false);
      equal('permit', (await settled(permitted)).permitted, 1);
      equal('block', (await settled(blocked)).blocked, 1);
      await until('both ends are told', () => client.count('completed') === 2);
    });
  }

  await report('a client of another version is told which side is older, and nothing is held for it', async () => {
    const device = DriverDevice.open('decider');
    const hello = new Message('HELLO').set('version', 2).set('magic', SALLYPORT.MAGIC).bytes;
    const welcome = decodeWelcome(await device.control('hello', SALLYPORT.IOCTL_ATTACH_DECIDER, hello, sizeOf('WELCOME')));
    equal('welcome', [welcome?.accepted, welcome?.contractVersion], [false, SALLYPORT.CONTRACT_VERSION]);
    equal('not held', (await stack.play({ action: 'connect', localPort: 40005 })).held, 0);
    await device.close();
  });

  const pretender = (events: SourceEvent[]) => {
    const source = new DriverSource({ identify: () => ({ pid: 0, parents: [] }), devicePath: LAB_DEVICE });
    return source
      .start(event => events.push(event))
      .then(
        () => source,
        (error: Error) => error.message,
      );
  };
  for (const [kind, sentence] of [
    ['foreign', /^\\\\\.\\Sallyport belongs to another driver; remove it and install Sallyport's$/],
    ['newer', /^driver 9\.8\.7 speaks version 2, this program 1; the program is older: install both from the same package$/],
  ] as const) {
    await report(`a driver that is ${kind} is told in one sentence`, async () => {
      await stack.fake(kind);
      const message = await pretender([]);
      equal(`sentence: ${message}`, typeof message === 'string' && sentence.test(message), true);
    });
  }

  for (const kind of ['cut', 'endless', 'count', 'short'] as const) {
    await report(`broken events (${kind}) from the kernel end the source with one sentence`, async () => {
      await stack.fake(kind);
      const events: SourceEvent[] = [];
      const source = await pretender(events);
      equal('started', source instanceof DriverSource, true);
      await until('it has failed', () => events.length > 0);
      equal(
        'events',
        events.map(event => event.type),
        ['failed'],
      );
      const text = events[0]?.type === 'failed' ? events[0].message : '';
      const clear =
        /^The driver sent [^\n]+\. Install the driver that came with this program \(install\.cmd\) and start again\.$/;
      equal(`sentence: ${text}`, clear.test(text), true);
      if (source instanceof DriverSource) await source.stop();
    });
  }

  await scenario('a time-out decides by the policy', { deadlineMs: 100, onTimeout: 'permit' }, async client => {
    const flows = await stack.play({ action: 'connect', localPort: 40010 });
    equal('after the deadline', (await settled(flows)).permitted, 1);
    await until('it is told as withdrawn', () => client.count('withdrawn') === 1);
    equal('a late answer', client.source.complete(client.held[0]!.id, 'block'), false);
  });

  await scenario('a thousand are held at once, and each gets its own answer', {}, async client => {
    const flows = await stack.play({ action: 'connect', count: 1000, remotePort: 10000, localPort: 40020 });
    equal('held', flows.held, 1000);
    await until('all are told', () => client.held.length === 1000);
    for (const attempt of client.held) client.source.complete(attempt.id, attempt.remote!.port % 2 ? 'block' : 'permit');
    const end = await settled(flows);
    equal('answers', [end.permitted, end.blocked, end.reauthorized], [500, 500, 1000]);
    await until('all ends are told', () => client.count('completed') === 1000);
  });

  await scenario(
    'beyond the cap the overflow policy decides',
    { maxHeld: 2, maxHeldPerProcess: 2, onOverflow: 'block' },
    async client => {
      const flows = await stack.play({ action: 'connect', count: 3, remotePort: 20000, localPort: 40021 });
      equal('held and blocked', [flows.held, flows.blocked], [2, 1]);
      await until('the third is told as decided', () => client.count('decided') === 1);
      for (const attempt of client.held) client.source.complete(attempt.id, 'block');
      await settled(flows);
    },
  );

  for (const family of [4, 6] as const) {
    await scenario(`a datagram over IPv${family} is kept and sent after the permit`, {}, async client => {
      client.answer = attempt => (attempt.remote!.port === 53 ? 'permit' : 'block');
      const permitted = await stack.play({
        action: 'send',
        family,
        protocol: 17,
        remotePort: 53,
        payloadBytes: 900,
        localPort: 40030,
      });
      const blocked = await stack.play({
        action: 'send',
        family,
        protocol: 17,
        remotePort: 54,
        payloadBytes: 10,
        localPort: 40031,
      });
      await until('the first is sent', async () => (await stack.query(permitted)).delivered === 1);
      const end = await settled(permitted);
      equal('permitted, sent as it was', [end.permitted, end.payloadMismatch], [1, 0]);
      const other = await settled(blocked);
      equal('blocked, not sent', [other.blocked, other.delivered], [1, 0]);
    });

    await scenario(`an inbound connection over IPv${family} is held and let in by injection`, {}, async client => {
      client.answer = attempt => (attempt.local!.port === 8080 ? 'permit' : 'block');
      const permitted = await stack.play({ action: 'accept', family, localPort: 8080, remotePort: 61000 });
      const blocked = await stack.play({
        action: 'accept',
        family,
        localPort: 8081,
        remotePort: 61001,
        protocol: 17,
        payloadBytes: 40,
      });
      await until('the packet is let in', async () => (await stack.query(permitted)).delivered === 1);
      const end = await stack.query(permitted);
      equal('permitted, as it came, without reauthorization', [end.permitted, end.payloadMismatch, end.reauthorized], [1, 0, 0]);
      const other = await settled(blocked);
      equal('blocked', [other.blocked, other.delivered], [1, 0]);
      equal('layer', client.held[0]!.layer, 'ALE_AUTH_RECV_ACCEPT');
    });
  }

  await scenario('a change of policy asks again and gets the same answer without holding', {}, async client => {
    client.answer = attempt => (attempt.remote!.port === 443 ? 'permit' : 'block');
    const permitted = await settled(await stack.play({ action: 'connect', remotePort: 443, localPort: 40040 }));
    const blocked = await settled(await stack.play({ action: 'connect', remotePort: 80, localPort: 40041 }));
    const held = client.held.length;
    for (const { endpoint } of [permitted, blocked]) await stack.play({ action: 'reauthorize', endpoint });
    equal('permit stays', (await stack.query(permitted)).permitted, 1);
    equal('block stays', (await stack.query(blocked)).blocked, 1);
    equal('asked a person again', client.held.length - held, 0);
  });

  await scenario('a permit is hard when the filter says so and soft when not, again on reauthorization', {}, async client => {
    client.answer = () => 'permit';
    const hard = await settled(await stack.play({ action: 'connect', filterFlags: CLEAR_ACTION_RIGHT, localPort: 40050 }));
    const soft = await settled(await stack.play({ action: 'connect', localPort: 40051 }));
    equal('hard and soft', [hard.hard, soft.hard], [1, 0]);
    await stack.play({ action: 'reauthorize', endpoint: hard.endpoint });
    await stack.play({ action: 'reauthorize', endpoint: soft.endpoint });
    equal('again', [(await stack.query(hard)).hard, (await stack.query(soft)).hard], [2, 0]);
  });

  await scenario('loopback, the decider itself and what others decided are not held', {}, async client => {
    const loopback = await stack.play({ action: 'connect', conditionFlags: LOOPBACK, localPort: 40060 });
    const own = await stack.play({ action: 'connect', processId: process.pid, localPort: 40061 });
    const decided = await stack.play({ action: 'connect', rights: 0, localPort: 40062 });
    equal('held', [loopback.held, own.held, decided.held], [0, 0, 0]);
    equal('passed', [loopback.permitted, own.permitted], [1, 1]);
    equal('asked', client.held.length, 0);
  });

  await scenario('a socket that is closed while held is withdrawn', {}, async client => {
    const flows = await stack.play({ action: 'connect', localPort: 40070 });
    await until('it is told', () => client.held.length === 1);
    await stack.play({ action: 'close', endpoint: flows.endpoint });
    await until('it is withdrawn', () => client.events.some(event => event.type === 'withdrawn' && event.reason === 'exited'));
    equal('answer', client.source.complete(client.held[0]!.id, 'permit'), false);
    await until('the operation is completed', async () => (await stack.counters()).operations === 0);
  });

  await scenario('two observers see everything and change nothing; a second decider is refused', {}, async client => {
    const observers = [DriverDevice.open('observer'), DriverDevice.open('observer')];
    try {
      for (const observer of observers) await observer.attach('observer');
      const next = (device: DriverDevice) =>
        device.control('events', SALLYPORT.IOCTL_NEXT_EVENTS, new Uint8Array(0), SALLYPORT.MIN_EVENT_BUFFER);
      const waiting = observers.map(next);
      const flows = await stack.play({ action: 'connect', localPort: 40080 });
      const seen = (await Promise.all(waiting)).map(bytes => decodeBatch(bytes).events.find(event => event.type === 'pended'));
      equal('the same event', seen[0], seen[1]);
      const requestId = seen[0]?.type === 'pended' ? seen[0].requestId : 0n;
      const size = sizeOf('VERDICT_RESULTS') + sizeOf('VERDICT_RESULT');
      const answer = await observers[0]!
        .control('answering', SALLYPORT.IOCTL_COMPLETE, encodeVerdicts([{ requestId, verdict: 'permit' }]), size)
        .then(
          () => 'accepted',
          (error: Error) => error.message,
        );
      equal('an observer answers', answer, 'answering: access denied; start Sallyport as administrator');
      const second = await new Client({}).start().then(
        () => 'attached',
        (error: Error) => error.message,
      );
      equal(
        'second decider',
        second,
        'attaching to the driver: another Sallyport decides already; end it, or watch with an observer',
      );
      equal('still held', (await stack.query(flows)).held, 1);
      client.source.complete(client.held[0]!.id, 'block');
      await settled(flows);
    } finally {
      for (const observer of observers) await observer.close();
    }
  });

  for (const [flag, outcome] of [
    [0, 'blocked'],
    [PERMIT_IF_UNREGISTERED, 'permitted'],
  ] as const) {
    await report(`a client is killed while 100 are held: ${outcome}, as the filter says`, async () => {
      const child = spawn(process.execPath, [process.argv[1]!, 'hold'], { stdio: 'ignore' });
      const probe = DriverDevice.open('observer');
      await probe.attach('observer');
      const decider = async () => {
        const bytes = await probe.control('statistics', SALLYPORT.IOCTL_GET_STATISTICS, new Uint8Array(0), sizeOf('STATISTICS'));
        return new DataView(bytes.buffer).getUint32(24, true);
      };
      await until('the other process decides', async () => (await decider()) === 1, 30_000);
      const flows = await stack.play({ action: 'connect', count: 100, remotePort: 30000, filterFlags: flag, localPort: 40090 });
      equal('held', flows.held, 100);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const end = await settled(flows);
      equal('after its death', end[outcome], 100);
      equal('decider', await decider(), 0);
      const later = await stack.play({ action: 'connect', filterFlags: flag, localPort: 40091 });
      equal('nobody attached: not held', [later.held, later[outcome]], [0, 1]);
      await probe.close();
      const { operations, violations, first } = await stack.counters();
      equal('operations and violations', [operations, violations, first], [0, 0, '']);
    });
  }

  await report('a client that fails ends at once, and what it held is decided', async () => {
    const child = spawn(process.execPath, [process.argv[1]!, 'throw'], { stdio: 'ignore' });
    const exited = once(child, 'exit');
    let ended = false;
    void exited.then(() => {
      ended = true;
    });
    let flows: Flows | undefined;
    await until(
      'it holds',
      async () => {
        flows = await stack.play({ action: 'connect', localPort: 40095 });
        return flows.held === 1;
      },
      30_000,
    );
    await until('the process has ended', () => ended);
    equal('blocked', (await settled(flows!)).blocked, 1);
  });

  await report('a client lets go of 100 held and the driver stops: each was completed once, nothing is left', async () => {
    const client = await new Client(ROOMY).start();
    const flows = await stack.play({ action: 'connect', count: 100, remotePort: 31000, localPort: 40100 });
    equal('held', flows.held, 100);
    await until('all are told', () => client.held.length === 100);
    await client.source.stop();
    equal('sc stop', sc('stop', 'sallyport'), 0);
    await until('no flow is held', async () => (await stack.query(flows)).held === 0);
    await until('every pool block is released', async () => (await stack.counters()).poolBlocks === formerBlocks);
    const { callouts, injectionHandles, operations, lists, pools, poolBlocks, pended, completed, violations, first } =
      await stack.counters();
    equal(
      'left behind',
      { callouts, injectionHandles, operations, lists, pools, poolBlocks, violations, first },
      {
        callouts: 0,
        injectionHandles: 0,
        operations: 0,
        lists: 0,
        pools: 0,
        poolBlocks: formerBlocks,
        violations: 0,
        first: '',
      },
    );
    equal('each pended operation was completed once', completed, pended);
  });

  // Windows calls DriverUnload when the last handle is closed; Wine calls it at once, and never closes what was open then.
  await report('the driver unloads under a client that holds 100: each is completed once, blocked; it loads again', async () => {
    equal('sc start', sc('start', 'sallyport'), 0);
    const before = await stack.counters();
    const client = await new Client(ROOMY).start();
    const flows = await stack.play({
      action: 'connect',
      count: 100,
      remotePort: 32000,
      localPort: 40105,
      filterFlags: PERMIT_IF_UNREGISTERED,
    });
    equal('held', flows.held, 100);
    await until('all are told', () => client.held.length === 100);
    equal('sc stop', sc('stop', 'sallyport'), 0);
    const end = await settled(flows);
    equal('blocked, although the filter would permit', [end.blocked, end.reauthorized], [100, 100]);
    const { callouts, injectionHandles, operations, lists, pools, pended, completed, violations, first } = await stack.counters();
    equal(
      'left behind, but for the memory of the open handle',
      { callouts, injectionHandles, operations, lists, pools, violations, first },
      { callouts: 0, injectionHandles: 0, operations: 0, lists: 0, pools: 0, violations: 0, first: '' },
    );
    equal('each pended operation was completed once', [pended - before.pended, completed - before.completed], [100, 100]);
    await client.source.stop();
  });

  await report('the driver starts again and a client attaches', async () => {
    equal('sc start', sc('start', 'sallyport'), 0);
    const client = await new Client({}).start();
    client.answer = () => 'permit';
    const flows = await stack.play({ action: 'connect', localPort: 40110 });
    equal('permitted', (await settled(flows)).permitted, 1);
    await client.source.stop();
    equal('sc stop', sc('stop', 'sallyport'), 0);
  });
  await stack.close();
}

const roles: { readonly [name: string]: () => Promise<void> } = { hold: holder, throw: thrower };
await (roles[process.argv[2] ?? ''] ?? main)();
