import { afterEach, describe, expect, test } from 'vitest';
import { EmbeddedEngine } from '../../engine/embedded/engine.ts';
import { queryHistory } from '../../engine/history/query-history.ts';
import { installBase } from '../../engine/rules/base.ts';
import { rulesFromEngine } from '../../engine/rules/read-rules.ts';
import type { Scope } from '../../engine/rules/rule.ts';
import { writeRules } from '../../engine/rules/write-rules.ts';
import type { GuardSnapshot } from '../../machines/guard-client.ts';
import type { GuardHost } from '../../machines/guard-host.ts';
import { makeRig, type Rig } from './guard-rig.ts';

let rig: Rig;
afterEach(() => rig.end());

const start = async (...args: Parameters<typeof makeRig>) => {
  rig = await makeRig(...args);
  await rig.guard.start();
  expect(rig.guard.snapshot().status.phase).toBe('running');
  return rig;
};

const anyAddress: Scope = { app: '/usr/bin/curl', remote: { kind: 'any' }, direction: 'out' };
const permanent = { kind: 'permanent' } as const;

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
    const { guard, source, attempt, clock } = await start();
    source.hold(attempt(1));
    clock.increment(29_999);
    expect(source.completed.size).toBe(0);
    clock.increment(1);
    expect(source.completed.get(1)).toBe('block');
    expect(guard.snapshot().activity.at(-1)).toMatchObject({ by: { kind: 'default', reason: 'timeout' }, waited: 30_000 });
    expect(await rulesFromEngine(rig.host.engine)).toEqual([]);
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

describe('rules', () => {
  const add = (guard: Rig['guard'], verdict: 'permit' | 'block', scope: Scope, lifetime: object = permanent) =>
    guard.send({
      type: 'rule.add',
      rule: { verdict, scope, lifetime: lifetime as typeof permanent, enabled: true, origin: 'command' },
    });

  test('of the same scope are replaced, not doubled', async () => {
    const { guard } = await start();
    await add(guard, 'permit', anyAddress);
    await add(guard, 'block', { ...anyAddress });
    expect(guard.snapshot().rules).toMatchObject([{ verdict: 'block' }]);
    expect(await rulesFromEngine(rig.host.engine)).toHaveLength(1);
  });

  test('every change can be taken back, in turn', async () => {
    const { guard, source, attempt } = await start();
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
      expect(await rulesFromEngine(rig.host.engine)).toEqual(guard.snapshot().rules);
    }
    expect(guard.snapshot().canUndo).toBe(false);
    expect(await guard.send({ type: 'undo' })).toMatchObject({ ok: false });
    source.hold(attempt(1));
    expect(guard.snapshot().requests).toHaveLength(1);
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
    const { guard, source, attempt, clock, told } = await start();
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
    expect(await rulesFromEngine(rig.host.engine)).toEqual([]);
  });

  test('whose time ended while nobody ran are gone before the source starts', async () => {
    rig = await makeRig();
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
    const { guard, folder } = await start();
    await add(guard, 'block', anyAddress);
    const [rule] = guard.snapshot().rules;
    await guard.stop();
    rig.embedded.close();
    const next = EmbeddedEngine.open({ path: `${folder}/engine.sqlite` });
    expect(await rulesFromEngine(next.openSession())).toEqual([rule]);
    next.close();
  });
});

