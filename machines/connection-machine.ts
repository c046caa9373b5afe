import { assertEvent, assign, emit, fromPromise, setup } from 'xstate';
import type { Verdict } from '../engine/model/attempt.ts';
import type { DecidedBy } from './guard-client.ts';

export interface ConnectionInput {
  /** The attempt that opened the request. */
  readonly id: number;
  /** What answers when nobody does. */
  readonly defaultVerdict: Verdict;
  /** Milliseconds until it does; undefined: as long as a timer can wait (24 days). */
  readonly timeoutMs?: number;
  /** False in line mode without a person: the default answers at once. */
  readonly asksPerson: boolean;
  /** True when something can still be learned about who asks. */
  readonly identifies: boolean;
}

/** What was decided for a request, and why. */
export interface Outcome {
  readonly verdict: Verdict;
  readonly by: DecidedBy;
  readonly ruleId?: string;
  readonly filterId?: string;
  /** The rule that should have come of the answer could not be kept; the answer holds for this request. */
  readonly recordFailure?: string;
}

export interface ConnectionContext extends ConnectionInput {
  readonly outcome?: Outcome;
  /** Names the write of the rule that the answer makes; undefined: it makes none. */
  readonly record?: string;
  readonly withdrawn?: 'exited' | 'interrupted';
}

export type ConnectionEvent =
  /** A person decided. `record` names the rule that is being written. */
  | { readonly type: 'answered'; readonly verdict: Verdict; readonly record?: string }
  /** A rule or a filter that came meanwhile decides it. */
  | {
      readonly type: 'settled';
      readonly verdict: Verdict;
      readonly by: DecidedBy;
      readonly ruleId?: string;
      readonly filterId?: string;
    }
  /** The caller is gone. */
  | { readonly type: 'withdrawn'; readonly reason: 'exited' | 'interrupted' };

export type ConnectionEmitted = { readonly type: 'complete'; readonly outcome: Outcome };

/** Longest time that setTimeout can wait. */
const LONGEST = 2 ** 31 - 1;

/** How long identity may still grow before the question is put as it is. */
export const IDENTIFY_MS = 250;
/** How long the engine may take to keep a rule before the answer is given without it. */
export const RECORD_MS = 5000;

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * One held connection, from the moment it is held until it has its verdict. It exists so that every way out is written down once: an
 * answer, a rule, the default, or the caller's death, at any moment, and none of them twice. The default never writes a rule, and a rule
 * that cannot be kept never keeps the caller waiting.
 */
export const connectionMachine = setup({
  types: {
    context: {} as ConnectionContext,
    input: {} as ConnectionInput,
    events: {} as ConnectionEvent,
    emitted: {} as ConnectionEmitted,
  },
  actors: {
    /** Learns what can be learned about who asks. */
    identify: fromPromise<void, { id: number }>(() => Promise.reject(new Error('identify must be provided'))),
    /** Waits until the rule is kept and the source's decision path knows it. Gives the rule's id. */
    record: fromPromise<{ ruleId: string }, { record: string }>(() => Promise.reject(new Error('record must be provided'))),
  },
  delays: {
    'identify patience': IDENTIFY_MS,
    'record patience': RECORD_MS,
    'person patience': ({ context }) => Math.min(context.timeoutMs ?? LONGEST, LONGEST),
  },
  guards: {
    'is identified': ({ context }) => !context.identifies,
    'nobody to ask': ({ context }) => !context.asksPerson,
    'makes a rule': ({ context }) => context.record !== undefined,
  },
  actions: {
    'assign answer': assign(({ event }) => {
      assertEvent(event, 'answered');
      return { outcome: { verdict: event.verdict, by: { kind: 'person' as const } }, record: event.record };
    }),
    'assign settlement': assign(({ event }) => {
      assertEvent(event, 'settled');
      const { type: _, ...outcome } = event;
      return { outcome };
    }),
    'assign default': assign(({ context }, params: { reason: 'timeout' | 'no-person' }) => ({
      outcome: { verdict: context.defaultVerdict, by: { kind: 'default' as const, reason: params.reason } },
    })),
    'assign rule': assign(({ context }, params: { ruleId: string }) => ({
      outcome: context.outcome && { ...context.outcome, ruleId: params.ruleId },
    })),
    'assign record failure': assign(({ context }, params: { why: string }) => ({
      outcome: context.outcome && { ...context.outcome, recordFailure: params.why },
    })),
    'assign withdrawal': assign(({ event }) => {
      assertEvent(event, 'withdrawn');
      return { withdrawn: event.reason };
    }),
    'give verdict': emit(({ context }) => {
      if (!context.outcome) throw new Error('a verdict is given only with an outcome');
      return { type: 'complete' as const, outcome: context.outcome };
    }),
  },
}).createMachine({
  id: 'connection',
  context: ({ input }) => input,
  initial: 'identifying',
  states: {
    identifying: {
      always: [
        { guard: 'nobody to ask', target: 'completing', actions: { type: 'assign default', params: { reason: 'no-person' } } },
        { guard: 'is identified', target: 'asking' },
      ],
      invoke: { src: 'identify', input: ({ context }) => ({ id: context.id }), onDone: 'asking', onError: 'asking' },
      on: {
        answered: { target: 'deciding', actions: 'assign answer' },
        settled: { target: 'completing', actions: 'assign settlement' },
        withdrawn: { target: 'withdrawn', actions: 'assign withdrawal' },
      },
      after: { 'identify patience': 'asking' },
    },
    asking: {
      on: {
        answered: { target: 'deciding', actions: 'assign answer' },
        settled: { target: 'completing', actions: 'assign settlement' },
        withdrawn: { target: 'withdrawn', actions: 'assign withdrawal' },
      },
      after: {
        'person patience': { target: 'completing', actions: { type: 'assign default', params: { reason: 'timeout' } } },
      },
    },
    deciding: {
      always: [{ guard: 'makes a rule', target: 'recording' }, { target: 'completing' }],
    },
    recording: {
      invoke: {
        src: 'record',
        input: ({ context }) => ({ record: context.record ?? '' }),
        onDone: {
          target: 'completing',
          actions: { type: 'assign rule', params: ({ event }) => ({ ruleId: event.output.ruleId }) },
        },
        onError: {
          target: 'completing',
          actions: { type: 'assign record failure', params: ({ event }) => ({ why: message(event.error) }) },
        },
      },
      on: { withdrawn: { target: 'withdrawn', actions: 'assign withdrawal' } },
      after: {
        'record patience': {
          target: 'completing',
          actions: {
            type: 'assign record failure',
            params: { why: 'the engine took too long. Look at the rules whether it came later' },
          },
        },
      },
    },
    completing: { entry: 'give verdict', always: 'done' },
    done: { type: 'final' },
    withdrawn: { type: 'final' },
  },
});
