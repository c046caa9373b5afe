import { describe, expect, test } from 'vitest';
import { createActor, SimulatedClock } from 'xstate';
import { QUIT_MS, type ShellEvent, shellMachine, TEXT_MAX } from './shell-machine.ts';

function run(...events: readonly ShellEvent[]) {
  const clock = new SimulatedClock();
  const actor = createActor(shellMachine, { clock, input: {} });
  const told: object[] = [];
  actor.on('*', event => told.push(event));
  actor.start();
  for (const event of events) actor.send(event);
  return { clock, actor, told, state: () => actor.getSnapshot().value, context: () => actor.getSnapshot().context };
}

describe('the shell', () => {
  test('views are reached by name and in turn', () => {
    expect(run({ type: 'view.to', view: 'filters' }, { type: 'view.next' }, { type: 'view.next' }).context().view).toBe('inbox');
    expect(run({ type: 'view.previous' }).context().view).toBe('output');
  });

  test('a filter belongs to its view, and cancelling brings back the one before', () => {
    const shell = run({ type: 'filter.open' }, { type: 'filter.changed', text: 'curl' }, { type: 'filter.accept' });
    for (const event of [{ type: 'filter.open' }, { type: 'filter.changed', text: 'node' }] as const) shell.actor.send(event);
    expect(shell.context().filters.inbox).toBe('node');
    shell.actor.send({ type: 'filter.cancel' });
    expect(shell.context().filters.inbox).toBe('curl');
    shell.actor.send({ type: 'view.next' });
    expect(shell.context().filters.activity).toBe('');
  });

  test('while text is typed, keys that move or leave are text', () => {
    const shell = run({ type: 'filter.open' }, { type: 'quit' }, { type: 'view.next' }, { type: 'help.toggle' });
    expect(shell.state()).toBe('filtering');
    expect(shell.context().view).toBe('inbox');
  });

  test('text has a longest length', () => {
    const shell = run({ type: 'command.open' }, { type: 'command.changed', text: 'x'.repeat(5000) });
    expect(shell.context().command).toHaveLength(TEXT_MAX);
  });

  test('a command line is told once when accepted; an empty one is not', () => {
    expect(
      run({ type: 'command.open' }, { type: 'command.changed', text: ' theme dark ' }, { type: 'command.accept' }).told,
    ).toEqual([{ type: 'command', text: 'theme dark' }]);
    expect(run({ type: 'command.open' }, { type: 'command.accept' }).told).toEqual([]);
  });

  test('overlays lie on each other and come off one by one', () => {
    const shell = run(
      { type: 'overlay.open', overlay: { name: 'why', about: '7' } },
      { type: 'overlay.open', overlay: { name: 'filter', about: '41' } },
    );
    expect(shell.context().overlays.at(-1)?.name).toBe('filter');
    shell.actor.send({ type: 'overlay.close' });
    expect([shell.state(), shell.context().overlays]).toEqual(['overlaid', [{ name: 'why', about: '7' }]]);
    shell.actor.send({ type: 'quit' });
    expect([shell.state(), shell.context().overlays]).toEqual(['browsing', []]);
  });

  test('nobody leaves a running command by accident', () => {
    const shell = run({ type: 'guard.changed', isRunning: true }, { type: 'quit' });
    expect([shell.state(), shell.told]).toEqual(['quitting', []]);
    shell.clock.increment(QUIT_MS);
    expect(shell.state()).toBe('browsing');
    shell.actor.send({ type: 'quit' });
    shell.actor.send({ type: 'quit.cancel' });
    shell.actor.send({ type: 'quit' });
    shell.actor.send({ type: 'quit.confirm' });
    expect([shell.state(), shell.told]).toEqual(['leaving', [{ type: 'leave' }]]);
  });

  test('without a running command leaving needs no question, and the question goes when the command ends', () => {
    expect(run({ type: 'quit' }).told).toEqual([{ type: 'leave' }]);
    const shell = run({ type: 'guard.changed', isRunning: true }, { type: 'quit' }, { type: 'guard.changed', isRunning: false });
    expect(shell.state()).toBe('browsing');
  });
});
