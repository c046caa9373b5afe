import { describe, expect, test } from 'vitest';
import { dropsToAsk, holdsToAsk } from '../../engine/rules/ask-filters.ts';
import { SALLYPORT_PROVIDER } from '../../engine/rules/well-known.ts';
import type { GuardHost } from '../../machines/guard-host.ts';
import { anyAddress, permanent, rigs } from './guard-rig.ts';

const { start, make } = rigs();
const withAsking = (asking: NonNullable<GuardHost['asking']>) => (host: GuardHost) => ({ ...host, asking });
const left = async ({ engine }: GuardHost) =>
  (await engine.filterEnum()).filter(filter => dropsToAsk(filter) || holdsToAsk(filter));

describe('what asks in the engine', () => {
  test('goes with the guard that ends, and the rules stay', async () => {
    const { guard, host, source, attempt } = await start({}, withAsking({ outlives: true, layers: ['ALE_AUTH_CONNECT'] }));
    expect((await left(host)).length).toBe(2);
    source.hold(attempt(1));
    await guard.send({ type: 'answer', requests: [1], verdict: 'block', scope: anyAddress, lifetime: permanent });
    await guard.stop();
    expect(await left(host)).toEqual([]);
    expect((await host.engine.filterEnum()).length).toBeGreaterThan(0);
  });

  test('is there until the source has let go of what it held: it is classified once more', async () => {
    const { guard, host, source, attempt } = await start({}, withAsking({ outlives: true, layers: ['ALE_AUTH_CONNECT'] }));
    source.hold(attempt(1));
    const stop = source.stop.bind(source);
    let there = 0;
    source.stop = async () => {
      there = (await left(host)).length;
      await stop();
    };
    await guard.stop();
    expect(there).toBe(2);
    expect(await left(host)).toEqual([]);
  });

  test.each([0, 1, 2, 5, 10, 20])('is not left behind by a guard that is stopped while it prepares: %i turns', async turns => {
    const { guard, host } = await make({}, withAsking({ outlives: true }));
    void guard.start();
    for (let i = 0; i < turns; i++) await Promise.resolve();
    await guard.stop();
    expect(await left(host)).toEqual([]);
  });

  test('stays when the source fails while it runs', async () => {
    const { guard, host, source } = await start({}, withAsking({ outlives: true, by: 'drop' }));
    source.emit({ type: 'failed', message: 'the driver sent nonsense' });
    await guard.exited;
    await guard.stop();
    expect(guard.snapshot().notices.at(-1)?.text).toContain('sallyport guard --off');
    await host.dynamic.close();
    expect((await left(host)).length).toBeGreaterThan(0);
  });

  test('is taken back when the source does not even start', async () => {
    const { guard, host, source } = await make({}, withAsking({ outlives: true }));
    source.startFailure = new Error('no driver');
    await guard.start();
    expect(guard.snapshot().status).toMatchObject({ phase: 'failed', failure: 'no driver' });
    await guard.stop();
    expect(await left(host)).toEqual([]);
  });

  test('is nothing where nothing is guarded; a rule can be made all the same', async () => {
    const { guard, host } = await start({}, withAsking('nothing'));
    expect((await host.engine.providerEnum()).some(({ providerKey }) => providerKey === SALLYPORT_PROVIDER)).toBe(false);
    const scope = { remote: { kind: 'any' }, direction: 'out' } as const;
    const rule = { verdict: 'block', scope, lifetime: permanent, enabled: true, origin: 'command' } as const;
    expect(await guard.send({ type: 'rule.add', rule })).toMatchObject({ ok: true });
    expect(await left(host)).toEqual([]);
    expect(guard.snapshot().rules.length).toBe(1);
  });
});
