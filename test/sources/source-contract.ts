import { describe, expect, test } from 'vitest';
import type { ConnectionSource, SourceEvent } from '../../engine/model/attempt.ts';

const LIMIT = { timeout: 30_000, interval: 5 };

/** @param open gives a source that, once started, has `count` attempts to hold, and nothing that decides them */
export function describeConnectionSource(name: string, open: (count: number) => Promise<ConnectionSource>): void {
  /** Started, with all attempts pended. */
  const holding = async (count: number) => {
    const events: SourceEvent[] = [];
    const source = await open(count);
    await source.start(event => events.push(event));
    const pended = () => events.flatMap(event => (event.type === 'pended' ? [event.attempt.id] : []));
    await expect.poll(() => pended().length, LIMIT).toBe(count);
    /** Ids that have ended, once for each time that it was told. */
    const ended = () =>
      events.flatMap(event => (event.type === 'completed' || event.type === 'withdrawn' ? [event.id] : [])).sort((a, b) => a - b);
    return { source, events, pended: pended(), ended };
  };

  describe(`${name} as a source of connections`, () => {
    test('each attempt has an id of its own and says what it is', async () => {
      const { source, events, pended } = await holding(3);
      expect(new Set(pended).size).toBe(3);
      expect(pended.every(id => Number.isSafeInteger(id))).toBe(true);
      for (const event of events) {
        if (event.type !== 'pended') continue;
        const { layer, family, protocol, identity, remote } = event.attempt;
        expect([layer, family, protocol]).toEqual(['ALE_AUTH_CONNECT', 'v4', 6]);
        expect([typeof identity.pid, remote?.port !== undefined]).toEqual(['number', true]);
      }
      expect(source.title).not.toMatch(/^$|\n/);
      await source.stop();
    });

    test('takes one verdict for each, none for what it does not know, and tells the end once', async () => {
      const { source, pended, ended } = await holding(3);
      const [first, second, third] = pended as [number, number, number];
      expect(source.complete(first, 'permit')).toBe(true);
      expect(source.complete(first, 'block')).toBe(false);
      expect(source.complete(second, 'block')).toBe(true);
      for (const unknown of [0, -1, 0.5, Number.NaN, Math.max(...pended) + 1])
        expect(source.complete(unknown, 'permit')).toBe(false);
      expect(source.complete(third, 'permit')).toBe(true);
      // Where nothing is enforced, the end is known of what went as it was recorded only.
      const due = source.failPolicy === 'none' ? [first, third] : [first, second, third];
      await expect.poll(ended, LIMIT).toEqual(due.sort((a, b) => a - b));
      for (const id of pended) expect(source.complete(id, 'permit')).toBe(false);
      await source.stop();
      expect(ended()).toEqual(due);
    });

    test('stops while attempts wait; then it takes no verdict and tells nothing more', async () => {
      const { source, events, pended } = await holding(2);
      await Promise.all([source.stop(), source.stop()]);
      await source.stop();
      const told = events.length;
      for (const id of pended) expect(source.complete(id, 'permit')).toBe(false);
      await new Promise(resolve => setImmediate(resolve));
      expect(events.length).toBe(told);
      expect(events.filter(event => event.type === 'failed')).toEqual([]);
    });

    test('can be stopped before it was started', async () => {
      const source = await open(1);
      await source.stop();
      expect(source.complete(1, 'permit')).toBe(false);
    });
  });
}
