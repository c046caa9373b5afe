import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SALLYPORT, sizeOf } from '../../driver/windows/contract.ts';
import { DriverDevice } from '../../driver/windows/device.ts';
import { type DriverEvent, decodeBatch, type StreamEvent } from '../../driver/windows/events.ts';
import {
  type DriverModules,
  type DriverPolicy,
  decodeStatistics,
  encodeModules,
  encodePolicy,
  encodeVerdicts,
  verdictResultsSize,
} from '../../driver/windows/requests.ts';
import { equal, until } from './report.ts';
import type { Stack } from './stack.ts';

/** A decider that switches modules on and keeps every event. */
export class ModuleClient {
  readonly device = DriverDevice.open('decider');
  readonly events: DriverEvent[] = [];
  lost = 0n;

  async start(policy: DriverPolicy, modules: DriverModules): Promise<this> {
    await this.device.attach('decider');
    await this.device.control('setting the policy', SALLYPORT.IOCTL_SET_POLICY, encodePolicy(policy), 0);
    await this.set(modules);
    for (let calls = 4; calls > 0; calls--) void this.#next();
    return this;
  }

  async set(modules: DriverModules): Promise<void> {
    await this.device.control('setting the modules', SALLYPORT.IOCTL_SET_MODULES, encodeModules(modules), 0);
  }

  async #next(): Promise<void> {
    try {
      for (;;) {
        const bytes = await this.device.control('events', SALLYPORT.IOCTL_NEXT_EVENTS, new Uint8Array(0), 64 * 1024);
        const batch = decodeBatch(bytes);
        this.events.push(...batch.events);
        this.lost = batch.lost;
      }
    } catch {
      // Closed.
    }
  }

  get held(): readonly bigint[] {
    return this.events.flatMap(event => (event.type === 'pended' ? [event.requestId] : []));
  }

  streams(direction: 'in' | 'out'): readonly StreamEvent[] {
    return this.events
      .filter((event): event is StreamEvent => event.type === 'stream' && event.direction === direction)
      .sort((a, b) => Number(a.sequence - b.sequence));
  }

  async answer(verdict: 'permit' | 'block'): Promise<void> {
    const verdicts = this.held.map(requestId => ({ requestId, verdict }));
    await this.device.control(
      'answering',
      SALLYPORT.IOCTL_COMPLETE,
      encodeVerdicts(verdicts),
      verdictResultsSize(verdicts.length),
    );
  }

  async statistic(name: string): Promise<bigint> {
    const bytes = await this.device.control(
      'statistics',
      SALLYPORT.IOCTL_GET_STATISTICS,
      new Uint8Array(0),
      sizeOf('STATISTICS'),
    );
    return decodeStatistics(bytes).get(name)!;
  }
}

/** Callouts that the driver has without any module. */
export const PLAIN_CALLOUTS = 6;

/** Nothing of a module is left, and no rule of the engine was broken. */
export async function modulesAreGone(stack: Stack): Promise<void> {
  await until('the modules are unregistered', async () => (await stack.counters()).callouts <= PLAIN_CALLOUTS);
  const { redirectHandles, classifyHandles, flowContexts, operations, lists, violations, first } = await stack.counters();
  equal(
    'left behind',
    { redirectHandles, classifyHandles, flowContexts, operations, lists, violations, first },
    { redirectHandles: 0, classifyHandles: 0, flowContexts: 0, operations: 0, lists: 0, violations: 0, first: '' },
  );
}

/** Ends every flow that was played: what the engine keeps of a connection (its redirect context) goes with it. */
export async function closeFlows(stack: Stack): Promise<void> {
  const last = await stack.play({ action: 'connect', conditionFlags: 1 });
  await stack.play({ action: 'close', endpoint: 1n, count: Number(last.endpoint) });
}

/** After `sc stop sallyport`: the driver has given everything back, its pool included. */
export async function driverIsGone(stack: Stack): Promise<void> {
  await until('every callout is unregistered', async () => (await stack.counters()).callouts === 0);
  await until('every pool block is released', async () => (await stack.counters()).poolBlocks === 0);
  await modulesAreGone(stack);
}

/** Another process that decides with these modules until it is killed. The argument is read back by `holdModules`. */
export async function killedHolder(policy: DriverPolicy, modules: DriverModules, work: () => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, [process.argv[1]!, 'hold', encodeURIComponent(JSON.stringify({ policy, modules }))], {
    stdio: 'ignore',
  });
  try {
    await work();
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

export async function holdModules(text: string): Promise<void> {
  const { policy, modules } = JSON.parse(decodeURIComponent(text)) as { policy: DriverPolicy; modules: DriverModules };
  await new ModuleClient().start(policy, modules);
  setInterval(() => undefined, 1000);
}
