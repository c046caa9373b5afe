import { describe, expect, test } from 'vitest';
import { EmbeddedEngine } from '../../engine/embedded/engine.ts';
import { installBase } from '../../engine/rules/base.ts';
import { rulesFromEngine } from '../../engine/rules/read-rules.ts';
import type { Scope } from '../../engine/rules/rule.ts';
import { writeRules } from '../../engine/rules/write-rules.ts';
import { anyAddress, permanent, type Rig, rigs } from './guard-rig.ts';

const { start, make } = rigs();

describe('rules', () => {
  const add = (guard: Rig['guard'], verdict: 'permit' | 'block', scope: Scope, lifetime: object = permanent) =>
    guard.send({
      type: 'rule.add',
      rule: { verdict, scope, lifetime: lifetime as typeof permanent, enabled: true, origin: 'command' },
    });

  test('of the same scope are replaced, not doubled', async () => {
    const { guard, host } = await start();
    await add(guard, 'permit', anyAddress);
    await add(guard, 'block', { ...anyAddress });
    expect(guard.snapshot().rules).toMatchObject([{ verdict: 'block' }]);
    expect(await rulesFromEngine(host.engine)).toHaveLength(1);
  });

  test('every change can be taken back, in turn', async () => {
    const { guard, source, attempt, host } = await start();
    const plain = () => guard.snapshot().rules.map(({ verdict, enabled }) => [verdict, enabled]);
    await add(guard, 'permit', anyAddress);
    const [{ id } = { id: '' }] = guard.snapshot().rules;
    await guard.send({ type: 'rule.edit', id, verdict: 'block', note: 'no' });
    await guard.send({ type: 'rule.enable', id, enabled: false });
    await guard.send({ type: 'rule.delete', id });
    expect(plain()).toEqual([]);
    expect(guard.snapshot().canUndo).toBe(true);
    for (const expected of [[['block', false]], [['block', true]], [['permit', true]], []]) {
      expect(await guard.send({ type: 'undo' })).toMatchObject({ ok: true });
      expect(plain()).toEqual(expected);
      expect(await rulesFromEngine(host.engine)).toEqual(guard.snapshot().rules);
    }
    expect(guard.snapshot().canUndo).toBe(false);
    expect(await guard.send({ type: 'undo' })).toMatchObject({ ok: false });
    source.hold(attempt(1));
    expect(guard.snapshot().requests).toHaveLength(1);
  });

  test('who hears that a rule was taken back hears too whether there is more to take back', async () => {
    const { guard, source, attempt } = await start();
    source.hold(attempt(1));
    await guard.send({ type: 'answer', requests: [1], verdict: 'block', scope: anyAddress, lifetime: permanent });
    const seen: boolean[] = [];
    guard.events(event => {
      if (event.type === 'rule') seen.push(guard.snapshot().canUndo);
    });
    await guard.send({ type: 'undo' });
    expect(seen).toEqual([false]);
  });

  test('an answer given once is not mistaken for something to take back', async () => {
    const { guard, source, attempt } = await start();
    await add(guard, 'permit', { ...anyAddress, app: '/bin/other' });
    source.hold(attempt(1));
    await guard.send({ type: 'answer', requests: [1], verdict: 'permit', scope: anyAddress, lifetime: { kind: 'once' } });
    expect(await guard.send({ type: 'undo' })).toMatchObject({ ok: false });
    expect(guard.snapshot().rules).toHaveLength(1);
    expect(await guard.send({ type: 'undo' })).toMatchObject({ ok: true });
    expect(guard.snapshot().rules).toEqual([]);
  });

  test('for a time end at that time', async () => {
    const { guard, source, attempt, clock, told, host } = await start();
    await add(guard, 'permit', anyAddress, { kind: 'until', at: 60_000 });
    await add(guard, 'permit', { ...anyAddress, app: '/bin/long' }, { kind: 'until', at: 120_000 });
    clock.increment(59_999);
    source.hold(attempt(1));
    expect(source.completed.get(1)).toBe('permit');
    clock.increment(1);
    await expect.poll(() => guard.snapshot().rules.length).toBe(1);
    expect(told('rule').at(-1)).toMatchObject({ change: 'expired' });
    source.hold(attempt(2));
    expect(source.completed.has(2)).toBe(false);
    clock.increment(60_000);
    await expect.poll(() => guard.snapshot().rules).toEqual([]);
    expect(await rulesFromEngine(host.engine)).toEqual([]);
  });

  test('whose time ended while nobody ran are gone before the source starts', async () => {
    const rig = await make();
    await installBase(rig.host.engine, rig.host.dynamic, { failPolicy: 'closed' });
    rig.clock.increment(1000);
    await writeRules({ engine: rig.host.engine }, [], {
      put: [
        {
          id: '11111111-2222-4333-8444-555555555555',
          verdict: 'permit',
          scope: anyAddress,
          lifetime: { kind: 'until', at: 999 },
          enabled: true,
          origin: 'prompt',
          createdAt: 1,
        },
      ],
    });
    await rig.guard.start();
    expect(await rulesFromEngine(rig.host.engine)).toEqual([]);
  });

  test('that live as long as a process end with it', async () => {
    const alive = new Set([42]);
    const { guard, clock } = await start({}, host => ({ ...host, processAlive: pid => alive.has(pid) }));
    await add(guard, 'permit', anyAddress, { kind: 'process', pid: 42 });
    clock.increment(2000);
    await expect.poll(() => guard.snapshot().rules.length).toBe(1);
    alive.clear();
    clock.increment(2000);
    await expect.poll(() => guard.snapshot().rules).toEqual([]);
  });

  test('that somebody else changes are taken over, and settle what they cover', async () => {
    const { guard, source, attempt, embedded, clock } = await start();
    source.hold(attempt(1));
    const other = embedded.openSession();
    await writeRules({ engine: other }, [], {
      put: [
        {
          id: '11111111-2222-4333-8444-555555555555',
          verdict: 'block',
          scope: anyAddress,
          lifetime: permanent,
          enabled: true,
          origin: 'command',
          createdAt: 1,
        },
      ],
    });
    await expect
      .poll(() => {
        clock.increment(25);
        return source.completed.get(1);
      })
      .toBe('block');
    expect(guard.snapshot().rules).toHaveLength(1);
  });

  test('that another program writes into the same store are taken over', async () => {
    const { guard, source, attempt, embedded, clock, folder } = await start();
    source.hold(attempt(1));
    const other = EmbeddedEngine.open({ path: `${folder}/engine.sqlite` });
    const id = '11111111-2222-4333-8444-555555555555';
    const rule = {
      id,
      verdict: 'permit',
      scope: anyAddress,
      lifetime: permanent,
      enabled: true,
      origin: 'command',
      createdAt: 1,
    } as const;
    await writeRules({ engine: other.openSession() }, [], { put: [rule] });
    other.close();
    await expect
      .poll(() => {
        embedded.refresh();
        clock.increment(25);
        return source.completed.get(1);
      })
      .toBe('permit');
    expect(guard.snapshot().rules).toEqual([rule]);
  });

  test('that are impossible are refused with a sentence, and nothing changes', async () => {
    const { guard } = await start();
    const bad: Scope = { remote: { kind: 'address', address: '1.2.3.400' }, direction: 'out' };
    expect(await add(guard, 'permit', bad)).toEqual({ ok: false, message: '"1.2.3.400" is not an IPv4 or IPv6 address.' });
    expect(await guard.send({ type: 'rule.delete', id: 'no' })).toMatchObject({ ok: false });
    expect(guard.snapshot()).toMatchObject({ rules: [], canUndo: false });
  });

  test('are there in the next run', async () => {
    const { guard, folder, embedded } = await start();
    await add(guard, 'block', anyAddress);
    const [rule] = guard.snapshot().rules;
    await guard.stop();
    embedded.close();
    const next = EmbeddedEngine.open({ path: `${folder}/engine.sqlite` });
    expect(await rulesFromEngine(next.openSession())).toEqual([rule]);
    next.close();
  });
});
