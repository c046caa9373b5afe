import { describe, expect, test } from 'vitest';
import { rulesFromEngine } from '../../engine/rules/read-rules.ts';
import type { Scope } from '../../engine/rules/rule.ts';
import { anyAddress, permanent, rigs } from './guard-rig.ts';

const { start } = rigs();

describe('a held connection', () => {
  test('waits, is answered, becomes a permanent filter, and is not asked again', async () => {
    const { guard, source, attempt } = await start();
    source.hold(attempt(1));
    expect(guard.snapshot().requests).toMatchObject([{ id: 1, state: 'asking', deadline: 30_000 }]);
    expect(source.completed.size).toBe(0);

    const result = await guard.send({ type: 'answer', requests: [1], verdict: 'permit', scope: anyAddress, lifetime: permanent });
    expect(result).toMatchObject({ ok: true, settled: 1 });
    expect(source.completed).toEqual(new Map([[1, 'permit']]));
    const { rules, requests, activity } = guard.snapshot();
    expect(requests).toEqual([]);
    expect(rules).toMatchObject([{ verdict: 'permit', scope: anyAddress, origin: 'prompt' }]);
    expect(activity.at(-1)).toMatchObject({ verdict: 'permit', by: { kind: 'person' }, ruleId: rules[0]!.id });

    source.hold(attempt(2));
    expect(source.completed.get(2)).toBe('permit');
    expect(guard.snapshot().activity.at(-1)).toMatchObject({ by: { kind: 'rule', ruleId: rules[0]!.id }, waited: 0 });
  });

  test('with the same program, remote side, port, protocol and name joins the request that waits', async () => {
    const { guard, source, attempt } = await start();
    source.hold(attempt(1), attempt(2, { pid: 43 }), attempt(3, { port: 80 }), attempt(4, { names: ['a.example'] }));
    expect(guard.snapshot().requests.map(request => request.attempts)).toEqual([[1, 2], [3], [4]]);
    await guard.send({ type: 'answer', requests: [1], verdict: 'block', scope: anyAddress, lifetime: { kind: 'once' } });
    expect([...source.completed]).toEqual([
      [1, 'block'],
      [2, 'block'],
    ]);
    expect(guard.snapshot().rules).toEqual([]);
  });

  test('is settled by a rule that was saved for another, and the count is told', async () => {
    const { guard, source, attempt } = await start();
    source.hold(attempt(1), attempt(2, { address: '198.51.100.7' }), attempt(3, { path: '/usr/bin/node' }));
    expect(guard.preview(anyAddress)).toMatchObject({ settles: [1, 2] });
    expect(
      await guard.send({ type: 'answer', requests: [1], verdict: 'block', scope: anyAddress, lifetime: permanent }),
    ).toMatchObject({ settled: 2 });
    expect([...source.completed.keys()]).toEqual([1, 2]);
    expect(guard.snapshot().requests.map(request => request.id)).toEqual([3]);
    const added = await guard.send({
      type: 'rule.add',
      rule: {
        verdict: 'permit',
        scope: { remote: { kind: 'any' }, direction: 'out' },
        lifetime: permanent,
        enabled: true,
        origin: 'command',
      },
    });
    expect(added).toMatchObject({ ok: true, settled: 1 });
    expect(source.completed.get(3)).toBe('permit');
  });

  test('is completed only when the decision path knows the rule', async () => {
    const gate = Promise.withResolvers<void>();
    let closed = false;
    const { guard, source, attempt } = await start({}, host => ({
      ...host,
      published: () => (closed ? gate.promise : Promise.resolve()),
    }));
    source.hold(attempt(1));
    closed = true;
    const sent = guard.send({ type: 'answer', requests: [1], verdict: 'permit', scope: anyAddress, lifetime: permanent });
    await expect.poll(() => guard.snapshot().rules.length).toBe(1);
    expect(guard.snapshot().requests[0]?.state).toBe('recording');
    expect(source.completed.size).toBe(0);
    gate.resolve();
    await sent;
    expect(source.completed.get(1)).toBe('permit');
  });

  test('goes when its program goes, at any moment', async () => {
    const { guard, source, attempt, told } = await start();
    source.hold(attempt(1), attempt(2), attempt(3, { port: 80 }));
    source.withdraw(1);
    expect(guard.snapshot().requests.map(request => request.attempts)).toEqual([[2], [3]]);
    source.withdraw(2);
    source.withdraw(3);
    expect(guard.snapshot().requests).toEqual([]);
    expect(told('withdrawn')).toHaveLength(3);
    expect(
      await guard.send({ type: 'answer', requests: [1], verdict: 'permit', scope: anyAddress, lifetime: permanent }),
    ).toMatchObject({ ok: false });
    expect(guard.snapshot().rules).toEqual([]);
  });

  test('is never permitted by a name that only stands in its command line', async () => {
    const { guard, source, attempt } = await start();
    const scope: Scope = { remote: { kind: 'name', name: 'good.example', subdomains: false }, direction: 'out' };
    await guard.send({
      type: 'rule.add',
      rule: { verdict: 'permit', scope, lifetime: permanent, enabled: true, origin: 'command' },
    });
    source.hold({ ...attempt(1), names: [{ name: 'good.example', kind: 'command-line', at: 1 }] });
    expect(source.completed.size).toBe(0);
    source.hold(attempt(2, { names: ['good.example'] }));
    expect(source.completed.get(2)).toBe('permit');
    await guard.send({
      type: 'rule.add',
      rule: { verdict: 'block', scope, lifetime: permanent, enabled: true, origin: 'command' },
    });
    expect(source.completed.get(1)).toBe('block');
  });

  test('gets the default when time is up; no rule comes of it', async () => {
    const { guard, source, attempt, clock, host } = await start();
    source.hold(attempt(1));
    clock.increment(29_999);
    expect(source.completed.size).toBe(0);
    clock.increment(1);
    expect(source.completed.get(1)).toBe('block');
    expect(guard.snapshot().activity.at(-1)).toMatchObject({ by: { kind: 'default', reason: 'timeout' }, waited: 30_000 });
    expect(await rulesFromEngine(host.engine)).toEqual([]);
  });

  test('gets the default at once where nobody can be asked', async () => {
    const { source, attempt, told } = await start({ asksPerson: false, defaultVerdict: 'permit' });
    source.hold(attempt(1));
    expect(source.completed.get(1)).toBe('permit');
    expect(told('decided')).toMatchObject([{ verdict: 'permit', by: { kind: 'default', reason: 'no-person' } }]);
  });

  test('is decided anew when its name is learned', async () => {
    const { guard, source, attempt } = await start();
    await guard.send({
      type: 'rule.add',
      rule: {
        verdict: 'block',
        scope: { remote: { kind: 'name', name: 'example', subdomains: true }, direction: 'out' },
        lifetime: permanent,
        enabled: true,
        origin: 'command',
      },
    });
    source.hold(attempt(1), attempt(2, { address: '198.51.100.7', pid: 50 }));
    expect(source.completed.size).toBe(0);
    source.emit({ type: 'named', address: '198.51.100.7', evidence: { name: 'x.example', kind: 'dns', at: 1, pid: 999 } });
    expect(guard.snapshot().requests).toHaveLength(2);
    source.emit({ type: 'named', address: '203.0.113.9', evidence: { name: 'telemetry.example', kind: 'dns', at: 1, pid: 42 } });
    expect([...source.completed]).toEqual([[1, 'block']]);
  });
});
