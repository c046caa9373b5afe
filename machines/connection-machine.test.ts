import { describe, expect, test } from 'vitest';
import { createActor, fromPromise, initialTransition, SimulatedClock, transition } from 'xstate';
import {
  type ConnectionEmitted,
  type ConnectionEvent,
  type ConnectionInput,
  connectionMachine,
  IDENTIFY_MS,
  RECORD_MS,
} from './connection-machine.ts';

const input: ConnectionInput = { id: 7, defaultVerdict: 'block', timeoutMs: 30_000, asksPerson: true, identifies: false };

const never = <T>() => new Promise<T>(() => {});

/** Runs the machine with a clock that stands still and records what it tells. */
function run(
  overrides: Partial<ConnectionInput> = {},
  actors: { record?: () => Promise<{ ruleId: string }>; identify?: () => Promise<void> } = {},
) {
  const clock = new SimulatedClock();
  const told: ConnectionEmitted[] = [];
  const actor = createActor(
    connectionMachine.provide({
      actors: {
        record: fromPromise<{ ruleId: string }, { record: string }>(actors.record ?? never),
        identify: fromPromise<void, { id: number }>(actors.identify ?? never),
      },
    }),
    { clock, input: { ...input, ...overrides } },
  );
  actor.on('complete', event => told.push(event));
  actor.start();
  return { clock, told, actor, state: () => actor.getSnapshot().value, outcome: () => told.map(event => event.outcome) };
}

const answered: ConnectionEvent = { type: 'answered', verdict: 'permit' };

describe('a connection, as pure transitions', () => {
  const [asking] = initialTransition(connectionMachine, input);

  test('asks at once when nothing more can be learned', () => {
    expect(asking.value).toBe('asking');
  });

  test.each<[string, ConnectionEvent, string, object]>([
    ['an answer', answered, 'done', { outcome: { verdict: 'permit', by: { kind: 'person' } } }],
    ['an answer with a rule', { ...answered, record: 'r' }, 'recording', { record: 'r' }],
    [
      'a rule that came meanwhile',
      { type: 'settled', verdict: 'block', by: { kind: 'rule', ruleId: 'x' }, ruleId: 'x' },
      'done',
      { outcome: { verdict: 'block', by: { kind: 'rule', ruleId: 'x' }, ruleId: 'x' } },
    ],
    ['the death of the caller', { type: 'withdrawn', reason: 'exited' }, 'withdrawn', { withdrawn: 'exited' }],
  ])('%s ends it', (_, event, state, context) => {
    const [next] = transition(connectionMachine, asking, event);
    expect(next.value).toBe(state);
    expect(next.context).toMatchObject(context);
    expect(JSON.parse(JSON.stringify(next.context))).toEqual(next.context);
  });

  test('nothing happens twice', () => {
    const [done] = transition(connectionMachine, asking, answered);
    for (const event of [answered, { type: 'withdrawn', reason: 'exited' }] as const) {
      const [after, actions] = transition(connectionMachine, done, event);
      expect(after.value).toBe('done');
      expect(actions).toEqual([]);
    }
  });
});

describe('a connection in time', () => {
  test('the default answers when time is up, and makes no rule', () => {
    const { clock, outcome, state } = run();
    clock.increment(29_999);
    expect(state()).toBe('asking');
    clock.increment(1);
    expect(state()).toBe('done');
    expect(outcome()).toEqual([{ verdict: 'block', by: { kind: 'default', reason: 'timeout' } }]);
  });

  test('without a time-out it waits for days', () => {
    const { clock, state } = run({ timeoutMs: undefined } as Partial<ConnectionInput>);
    clock.increment(20 * 86_400_000);
    expect(state()).toBe('asking');
  });

  test('where nobody can be asked the default answers at once', () => {
    expect(run({ asksPerson: false, defaultVerdict: 'permit' }).outcome()).toEqual([
      { verdict: 'permit', by: { kind: 'default', reason: 'no-person' } },
    ]);
  });

  test('an answer that makes a rule is given when the rule is kept, not before', async () => {
    const kept = Promise.withResolvers<{ ruleId: string }>();
    const { actor, outcome, state } = run({}, { record: () => kept.promise });
    actor.send({ ...answered, record: 'r' });
    expect(state()).toBe('recording');
    expect(outcome()).toEqual([]);
    kept.resolve({ ruleId: 'rule-1' });
    await expect.poll(state).toBe('done');
    expect(outcome()).toEqual([{ verdict: 'permit', by: { kind: 'person' }, ruleId: 'rule-1' }]);
  });

  test('a rule that cannot be kept does not keep the caller waiting, and is told', async () => {
    const { actor, outcome, state } = run({}, { record: () => Promise.reject(new Error('disk full')) });
    actor.send({ ...answered, record: 'r' });
    await expect.poll(state).toBe('done');
    expect(outcome()).toEqual([{ verdict: 'permit', by: { kind: 'person' }, recordFailure: 'disk full' }]);
  });

  test('an engine that hangs does not keep the caller waiting either', () => {
    const { clock, actor, outcome } = run();
    actor.send({ ...answered, record: 'r' });
    clock.increment(RECORD_MS - 1);
    expect(outcome()).toEqual([]);
    clock.increment(1);
    expect(outcome()).toEqual([
      { verdict: 'permit', by: { kind: 'person' }, recordFailure: expect.stringContaining('took too long') },
    ]);
  });

  test('the caller may die while its rule is written', async () => {
    const kept = Promise.withResolvers<{ ruleId: string }>();
    const { actor, outcome, state } = run({}, { record: () => kept.promise });
    actor.send({ ...answered, record: 'r' });
    actor.send({ type: 'withdrawn', reason: 'interrupted' });
    kept.resolve({ ruleId: 'rule-1' });
    await kept.promise;
    expect(state()).toBe('withdrawn');
    expect(outcome()).toEqual([]);
  });

  test.each<[string, (() => Promise<void>) | undefined]>([
    ['what is learned in time', () => Promise.resolve()],
    ['a failure to learn', () => Promise.reject(new Error('gone'))],
  ])('%s leads to the question', async (_, identify) => {
    const { state } = run({ identifies: true }, identify ? { identify } : {});
    expect(state()).toBe('identifying');
    await expect.poll(state).toBe('asking');
  });

  test('who asks may stay unknown, but not for long; an answer counts meanwhile', () => {
    const slow = run({ identifies: true });
    slow.clock.increment(IDENTIFY_MS);
    expect(slow.state()).toBe('asking');
    const quick = run({ identifies: true });
    quick.actor.send(answered);
    expect(quick.outcome()).toEqual([{ verdict: 'permit', by: { kind: 'person' } }]);
  });

  test('actors must be provided: forgetting one gives the answer without the rule, and says so', async () => {
    const clock = new SimulatedClock();
    const actor = createActor(connectionMachine, { clock, input });
    actor.start();
    actor.send({ ...answered, record: 'r' });
    await expect.poll(() => actor.getSnapshot().value).toBe('done');
    expect(actor.getSnapshot().context.outcome?.recordFailure).toBe('record must be provided');
  });
});
