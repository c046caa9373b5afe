import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { SimulatedClock } from 'xstate';
import type { ConnectionAttempt, SourceEvent } from '../../engine/model/attempt.ts';
import { type ReplayOptions, ReplaySource } from './replay-source.ts';
import type { Step } from './step.ts';

const START = 1_000_000;

const attempt = (id: number, at: number, extra: Partial<ConnectionAttempt> = {}): ConnectionAttempt => ({
  id,
  layer: 'ALE_AUTH_CONNECT',
  family: 'v4',
  protocol: 6,
  remote: { address: '192.0.2.1', port: 443 },
  identity: { pid: 7, path: '/usr/bin/curl', parents: [] },
  names: [],
  at,
  ...extra,
});
const asked = (id: number, at: number, extra?: Partial<ConnectionAttempt>): Step => ({
  type: 'attempt',
  at,
  attempt: attempt(id, at, extra),
});
const told = (at: number, event: Extract<Step, { type: 'told' }>['event']): Step => ({ type: 'told', at, event });

/** A replay of steps under a simulated clock; `advance` moves it and lets what became due happen. */
async function replay(steps: Iterable<Step>, options: Omit<ReplayOptions, 'clock'> = {}) {
  const clock = new SimulatedClock();
  clock.set(50_000_000);
  const events: SourceEvent[] = [];
  let pulled = 0;
  let closed = 0;
  async function* generate() {
    for (const step of steps) {
      pulled++;
      yield step;
    }
  }
  const recording = { steps: generate(), summary: () => undefined, close: async () => closed++ };
  const source = new ReplaySource('recorded', recording, { ...options, clock });
  const advance = async (ms: number) => {
    clock.increment(ms);
    await setImmediate();
  };
  await source.start(event => events.push(event));
  await advance(0);
  return { source, events, clock, advance, pulled: () => pulled, closed: () => closed, types: () => events.map(e => e.type) };
}

describe('pace', () => {
  test('keeps the gaps of the recording, up to the bound', async () => {
    const { advance, events } = await replay([asked(1, START), asked(2, START + 500), asked(3, START + 90_000)]);
    expect(events).toHaveLength(1);
    await advance(499);
    expect(events).toHaveLength(1);
    await advance(1);
    expect(events).toHaveLength(2);
    await advance(1499);
    expect(events).toHaveLength(2);
    await advance(1);
    expect(events).toHaveLength(3);
  });

  test('speed divides the gaps before the bound', async () => {
    const { advance, events } = await replay([asked(1, START), asked(2, START + 2000)], { speed: 4 });
    await advance(499);
    expect(events).toHaveLength(1);
    await advance(1);
    expect(events).toHaveLength(2);
  });

  test('records slightly out of order add no time, an older recording behind begins at once', async () => {
    const { events } = await replay([asked(1, START), asked(2, START - 900), asked(3, START), asked(4, START - 1e9)]);
    expect(events).toHaveLength(4);
  });
});

