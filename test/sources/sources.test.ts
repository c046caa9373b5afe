import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe } from 'vitest';
import { createRunSource } from '../../driver/linux/run-source.ts';
import { ReplaySource } from '../../driver/recorded/replay-source.ts';
import type { Step } from '../../driver/recorded/step.ts';
import { SALLYPORT } from '../../driver/windows/contract.ts';
import { createDriverSource } from '../../driver/windows/driver-source.ts';
import { createNetEventSource, type TrafficEvent } from '../../driver/windows/net-event-source.ts';
import { decodeVerdictResults } from '../../driver/windows/requests.ts';
import { attempt, batch, completed, ScriptedDevice } from '../../driver/windows/scripted-device.ts';
import { canRun, type TcpTarget, tcpTarget } from '../linux/fixtures/here.ts';
import { describeConnectionSource } from './source-contract.ts';

const remotes = (count: number) => Array.from({ length: count }, (_, index) => 1000 + index);

/** The device gives the attempts by its first call and tells the end of each that was answered, as the driver does. */
async function driver(count: number) {
  const device = new ScriptedDevice();
  const control = device.control.bind(device);
  device.control = async (call, code, input) => {
    const result = await control(call, code, input);
    if (code !== SALLYPORT.IOCTL_COMPLETE) return result;
    const missed = new Set(decodeVerdictResults(result));
    const done = device.verdicts.filter(id => !missed.has(id)).map(id => completed(id, SALLYPORT.REASON_ANSWERED, 1));
    device.verdicts.length = 0;
    device.waiting.shift()?.answer(batch(...done));
    return result;
  };
  const source = createDriverSource({ identify: () => ({ pid: 1, parents: [] }), open: () => device });
  const start = source.start.bind(source);
  return Object.assign(source, {
    start: async (listener: Parameters<typeof start>[0]) => {
      await start(listener);
      device.waiting.shift()?.answer(batch(...remotes(count).map(id => attempt(BigInt(id)))));
    },
  });
}

async function netEvents(count: number) {
  const drop = (port: number): TrafficEvent => ({
    type: 'classify-drop',
    at: 1000,
    family: 'v4',
    protocol: 6,
    remote: { address: '203.0.113.9', port },
    appId: '\\device\\harddiskvolume3\\curl.exe',
    filterId: 7n,
    layerId: 48,
    direction: 'out',
    loopback: false,
  });
  return createNetEventSource({
    subscribe: async listener => {
      setImmediate(() => remotes(count).map(drop).forEach(listener));
      return async () => {};
    },
    isAsking: id => id === 7n,
  });
}

/** What was recorded of each attempt, and that its call ended. */
async function recorded(count: number) {
  const steps = async function* (): AsyncGenerator<Step, void, void> {
    for (const port of remotes(count)) {
      const attempted = { layer: 'ALE_AUTH_CONNECT', family: 'v4', protocol: 6, names: [], at: 1000 } as const;
      const identity = { pid: 1, parents: [] };
      yield {
        type: 'attempt',
        at: 1000,
        attempt: { ...attempted, id: port, identity, remote: { address: '203.0.113.9', port } },
      };
    }
    for (const id of remotes(count)) yield { type: 'told', at: 1000, event: { type: 'completed', id, result: 'ok' } };
  };
  return new ReplaySource('recorded', { steps: steps(), summary: () => undefined, close: async () => {} }, {});
}

const linux = (file: string) => fileURLToPath(new URL(file, import.meta.url));
let target: TcpTarget;

/** A command whose children connect, all at once. */
async function run(count: number) {
  const connect = `exec 3<>/dev/tcp/127.0.0.1/${target.port}`;
  return createRunSource({
    command: ['bash', '-c', `for i in ${remotes(count).join(' ')}; do (${connect}) & done; wait`],
    stdio: 'pipe',
    launcherPath: linux('../../driver/linux/launcher.ts'),
    worker: () => new Worker(linux('../linux/fixtures/worker.ts'), { workerData: { otherwise: 'ask' } }),
  });
}

describeConnectionSource('the callout driver', driver);
describeConnectionSource('net events', netEvents);
describeConnectionSource('a recording', recorded);

describe.runIf(canRun())('on Linux', () => {
  beforeAll(async () => {
    target = await tcpTarget();
  });
  afterAll(() => target.close());
  describeConnectionSource('a supervised command', run);
});
