import type { DatabaseSync } from 'node:sqlite';
import { entryOfRow, guarded, openDatabase } from './history-database.ts';
import { boundedAttempt, type HistoryEntry } from './history-entry.ts';

export interface HistoryOptions {
  /** Entries that are kept; older ones are deleted. */
  readonly keep?: number;
  /** Milliseconds until a buffered entry is written. */
  readonly flushMs?: number;
  readonly now?: () => number;
}

/** Seqs are reserved in blocks, so that several runs can write into one database without asking for each entry. */
const BLOCK = 256;
/** More than this waiting is written at once; twice as much that cannot be written is given up, oldest first. */
const BUFFER_MAX = 2000;

/**
 * Where what was asked and decided is kept. `append` only remembers; a timer writes, and `flush` and `close` do at once.
 * A write that failed in the timer is thrown by the next `append`, whose entry is remembered all the same.
 */
export class History {
  readonly path: string;
  /** Where a damaged earlier file was moved to, when it was. */
  readonly movedAside: string | undefined;
  readonly #database: DatabaseSync;
  readonly #keep: number;
  readonly #flushMs: number;
  #pending = new Map<number, Omit<HistoryEntry, 'seq'>>();
  #results = new Map<number, string>();
  #next = 0;
  #blockEnd = 0;
  #sincePrune = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #failure: unknown;
  #isOpen = true;

  constructor(path: string, options: HistoryOptions = {}) {
    const { database, aside } = openDatabase(path, (options.now ?? Date.now)());
    this.path = path;
    this.movedAside = aside;
    this.#database = database;
    this.#keep = options.keep ?? 100_000;
    this.#flushMs = options.flushMs ?? 500;
  }

  append(entry: Omit<HistoryEntry, 'seq'>): number {
    const seq = this.#takeSeq();
    this.#pending.set(seq, entry);
    if (this.#pending.size > 2 * BUFFER_MAX) this.#pending.delete(this.#pending.keys().next().value ?? seq);
    this.#plan();
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    return seq;
  }

  /** Fills in what a call came to. */
  setResult(seq: number, result: string): void {
    const entry = this.#pending.get(seq);
    if (entry) this.#pending.set(seq, { ...entry, result });
    else {
      this.#results.set(seq, result);
      if (this.#results.size > 2 * BUFFER_MAX) this.#results.delete(this.#results.keys().next().value ?? seq);
      this.#plan();
    }
  }

  /** The last entries, newest last, of all runs. */
  recent(limit: number): readonly HistoryEntry[] {
    this.flush();
    const rows = guarded(this.path, () =>
      this.#database.prepare('SELECT * FROM entry ORDER BY at DESC, seq DESC LIMIT ?').all(limit),
    );
    return rows.map(entryOfRow).reverse();
  }

  /** Writes what waits. @throws HistoryError; then it waits on */
  flush(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#isOpen || this.#pending.size + this.#results.size === 0) return;
    guarded(this.path, () => this.#write());
  }

  /** Writes what waits and closes. Safe to call twice. */
  close(): void {
    if (!this.#isOpen) return;
    try {
      this.flush();
    } finally {
      this.#isOpen = false;
      this.#database.close();
    }
  }

  #plan(): void {
    if (this.#timer !== undefined || !this.#isOpen) return;
    this.#timer = setTimeout(
      () => {
        try {
          this.flush();
        } catch (error) {
          this.#failure = error;
        }
      },
      this.#pending.size > BUFFER_MAX ? 0 : this.#flushMs,
    ).unref();
  }

  #takeSeq(): number {
    if (this.#next >= this.#blockEnd) {
      const row = guarded(this.path, () =>
        this.#database.prepare('UPDATE counter SET next = next + ? RETURNING next').get(BLOCK),
      );
      this.#blockEnd = Number(row?.['next']);
      this.#next = this.#blockEnd - BLOCK;
    }
    return this.#next++;
  }

  #write(): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const insert = this.#database.prepare(
        'INSERT INTO entry (seq, at, app, verdict, filter_id, rule_id, waited, result, why, attempt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      );
      for (const [seq, entry] of this.#pending) {
        const { at, attempt, verdict, filterId, ruleId, waited, result, by } = entry;
        const app = attempt.identity.path ?? null;
        const kept = JSON.stringify(boundedAttempt(attempt));
        insert.run(
          seq,
          Math.round(at),
          app,
          verdict,
          filterId ?? null,
          ruleId ?? null,
          Math.round(waited),
          result ?? null,
          JSON.stringify(by),
          kept,
        );
      }
      const update = this.#database.prepare('UPDATE entry SET result = ? WHERE seq = ?');
      for (const [seq, result] of this.#results) update.run(result, seq);
      this.#sincePrune += this.#pending.size;
      if (this.#sincePrune > this.#keep / 10) this.#prune();
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
    this.#pending = new Map();
    this.#results = new Map();
  }

  #prune(): void {
    this.#sincePrune = 0;
    this.#database
      .prepare('DELETE FROM entry WHERE seq IN (SELECT seq FROM entry ORDER BY at DESC, seq DESC LIMIT -1 OFFSET ?)')
      .run(this.#keep);
  }
}

/**
 * Opens the history database at this path for writing.
 * @throws HistoryError when it is locked, written by a newer version, or cannot be made
 */
export const openHistory = (path: string, options?: HistoryOptions): History => new History(path, options);
