import { assertEvent, assign, fromPromise, setup } from 'xstate';

export interface GuardMachineContext {
  /** Milliseconds until rules must be looked through for expired ones; undefined: none can expire. */
  readonly sweepInMs?: number;
  readonly exit?: { readonly code: number | null; readonly signal: string | null };
  /** A sentence. */
  readonly failure?: string;
}

export type GuardMachineEvent =
  | { readonly type: 'start' }
  | { readonly type: 'stop' }
  | { readonly type: 'source.exited'; readonly code: number | null; readonly signal: string | null }
  | { readonly type: 'source.failed'; readonly message: string }
  /** Rules changed: look again after this time. */
  | { readonly type: 'sweep.in'; readonly ms?: number };

/** How long the engine may take to take our objects, the source to start, and everything to close. */
export const PREPARE_MS = 15_000;
export const OPEN_MS = 30_000;
export const CLOSE_MS = 5000;

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const DAY = 86_400_000;

/**
 * The life of a guard. Nothing is held before the filters that hold it are in place (preparing before opening), nothing that has started is
 * left behind (stopping is the only way out), and a source that fails leaves the screen with a sentence instead of taking it away.
 */
export const guardMachine = setup({
  types: { context: {} as GuardMachineContext, events: {} as GuardMachineEvent },
  actors: {
    /** Puts our objects into the engine and removes rules that expired while nobody looked. */
    prepare: fromPromise<void>(() => Promise.reject(new Error('prepare must be provided'))),
    /** Starts the source. */
    open: fromPromise<void>(() => Promise.reject(new Error('open must be provided'))),
    /** Ends the source, completes what waits, writes history. */
    close: fromPromise<void>(() => Promise.reject(new Error('close must be provided'))),
  },
  delays: {
    'prepare patience': PREPARE_MS,
    'open patience': OPEN_MS,
    'close patience': CLOSE_MS,
    'next sweep': ({ context }) => Math.min(context.sweepInMs ?? DAY, DAY),
  },
  actions: {
    sweep: () => {
      throw new Error('sweep must be provided');
    },
    'assign sweep': assign(({ event }) => {
      assertEvent(event, 'sweep.in');
      return { sweepInMs: event.ms };
    }),
    'assign exit': assign(({ event }) => {
      assertEvent(event, 'source.exited');
      return { exit: { code: event.code, signal: event.signal } };
    }),
    'assign source failure': assign(({ event }) => {
      assertEvent(event, 'source.failed');
      return { failure: event.message };
    }),
    'assign failure': assign((_, params: { why: string }) => ({ failure: params.why })),
  },
}).createMachine({
  id: 'guard',
  context: {},
  initial: 'idle',
  states: {
    idle: { on: { start: 'preparing', stop: 'stopped' } },
    preparing: {
      invoke: {
        src: 'prepare',
        onDone: 'opening',
        onError: {
          target: 'failed',
          actions: { type: 'assign failure', params: ({ event }) => ({ why: message(event.error) }) },
        },
      },
      on: { stop: 'stopping' },
      after: {
        'prepare patience': {
          target: 'failed',
          actions: {
            type: 'assign failure',
            params: { why: 'The filtering engine did not answer. Is another program holding its store?' },
          },
        },
      },
    },
    opening: {
      invoke: {
        src: 'open',
        onDone: 'watching',
        onError: {
          target: 'failed',
          actions: { type: 'assign failure', params: ({ event }) => ({ why: message(event.error) }) },
        },
      },
      on: {
        stop: 'stopping',
        'source.exited': { target: '#guard.watching.source.ended', actions: 'assign exit' },
        'source.failed': { target: 'failed', actions: 'assign source failure' },
      },
      after: {
        'open patience': {
          target: 'failed',
          actions: { type: 'assign failure', params: { why: 'What should be guarded did not start in time.' } },
        },
      },
    },
    watching: {
      type: 'parallel',
      on: { stop: 'stopping' },
      states: {
        source: {
          initial: 'running',
          states: {
            running: {
              on: {
                'source.exited': { target: 'ended', actions: 'assign exit' },
                'source.failed': { target: '#guard.failed', actions: 'assign source failure' },
              },
            },
            ended: {},
          },
        },
        sweeper: {
          initial: 'waiting',
          states: {
            waiting: {
              on: { 'sweep.in': { target: 'waiting', reenter: true, actions: 'assign sweep' } },
              after: { 'next sweep': { target: 'waiting', reenter: true, actions: 'sweep' } },
            },
          },
        },
      },
    },
    failed: { on: { stop: 'stopping' } },
    stopping: {
      invoke: { src: 'close', onDone: 'stopped', onError: 'stopped' },
      on: { 'source.exited': { actions: 'assign exit' } },
      after: { 'close patience': 'stopped' },
    },
    stopped: { type: 'final' },
  },
});
