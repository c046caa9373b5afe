import { describe, expect, test } from 'vitest';
import { queryHistory } from '../../engine/history/query-history.ts';
import type { GuardSnapshot } from '../../machines/guard-client.ts';
import { anyAddress, permanent, type Rig, rigs } from './guard-rig.ts';

const { start, make } = rigs();

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
    const rig = await make();
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