describe('held attempts', () => {
  test('wait for one verdict, under ids of their own', async () => {
    const { source, events } = await replay([asked(17, START), asked(17, START)]);
    expect(events.map(e => (e.type === 'pended' ? e.attempt.id : e.type))).toEqual([1, 2]);
    expect(source.complete(1, 'permit')).toBe(true);
    expect(source.complete(1, 'permit')).toBe(false);
    expect(source.complete(17, 'permit')).toBe(false);
  });

  test('happen now, and what was known of them keeps its age', async () => {
    const names = [{ name: 'a.example', kind: 'dns', at: START - 300 } as const];
    const { events, clock } = await replay([
      asked(1, START, { names, identity: { pid: 7, startTime: START - 5000, parents: [] } }),
    ]);
    const [event] = events;
    if (event?.type !== 'pended') throw new Error('nothing was held');
    expect(event.attempt.at).toBe(clock.now());
    expect(event.attempt.names[0]?.at).toBe(clock.now() - 300);
    expect(event.attempt.identity.startTime).toBe(clock.now() - 5000);
  });

  test('are withdrawn when the recording says so, unless they were answered', async () => {
    const gone = (id: number) => told(START + 100, { type: 'withdrawn', id, reason: 'exited' });
    const { source, events, advance, types } = await replay([asked(5, START), asked(6, START), gone(5), gone(6)]);
    expect(source.complete(2, 'block')).toBe(true);
    await advance(100);
    expect(types()).toEqual(['pended', 'pended', 'withdrawn', 'exited']);
    expect(events[2]).toEqual({ type: 'withdrawn', id: 1, reason: 'exited' });
    expect(source.complete(1, 'permit')).toBe(false);
  });

  test('tell the recorded outcome for the recorded answer, whichever comes first, and none for another answer', async () => {
    const steps: Step[] = [1, 2, 3].flatMap(id => [
      asked(id, START),
      { type: 'verdict', at: START, id, verdict: 'permit' },
      told(START + 10, { type: 'completed', id, result: 'ETIMEDOUT' }),
    ]);
    const { source, events, advance } = await replay(steps);
    source.complete(1, 'permit');
    for (let i = 0; i < 4; i++) await advance(10);
    source.complete(2, 'permit');
    source.complete(3, 'block');
    await advance(0);
    const outcomes = events.filter(e => e.type === 'completed');
    expect(outcomes).toEqual([1, 2].map(id => ({ type: 'completed', id, result: 'ETIMEDOUT' })));
  });

  test('a block that was recorded without its verdict is known by EACCES', async () => {
    const steps = [asked(1, START), asked(2, START)].concat(
      [1, 2].map(id => told(START, { type: 'completed', id, result: 'EACCES' })),
    );
    const { source, events } = await replay(steps);
    source.complete(1, 'block');
    source.complete(2, 'permit');
    expect(events.filter(e => e.type === 'completed')).toEqual([{ type: 'completed', id: 1, result: 'EACCES' }]);
  });

  test('never grow beyond the bound: the replay pauses until one is answered', async () => {
    const many = Array.from({ length: 1000 }, (_, i) => asked(i + 1, START));
    const { source, events, advance, pulled } = await replay(many, { maxWaiting: 10 });
    expect(events).toHaveLength(10);
    expect(pulled()).toBeLessThanOrEqual(11);
    source.complete(3, 'block');
    await advance(0);
    expect(events).toHaveLength(11);
  });
});

describe('decisions', () => {
  const recorded = (verdict: 'permit' | 'block'): Step => ({ type: 'attempt', at: START, attempt: attempt(1, START), verdict });

  test('without rules the recorded decision is told', async () => {
    const { events } = await replay([recorded('block')]);
    expect(events[0]).toMatchObject({ type: 'decided', attempt: { id: 1, verdict: 'block' } });
  });

  test('with rules, they decide: at once, or by asking even what was decided when recorded', async () => {
    const decide = ({ id }: ConnectionAttempt) =>
      id === 1 ? { action: 'permit' as const, filterId: 9n } : { action: 'ask' as const };
    const { events } = await replay([recorded('block'), recorded('block')], { decide });
    expect(events[0]).toMatchObject({ type: 'decided', attempt: { id: 1, verdict: 'permit', filterId: 9n } });
    expect(events[1]).toMatchObject({ type: 'pended', attempt: { id: 2 } });
    expect((events[1] as { attempt: object }).attempt).not.toHaveProperty('verdict');
  });
});

describe('the end', () => {
  test('is told when nothing waits any more', async () => {
    const { source, advance, types } = await replay([asked(1, START), told(START, { type: 'exited', code: 3, signal: null })]);
    expect(types()).toEqual(['pended']);
    source.complete(1, 'permit');
    await advance(0);
    expect(types()).toEqual(['pended', 'exited']);
  });

  test('comes at once with stop, also inside a gap; nothing is told after it and the file is let go', async () => {
    const { source, advance, types, closed } = await replay([asked(1, START), asked(2, START + 1000)]);
    await source.stop();
    await advance(5000);
    expect(types()).toEqual(['pended']);
    expect(source.complete(1, 'permit')).toBe(false);
    expect(closed()).toBe(1);
  });

  test('a damaged file is a failure, told in its own words', async () => {
    function* broken() {
      yield asked(1, START);
      throw new Error('the file ends early.');
    }
    const { events } = await replay(broken());
    expect(events[1]).toEqual({ type: 'failed', message: 'the file ends early.' });
  });
});
