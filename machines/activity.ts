import type { ConnectionAttempt } from '../engine/model/attempt.ts';
import type { ActivityEntry } from './guard-client.ts';
import type { HistoryStore } from './guard-host.ts';

/** Entries that a screen gets; the rest is in the history database. */
export const ACTIVITY_KEEP = 500;

/**
 * What was asked and decided: the last entries in memory, all of them in history. History that cannot be written is told once and costs
 * nothing else.
 */
export class Activity {
  readonly #history: HistoryStore;
  readonly #failed: (message: string) => void;
  readonly #seqOfAttempt = new Map<number, number>();
  #entries: ActivityEntry[] = [];
  #ownSeq = 0;
  #broken = false;

  constructor(history: HistoryStore, failed: (message: string) => void) {
    this.#history = history;
    this.#failed = failed;
  }

  /** Takes over what earlier runs left. */
  load(): void {
    this.#try(() => {
      this.#entries = [...this.#history.recent(ACTIVITY_KEEP)];
      this.#ownSeq = this.#entries.at(-1)?.seq ?? 0;
    });
  }

  /** Newest last. */
  list(): readonly ActivityEntry[] {
    return this.#entries.slice(-ACTIVITY_KEEP);
  }

  /** The attempts that are remembered, newest last. */
  recent(limit: number): readonly ConnectionAttempt[] {
    return this.#entries.slice(-limit).map(entry => entry.attempt);
  }

  add(entry: Omit<ActivityEntry, 'seq'>): ActivityEntry {
    this.#ownSeq++;
    const seq = this.#try(() => this.#history.append(entry)) ?? this.#ownSeq;
    this.#ownSeq = Math.max(this.#ownSeq, seq);
    const kept = { ...entry, seq };
    this.#entries.push(kept);
    this.#seqOfAttempt.set(entry.attempt.id, seq);
    if (this.#entries.length > 2 * ACTIVITY_KEEP) this.#shorten();
    return kept;
  }

  /** Fills in what a call came to. False when the attempt is not remembered any more. */
  complete(attemptId: number, result: string): boolean {
    const seq = this.#seqOfAttempt.get(attemptId);
    if (seq === undefined) return false;
    this.#seqOfAttempt.delete(attemptId);
    this.#try(() => this.#history.setResult(seq, result));
    const at = this.#entries.findLastIndex(entry => entry.seq === seq);
    const entry = this.#entries[at];
    if (entry) this.#entries[at] = { ...entry, result };
    return true;
  }

  flush(): void {
    this.#try(() => this.#history.flush());
  }

  #shorten(): void {
    this.#entries = this.#entries.slice(-ACTIVITY_KEEP);
    const oldest = this.#entries[0]?.seq ?? 0;
    for (const [id, seq] of this.#seqOfAttempt) if (seq < oldest) this.#seqOfAttempt.delete(id);
  }

  #try<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!this.#broken) {
        this.#broken = true;
        this.#failed(`History is not written any more: ${error instanceof Error ? error.message : String(error)}`);
      }
      return undefined;
    }
  }
}
