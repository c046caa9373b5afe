import { expect, test, vi } from 'vitest';
import { EmbeddedEngine } from '../../../../engine/embedded/engine.ts';
import type { ConnectionSource, SourceEvent } from '../../../../engine/model/attempt.ts';
import { removeAsking } from '../../../../engine/rules/asking.ts';
import { installBase } from '../../../../engine/rules/base.ts';
import { idleSource } from '../idle-source.ts';
import { whileAsked } from './while-asked.ts';

const asking = { layers: ['ALE_AUTH_CONNECT'], by: 'drop', outlives: true } as const;

async function started(engine = EmbeddedEngine.open()) {
  const session = engine.openSession();
  await installBase(session, engine.openSession({ dynamic: true }), { ...asking, failPolicy: 'closed' });
  let looked = 0;
  const watcher = {
    filterGetByKey: (key: string) => {
      looked++;
      return session.filterGetByKey(key);
    },
  };
  const events: SourceEvent[] = [];
  const source: ConnectionSource = whileAsked(idleSource(), { watcher }, asking, 1);
  await source.start(event => events.push(event));
  return { engine, session, source, events, looked: () => looked };
}

test('nothing is said while the filters that ask are there; once they are not, the source has failed', async () => {
  const { engine, session, source, events, looked } = await started();
  await expect.poll(looked).toBeGreaterThan(4);
  expect(events).toEqual([]);
  await removeAsking(session);
  await expect.poll(() => events.length).toBe(1);
  expect(events[0]).toMatchObject({ type: 'failed', message: expect.stringContaining('taken away') });
  await source.stop();
  engine.close();
});

test('an engine that does not answer is told with its reason', async () => {
  const { engine, source, events } = await started();
  engine.close();
  await expect.poll(() => events.length).toBe(1);
  expect(events[0]).toMatchObject({ type: 'failed', message: expect.stringContaining('does not answer any more') });
  await source.stop();
});

test('after it is stopped it looks no more', async () => {
  vi.useFakeTimers();
  try {
    const { engine, source, events, looked } = await started();
    await vi.advanceTimersByTimeAsync(10);
    const before = looked();
    expect(before).toBeGreaterThan(0);
    await source.stop();
    engine.close();
    await vi.advanceTimersByTimeAsync(1000);
    expect(looked()).toBe(before);
    expect(events).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});
