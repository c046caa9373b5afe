import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SimulatedClock } from 'xstate';
import { openRecording } from '../../driver/recorded/recording.ts';
import type { ReplayOptions } from '../../driver/recorded/replay-source.ts';
import type { ConnectionAttempt, SourceEvent } from '../../engine/model/attempt.ts';
import { canRun, labRecording } from '../../tui/cli/lab/lab.ts';

const shipped = labRecording();

/** Plays the shipped recording by a clock of its own; `during` moves it on until what it waits for has happened. */
async function play(options: ReplayOptions = {}) {
  if (!shipped) throw new Error('the recording of the lab is missing');
  const clock = new SimulatedClock();
  const { source, info } = await openRecording(shipped, { clock, ...options });
  const events: SourceEvent[] = [];
  await source.start(event => events.push(event));
  const during = async (ms: number) => {
    // Small steps, each followed by a turn of the event loop in which the file is read on.
    for (let passed = 0; passed < ms; passed += 10) {
      clock.increment(10);
      await setImmediate();
    }
  };
  return { source, info, events, during };
}
const waiting = (events: readonly SourceEvent[]): ConnectionAttempt[] =>
  events.flatMap(e => (e.type === 'pended' ? [e.attempt] : []));

test('where nothing can be held, the lab is the recording that is shipped', () => {
  expect(canRun({ ok: false, detail: 'no seccomp' })).toMatchObject({ kind: 'recorded', path: shipped });
});

test('within two seconds a newcomer sees connections of several programs, protocols and families wait', async () => {
  const { events, during, source, info } = await play();
  expect(info.recorded).toContain('lab');
  await during(2000);
  const held = waiting(events);
  expect(held.length).toBeGreaterThanOrEqual(6);
  expect(new Set(held.map(a => a.identity.path)).size).toBeGreaterThanOrEqual(4);
  expect(new Set(held.map(a => a.protocol))).toEqual(new Set([6, 17]));
  expect(new Set(held.map(a => a.family))).toEqual(new Set(['v4', 'v6']));
  expect(new Set(held.map(a => a.layer))).toContain('ALE_AUTH_LISTEN');
  expect(held.some(a => a.names.some(n => n.name === 'localhost'))).toBe(true);
  await source.stop();
});

test('answered as it was recorded, every call comes to what it came to then, and the lab ends', async () => {
  const { events, during, source } = await play();
  let answered = 0;
  for (let turn = 0; turn < 600 && events.at(-1)?.type !== 'exited'; turn++) {
    await during(100);
    for (const { id } of waiting(events).slice(answered)) {
      answered++;
      expect(source.complete(id, 'permit')).toBe(true);
    }
  }
  expect(events.at(-1)).toEqual({ type: 'exited', code: 0, signal: null });
  const dns = waiting(events).flatMap(a => a.names.filter(n => n.kind === 'dns').map(n => n.name));
  expect(dns).toContain('packages.lab.example');
  const outcomes = new Map(events.flatMap(e => (e.type === 'completed' ? [[e.id, e.result] as const] : [])));
  expect(waiting(events).filter(a => !outcomes.has(a.id))).toEqual([]);
  expect(new Set(outcomes.values())).toEqual(new Set(['ok', 'ECONNREFUSED', 'EACCES']));
  const output = events.flatMap(e => (e.type === 'output' ? [Buffer.from(e.data).toString()] : [])).join('');
  expect(output).toContain('connected: HTTP 200');
  expect(output).toContain('Permission denied');
  expect(output).toContain('all clients are done');
});

test('what it was blocked by then is asked now when rules of today say so', async () => {
  const { events, during, source } = await play({ decide: () => ({ action: 'ask' }) });
  await during(2000);
  expect(waiting(events).some(a => a.identity.path?.endsWith('/bash'))).toBe(true);
  expect(events.some(e => e.type === 'decided')).toBe(false);
  await source.stop();
});
