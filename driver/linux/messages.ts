import type { SourceEvent, Verdict } from '../../engine/model/attempt.ts';

export type BlockErrno = 'EACCES' | 'ECONNREFUSED';

/** From the main thread to the supervisor's thread. */
export type ToSupervisor =
  /** The listener of the launcher `pid` is its descriptor `listener`. */
  | {
      readonly type: 'attach';
      readonly pid: number;
      readonly listener: number;
      readonly blockErrno: BlockErrno;
      readonly mainPid: number;
    }
  | { readonly type: 'complete'; readonly id: number; readonly verdict: Verdict }
  | { readonly type: 'publish'; readonly sequence: number; readonly message: unknown }
  /** Send what is on its way, then say `flushed`. */
  | { readonly type: 'flush' }
  /** Withdraw and fail everything that is held, close the listener. */
  | { readonly type: 'stop' };

/** From the supervisor's thread to the main thread. */
export type FromSupervisor =
  /** `listener` is the descriptor that must be closed when the thread is lost: descriptors outlive threads. */
  | { readonly type: 'attached'; readonly listener: number }
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'events'; readonly events: readonly SourceEvent[] }
  | { readonly type: 'published'; readonly sequence: number; readonly error?: string }
  | { readonly type: 'flushed' }
  /** The last supervised process is gone. */
  | { readonly type: 'drained' }
  /** `callers`: supervised processes that still live. */
  | { readonly type: 'stopped'; readonly callers: readonly number[] }
  /** An error that nothing caught; the thread ends. `released`: it answered what was held and closed the listener itself. */
  | { readonly type: 'crashed'; readonly message: string; readonly released: boolean };
