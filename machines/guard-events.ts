import type { ConnectionAttempt, Verdict } from '../engine/model/attempt.ts';
import type { Rule } from '../engine/rules/rule.ts';
import type { DecidedBy } from './guard-client.ts';

/**
 * What happened, one plain object per event, for line mode and `--json`: members are only ever added.
 * `at` is milliseconds since the epoch.
 */
export type GuardEvent =
  /** Waits for an answer; `request` is the request that it opened or joined. */
  | {
      readonly type: 'held';
      readonly at: number;
      readonly request: number;
      readonly attempt: ConnectionAttempt;
      readonly deadline?: number;
    }
  /** Has its verdict; `waited` is 0 when a filter decided at once. */
  | {
      readonly type: 'decided';
      readonly at: number;
      readonly attempt: ConnectionAttempt;
      readonly verdict: Verdict;
      readonly by: DecidedBy;
      readonly waited: number;
      readonly ruleId?: string;
      readonly filterId?: string;
    }
  | {
      readonly type: 'withdrawn';
      readonly at: number;
      readonly attempt: ConnectionAttempt;
      readonly reason: string;
      readonly waited: number;
    }
  /** What a call came to. */
  | { readonly type: 'completed'; readonly at: number; readonly id: number; readonly result: string }
  | {
      readonly type: 'rule';
      readonly at: number;
      readonly change: 'added' | 'changed' | 'removed' | 'expired';
      readonly rule: Rule;
    }
  | { readonly type: 'output'; readonly stream: 'stdout' | 'stderr'; readonly data: Uint8Array }
  | { readonly type: 'notice'; readonly at: number; readonly level: 'info' | 'warning' | 'error'; readonly text: string }
  | { readonly type: 'exited'; readonly at: number; readonly code: number | null; readonly signal: string | null }
  | { readonly type: 'failed'; readonly at: number; readonly message: string };

/** How a guard ended. `failure` is a sentence when the source failed or never started. */
export interface GuardExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly failure?: string;
}

/** A set of listeners; one that throws does not keep the others from hearing. */
export class Listeners<T> {
  readonly #all = new Set<(event: T) => void>();
  get size(): number {
    return this.#all.size;
  }
  add(listener: (event: T) => void): () => void {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }
  tell(event: T): void {
    for (const listener of this.#all) {
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