describe('what a screen is told', () => {
  const watch = (guard: Rig['guard']) => {
    const seen: GuardSnapshot[] = [];
    guard.subscribe(snapshot => seen.push(snapshot));
    return seen;
  };

  test('a new request at once, a burst as one, and nothing while nothing happens', async () => {
    const { guard, source, attempt, clock } = await start();
    clock.increment(1000);
    const seen = watch(guard);
    await expect.poll(() => seen.length).toBe(1);
    for (let id = 1; id <= 100; id++) source.hold(attempt(id, { port: id }));
    await Promise.resolve();
    expect(seen).toHaveLength(2);
    expect(seen[1]?.requests).toHaveLength(100);
    clock.increment(20_000);
    await Promise.resolve();
    expect(seen).toHaveLength(2);
  });

  test('at most 20 snapshots a second during a flood', async () => {
    const { guard, source, attempt, clock } = await start();
    const seen = watch(guard);
    for (let ms = 0; ms < 1000; ms++) {
      source.hold(attempt(ms, { port: ms + 1 }));
      clock.increment(1);
      await Promise.resolve();
    }
    expect(seen.length).toBeGreaterThan(15);
    expect(seen.length).toBeLessThan(24);
  });

  test('parts that did not change keep their identity', async () => {
    const { guard, source, attempt } = await start();
    const before = guard.snapshot();
    expect(guard.snapshot()).toBe(before);
    source.hold(attempt(1));
    const after = guard.snapshot();
    for (const part of ['rules', 'filters', 'layers', 'subLayers', 'output', 'activity'] as const)
      expect(after[part]).toBe(before[part]);
    source.hold(attempt(2, { port: 80 }));
    expect(guard.snapshot().requests[0]).toBe(after.requests[0]);
  });

  test('the engine’s own filters, with those of new rules', async () => {
    const { guard } = await start();
    const before = guard.snapshot().filters.length;
    expect(before).toBeGreaterThan(8);
    await guard.send({
      type: 'rule.add',
      rule: { verdict: 'block', scope: anyAddress, lifetime: permanent, enabled: true, origin: 'command' },
    });
    await expect.poll(() => guard.snapshot().filters.length).toBe(before + 2);
  });

  test('five hundred requests at once, answered by one rule, none lost', async () => {
    const { guard, source, attempt } = await start();
    const seen = watch(guard);
    const count = 500;
    for (let id = 1; id <= count; id++) source.hold(attempt(id, { address: `198.51.${id >> 8}.${id & 255}` }));
    expect(guard.snapshot().requests).toHaveLength(count);
    expect(guard.preview(anyAddress).settles).toHaveLength(count);
    expect(
      await guard.send({ type: 'answer', requests: [1], verdict: 'block', scope: anyAddress, lifetime: permanent }),
    ).toMatchObject({ settled: count });
    expect(source.completed.size).toBe(count);
    expect(guard.snapshot().requests).toEqual([]);
    expect(seen.length).toBeLessThan(10);
  });

  test('output as lines, also when characters are cut', async () => {
    const { guard, source } = await start();
    const bytes = new TextEncoder().encode('grün\nrot');
    source.emit({ type: 'output', stream: 'stdout', data: bytes.slice(0, 3) });
    source.emit({ type: 'output', stream: 'stdout', data: bytes.slice(3) });
    expect(guard.snapshot().output).toEqual([
      { stream: 'stdout', text: 'grün' },
      { stream: 'stdout', text: 'rot' },
    ]);
  });

  test('why, with the whole trace', async () => {
    const { guard, attempt } = await start();
    const trace = guard.explain(attempt(1));
    expect(trace).toMatchObject({ action: 'block', pend: true });
    expect(trace.subLayers.length).toBeGreaterThan(0);
  });
});

describe('history', () => {
  test('keeps what was asked, decided, and what came of it', async () => {
    const { guard, source, attempt, folder } = await start();
    source.hold(attempt(1, { names: ['a.example'] }));
    await guard.send({ type: 'answer', requests: [1], verdict: 'permit', scope: anyAddress, lifetime: permanent });
    source.emit({ type: 'completed', id: 1, result: 'ECONNREFUSED' });
    const [filter] = guard.snapshot().filters.filter(each => each.action.type === 'FWP_ACTION_PERMIT');
    source.emit({
      type: 'decided',
      attempt: { ...attempt(2), verdict: 'permit', filterId: filter!.filterId, filterKey: filter!.filterKey },
    });
    expect(guard.snapshot().status.decided).toBe(1);
    expect(guard.preview(anyAddress)).toMatchObject({ matched: 2, of: 2 });
    await guard.stop();
    expect(queryHistory(`${folder}/history.sqlite`)).toMatchObject([
      {
        verdict: 'permit',
        by: { kind: 'person' },
        result: 'ECONNREFUSED',
        ruleId: guard.snapshot().rules[0]!.id,
        attempt: { id: 1 },
      },
      { verdict: 'permit', filterId: String(filter!.filterId), attempt: { id: 2 } },
    ]);
  });
});

describe('the end', () => {
  test('the command’s exit is told; what waited is withdrawn', async () => {
    const { guard, source, attempt } = await start();
    source.hold(attempt(1));
    source.emit({ type: 'exited', code: 7, signal: null });
    expect(await guard.exited).toEqual({ code: 7, signal: null });
    expect(guard.snapshot()).toMatchObject({ requests: [], status: { phase: 'ended', exit: { code: 7 } } });
  });

  test('the exit of a command that is stopped is told too', async () => {
    const { guard, source } = await start();
    source.stop = async () => source.emit({ type: 'exited', code: null, signal: 'SIGTERM' });
    await guard.stop();
    expect(await guard.exited).toEqual({ code: null, signal: 'SIGTERM' });
  });

  test('stopping stops the source once, also when asked twice', async () => {
    const { guard, source } = await start();
    await Promise.all([guard.send({ type: 'stop' }), guard.stop()]);
    await guard.stop();
    expect(source.stopped).toBe(1);
  });

  test('a source that cannot start leaves a sentence', async () => {
    rig = await makeRig();
    rig.source.startFailure = new Error('No such program: nope.');
    await rig.guard.start();
    expect(rig.guard.snapshot().status).toMatchObject({ phase: 'failed', failure: 'No such program: nope.' });
    expect(await rig.guard.exited).toMatchObject({ failure: 'No such program: nope.' });
  });

  test('signals go to the command', async () => {
    const { guard, source } = await start();
    await guard.send({ type: 'signal', signal: 'SIGTERM' });
    expect(source.signals).toEqual(['SIGTERM']);
  });
});

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
    rig = await makeRig({}, failing('engine', method, { on: true }));
    await rig.guard.start();
    expect(rig.guard.snapshot().status).toMatchObject({ phase: 'failed', failure: 'disk full' });
  });
});
