import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { SimulatedClock } from 'xstate';
import { EmbeddedEngine } from '../../engine/embedded/engine.ts';
import { openHistory } from '../../engine/history/history-store.ts';
import type { ConnectionAttempt, ConnectionSource, NameEvidence, SourceEvent, Verdict } from '../../engine/model/attempt.ts';
import { attemptValues, decideAttempt } from '../../engine/rules/attempt-values.ts';
import type { Scope } from '../../engine/rules/rule.ts';
import { ASK_CALLOUTS } from '../../engine/rules/well-known.ts';
import { createGuard, type GuardOptions } from '../../machines/guard.ts';
import type { GuardEvent } from '../../machines/guard-events.ts';
import type { GuardHost } from '../../machines/guard-host.ts';

/** A source whose calls are made by the test. It completes each attempt once, as a real one does. */
export class ScriptedSource implements ConnectionSource {
  readonly kind = 'run';
  readonly failPolicy = 'closed';
  readonly title = 'run: test';
  readonly completed = new Map<number, Verdict>();
  readonly signals: string[] = [];
  readonly open = new Set<number>();
  startFailure: Error | undefined;
  stopped = 0;
  emit: (event: SourceEvent) => void = () => {
    throw new Error('not started');
  };

  async start(listener: (event: SourceEvent) => void): Promise<void> {
    if (this.startFailure) throw this.startFailure;
    this.emit = listener;
  }
  hold(...attempts: readonly ConnectionAttempt[]): void {
    for (const attempt of attempts) {
      this.open.add(attempt.id);
      this.emit({ type: 'pended', attempt });
    }
  }
  withdraw(id: number): void {
    this.open.delete(id);
    this.emit({ type: 'withdrawn', id, reason: 'exited' });
  }
  complete(id: number, verdict: Verdict): boolean {
    if (!this.open.delete(id)) return false;
    this.completed.set(id, verdict);
    return true;
  }
  signal(name: NodeJS.Signals): void {
    this.signals.push(name);
  }
  async stop(): Promise<void> {
    this.stopped++;
  }
}

export interface Shape {
  readonly path?: string;
  readonly address?: string;
  readonly port?: number;
  readonly names?: readonly string[];
  readonly pid?: number;
  readonly startTime?: number;
}

/** A guard on the real engine and a real history, with a source and a clock in the test's hands. */
export async function makeRig(options: Partial<GuardOptions> = {}, change: (host: GuardHost) => GuardHost = host => host) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-guard-'));
  const clock = new SimulatedClock();
  const source = new ScriptedSource();
  const embedded = EmbeddedEngine.open({ path: join(folder, 'engine.sqlite') });
  const classify = embedded.classify.bind(embedded);
  for (const key of ASK_CALLOUTS) embedded.registerCallout(key, () => ({ action: 'block', pend: true }));
  const history = openHistory(join(folder, 'history.sqlite'));
  const host: GuardHost = change({
    engine: embedded.openSession(),
    dynamic: embedded.openSession({ dynamic: true }),
    source,
    history,
    decide: attempt => decideAttempt(classify, attempt),
    explain: attempt => {
      const { layerKey, values } = attemptValues(attempt)[0]!;
      return embedded.explain(layerKey, values);
    },
    published: () => Promise.resolve(),
    clock,
  });
  const guard = createGuard(host, { defaultVerdict: 'block', asksPerson: true, timeoutSeconds: 30, ...options });
  const events: GuardEvent[] = [];
  guard.events(event => events.push(event));
  const attempt = (
    id: number,
    { path = '/usr/bin/curl', address = '203.0.113.9', port = 443, names = [], pid = 42, startTime }: Shape = {},
  ): ConnectionAttempt => ({
    id,
    layer: 'ALE_AUTH_CONNECT',
    family: 'v4',
    protocol: 6,
    remote: { address, port },
    identity: {
      pid,
      path,
      uid: 1000,
      gids: [1000],
      user: 'alice',
      parents: [],
      ...(startTime === undefined ? {} : { startTime }),
    },
    names: names.map((name): NameEvidence => ({ name, kind: 'dns', at: 1 })),
    at: clock.now(),
  });
  return {
    guard,
    host,
    source,
    clock,
    embedded,
    events,
    attempt,
    folder,
    told: (type: GuardEvent['type']) => events.filter(event => event.type === type),
    end: async () => {
      await guard.stop();
      history.close();
      embedded.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type Rig = Awaited<ReturnType<typeof makeRig>>;

export const anyAddress: Scope = { app: '/usr/bin/curl', remote: { kind: 'any' }, direction: 'out' };
export const permanent = { kind: 'permanent' } as const;

/** Makes rigs that end with their test: `make` one, or `start` one and see it run. */
export function rigs() {
  const made: Rig[] = [];
  afterEach(async () => {
    for (const rig of made.splice(0)) await rig.end();
  });
  const make = async (...args: Parameters<typeof makeRig>): Promise<Rig> => {
    const rig = await makeRig(...args);
    made.push(rig);
    return rig;
  };
  const start = async (...args: Parameters<typeof makeRig>): Promise<Rig> => {
    const rig = await make(...args);
    await rig.guard.start();
    expect(rig.guard.snapshot().status.phase).toBe('running');
    return rig;
  };
  return { make, start };
}
