import type { AttemptLayer, Endpoint } from '../../engine/model/attempt.ts';
import type { CallerAccess } from './caller.ts';
import type { Call } from './listener.ts';
import type { DuplicateSocket } from './socket-facts.ts';

/** What a call would do, as far as rules are concerned. */
export interface Intent {
  readonly layer: AttemptLayer;
  readonly family: 'v4' | 'v6';
  readonly protocol: number;
  readonly local?: Endpoint;
  readonly remote?: Endpoint;
  /** Datagrams of one flow share a verdict: socket and remote. */
  readonly flow?: string;
}

/** How far a call has come. `wait` never blocks the loop: it goes on when `fd` is ready or time is up. */
export type Step = Answer | Wait;

/** How a call ends. */
export type Answer =
  /** Answer with a positive errno or 0, and the return value. */
  | { readonly kind: 'done'; readonly errno: number; readonly value: number; readonly signal?: number }
  /** The kernel runs it itself. */
  | { readonly kind: 'continue' };

export interface Wait {
  readonly kind: 'wait';
  readonly events: number;
  /** Milliseconds from now; undefined: for ever. */
  readonly timeout?: number;
  /** What a pending signal makes of it: the call is restarted (or EINTR), or always EINTR. */
  readonly interrupted: number;
  readonly resume: (timedOut: boolean) => Step;
}

/** One trapped call, copied out of its caller: what it asks for, and how to do it on the duplicate. */
export interface Plan {
  /** Absent: nothing to decide. */
  readonly intent?: Intent;
  perform(): Step;
}

/** What planners need of the supervisor. */
export interface PlanContext {
  readonly access: CallerAccess;
  readonly call: Call;
  readonly socket: DuplicateSocket;
  /** Decides a further intent of the same call at once; false also when a person would have to be asked. */
  permits(intent: Intent): boolean;
  /** May the supervisor use this capability (CAP_… number) for the caller, or has it none to lend? */
  mayUse(capability: number): boolean;
  warn(message: string): void;
}

export const done = (errno: number, value = 0, signal?: number): Answer => ({
  kind: 'done',
  errno,
  value,
  ...(signal === undefined ? {} : { signal }),
});
/** The step for a libc result: its value, or errno. */
export const resultOf = (value: number, errno: number): Answer => (value < 0 ? done(errno, -1) : done(0, value));
