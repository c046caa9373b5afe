import { describe, expect, test } from 'vitest';
import type { GuardHost } from '../../machines/guard-host.ts';
import { anyAddress, permanent, rigs } from './guard-rig.ts';

const { start, make } = rigs();

describe('when something fails once', () => {
  /** The host with one method of one part failing as long as `broken` says so. */
  const failing =
    <P extends 'engine' | 'history'>(part: P, method: string, broken: { on: boolean }) =>
    (host: GuardHost): GuardHost => ({
      ...host,
      [part]: new Proxy(host[part] as object, {
        get: (target, name) => {
          const value = Reflect.get(target, name, target);
          if (name === method && broken.on)
            return () =>
              part === 'engine'
                ? Promise.reject(new Error('disk full'))
                : (() => {
                    throw new Error('disk full');
                  })();
          return typeof value === 'function' ? value.bind(target) : value;
        },
      }),
    });

  test.each([
    'filterAdd',
    'transaction',
  ])('engine.%s: the answer is given once, no rule is shown that is not there, and it is said', async method => {
    const broken = { on: false };
    const { guard, source, attempt } = await start({}, failing('engine', method, broken));
    source.hold(attempt(1));
    broken.on = true;
    const answer = { type: 'answer', requests: [1], verdict: 'permit', scope: anyAddress, lifetime: permanent } as const;
    expect(await guard.send(answer)).toEqual({ ok: false, message: 'Answered once, but the rule was not kept: disk full' });
    await expect.poll(() => source.completed.get(1)).toBe('permit');
    expect(guard.snapshot().rules).toEqual([]);
    expect(guard.snapshot().notices.at(-1)).toMatchObject({ level: 'error' });
    broken.on = false;
    source.hold(attempt(2));
    expect(await guard.send({ ...answer, requests: [2] })).toMatchObject({ ok: true, settled: 1 });
  });

  test('published: the answer is given all the same', async () => {
    const broken = { on: false };
    const { guard, source, attempt } = await start({}, host => ({
      ...host,
      published: () => (broken.on ? Promise.reject(new Error('the worker is gone')) : Promise.resolve()),
    }));
    source.hold(attempt(1));
    broken.on = true;
    expect(
      await guard.send({ type: 'answer', requests: [1], verdict: 'block', scope: anyAddress, lifetime: permanent }),
    ).toMatchObject({ ok: false });
    await expect.poll(() => source.completed.get(1)).toBe('block');
  });

  test.each(['append', 'setResult', 'recent', 'flush'])('history.%s: decisions go on, and it is said once', async method => {
    const { guard, source, attempt } = await start({}, failing('history', method, { on: true }));
    for (const id of [1, 2]) {
      source.hold(attempt(id));
      await guard.send({ type: 'answer', requests: [id], verdict: 'permit', scope: anyAddress, lifetime: { kind: 'once' } });
      source.emit({ type: 'completed', id, result: 'ok' });
    }
    expect([...source.completed.values()]).toEqual(['permit', 'permit']);
    expect(guard.snapshot().activity.map(entry => entry.result)).toEqual(['ok', 'ok']);
    await guard.stop();
    expect(guard.snapshot().notices.filter(notice => notice.text.includes('History'))).toHaveLength(1);
  });

  test('decide: a person is asked', async () => {
    const { guard, source, attempt } = await start({}, host => ({
      ...host,
      decide: () => {
        throw new Error('no classifier');
      },
    }));
    source.hold(attempt(1));
    expect(guard.snapshot().requests).toHaveLength(1);
    expect(guard.snapshot().notices.at(-1)?.text).toContain('no classifier');
  });

  test('the sweep is tried again', async () => {
    const broken = { on: false };
    const { guard, clock } = await start({}, failing('engine', 'transaction', broken));
    await guard.send({
      type: 'rule.add',
      rule: { verdict: 'permit', scope: anyAddress, lifetime: { kind: 'until', at: 1000 }, enabled: true, origin: 'command' },
    });
    broken.on = true;
    clock.increment(1000);
    await expect.poll(() => guard.snapshot().notices.at(-1)?.text ?? '').toContain('could not be removed');
    expect(guard.snapshot().rules).toHaveLength(1);
    broken.on = false;
    clock.increment(5000);
    await expect.poll(() => guard.snapshot().rules).toEqual([]);
  });

  test.each(['transaction', 'subscribeChanges'])('engine.%s at the start: failed, with the reason', async method => {
    const rig = await make({}, failing('engine', method, { on: true }));
    await rig.guard.start();
    expect(rig.guard.snapshot().status).toMatchObject({ phase: 'failed', failure: 'disk full' });
  });
});
