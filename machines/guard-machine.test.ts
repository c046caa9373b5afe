import { describe, expect, test } from 'vitest';
import { createActor, fromPromise, SimulatedClock } from 'xstate';
import { CLOSE_MS, guardMachine, OPEN_MS, PREPARE_MS } from './guard-machine.ts';

const hang = fromPromise<void>(() => new Promise<void>(() => {}));
const work = fromPromise<void>(() => Promise.resolve());
const fail = fromPromise<void>(() => Promise.reject(new Error('no such thing')));

function run(actors: { prepare?: typeof work; open?: typeof work; close?: typeof work } = {}) {
  const clock = new SimulatedClock();
  let sweeps = 0;
  const machine = guardMachine.provide({
    actors: { prepare: work, open: work, close: work, ...actors },
    actions: { sweep: () => void sweeps++ },
  });
  const actor = createActor(machine, { clock });
  actor.start();
  actor.send({ type: 'start' });
  return {
    clock,
    actor,
    value: () => actor.getSnapshot().value,
    context: () => actor.getSnapshot().context,
    sweeps: () => sweeps,
  };
}

const running = { watching: { source: 'running', sweeper: 'waiting' } };

describe('the life of a guard', () => {
  test('prepares, opens, watches, stops', async () => {
    const guard = run();
    await expect.poll(guard.value).toEqual(running);
    guard.actor.send({ type: 'stop' });
    await expect.poll(guard.value).toBe('stopped');
  });

  test.each(['prepare', 'open'] as const)('when it cannot %s, it has failed with the reason and can be stopped', async step => {
    const guard = run({ [step]: fail });
    await expect.poll(guard.value).toBe('failed');
    expect(guard.context().failure).toBe('no such thing');
    guard.actor.send({ type: 'stop' });
    await expect.poll(guard.value).toBe('stopped');
  });

  test('an engine or a source that hangs is not waited for for ever', async () => {
    const prepare = run({ prepare: hang });
    prepare.clock.increment(PREPARE_MS);
    expect(prepare.value()).toBe('failed');
    const open = run({ open: hang });
    await expect.poll(open.value).toBe('opening');
    open.clock.increment(OPEN_MS);
    expect(open.value()).toBe('failed');
  });

  test('closing that hangs does not keep the program from ending', async () => {
    const guard = run({ close: hang });
    await expect.poll(guard.value).toEqual(running);
    guard.actor.send({ type: 'stop' });
    guard.clock.increment(CLOSE_MS);
    expect(guard.value()).toBe('stopped');
  });

  test('a command that ends leaves the guard watching, also when it ends at once', async () => {
    const guard = run();
    await expect.poll(guard.value).toEqual(running);
    guard.actor.send({ type: 'source.exited', code: 3, signal: null });
    expect(guard.value()).toEqual({ watching: { source: 'ended', sweeper: 'waiting' } });
    const quick = run({ open: hang });
    await expect.poll(quick.value).toBe('opening');
    quick.actor.send({ type: 'source.exited', code: 0, signal: null });
    expect(quick.value()).toEqual({ watching: { source: 'ended', sweeper: 'waiting' } });
    expect(quick.context().exit).toEqual({ code: 0, signal: null });
  });

  test('a source that fails is told', async () => {
    const guard = run();
    await expect.poll(guard.value).toEqual(running);
    guard.actor.send({ type: 'source.failed', message: 'listener gone' });
    expect(guard.value()).toBe('failed');
    expect(guard.context().failure).toBe('listener gone');
  });

  test('sweeps when it was told to, again and again, also after the command ended', async () => {
    const guard = run();
    await expect.poll(guard.value).toEqual(running);
    guard.actor.send({ type: 'sweep.in', ms: 1000 });
    guard.clock.increment(999);
    expect(guard.sweeps()).toBe(0);
    guard.actor.send({ type: 'source.exited', code: 0, signal: null });
    guard.clock.increment(1);
    expect(guard.sweeps()).toBe(1);
    guard.actor.send({ type: 'sweep.in', ms: 500 });
    guard.clock.increment(500);
    expect(guard.sweeps()).toBe(2);
    expect(guard.value()).toEqual({ watching: { source: 'ended', sweeper: 'waiting' } });
  });
});
