import type { ConnectionAttempt, Verdict } from '../../engine/model/attempt.ts';
import type { Intent } from './plan.ts';

/** How long a restarted call may take to come again: the signal's handler runs before. */
const COMES_AGAIN_MS = 250;

interface Lapse {
  readonly attempt: ConnectionAttempt;
  readonly intent: Intent;
  readonly key: string;
  readonly timer: NodeJS.Timeout;
  verdict?: Verdict;
}

/** The same thread asks for the same. */
const keyOf = ({ identity }: ConnectionAttempt, intent: Intent): string =>
  JSON.stringify([identity.pid, identity.startTime, intent]);

/**
 * Held calls that a signal took away from us, for a moment: most come again, because the kernel restarts them. They then go on as
 * the same attempt, so that a program with a timer can be asked about at all.
 */
export class LapsedCalls {
  readonly #byThread = new Map<number, Lapse>();
  readonly #gone: (attempt: ConnectionAttempt) => void;

  /** @param gone told of an attempt whose call did not come again */
  constructor(gone: (attempt: ConnectionAttempt) => void) {
    this.#gone = gone;
  }

  keep(tid: number, attempt: ConnectionAttempt, intent: Intent): void {
    this.#drop(tid);
    const timer = setTimeout(() => this.#drop(tid), COMES_AGAIN_MS);
    this.#byThread.set(tid, { attempt, intent, key: keyOf(attempt, intent), timer });
  }

  /** The attempt that this new one goes on with, and its verdict if one was given meanwhile. */
  take(tid: number, attempt: ConnectionAttempt, intent: Intent): Lapse | undefined {
    const lapse = this.#byThread.get(tid);
    if (!lapse || lapse.key !== keyOf(attempt, intent)) return undefined;
    clearTimeout(lapse.timer);
    this.#byThread.delete(tid);
    return lapse;
  }

  byId(id: number): Lapse | undefined {
    for (const lapse of this.#byThread.values()) if (lapse.attempt.id === id) return lapse;
    return undefined;
  }

  clear(): void {
    for (const tid of this.#byThread.keys()) this.#drop(tid);
  }

  #drop(tid: number): void {
    const lapse = this.#byThread.get(tid);
    if (!lapse) return;
    clearTimeout(lapse.timer);
    this.#byThread.delete(tid);
    this.#gone(lapse.attempt);
  }
}
