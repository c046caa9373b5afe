import type { ConnectionAttempt, ConnectionSource, Verdict } from '../engine/model/attempt.ts';
import type { ClassifyTrace } from '../engine/model/classify.ts';
import type { FilterEngine } from '../engine/model/filter-engine.ts';
import type { Asking } from '../engine/rules/asking.ts';
import type { EngineForm } from '../engine/rules/conditions.ts';
import type { ActivityEntry } from './guard-client.ts';

/** Where what was asked and decided is kept. Writes are buffered and never block a decision. */
export interface HistoryStore {
  append(entry: Omit<ActivityEntry, 'seq'>): number;
  /** Fills in what a call came to. */
  setResult(seq: number, result: string): void;
  /** Newest last. */
  recent(limit: number): readonly ActivityEntry[];
  flush(): void;
  close(): void;
}

/** Decides one attempt as the engine's filters stand now. */
export type DecideAttempt = (attempt: ConnectionAttempt) => {
  readonly action: Verdict | 'ask';
  readonly filterId?: bigint;
  readonly ruleId?: string;
};

/**
 * Everything a guard takes from the world. `tui/cli` alone chooses one; tests bring their own.
 * All times come from `now`, all timers from `setTimeout`/`clearTimeout`, so a simulated clock can drive the whole.
 */
export interface GuardHost extends EngineForm {
  /** Holds static and persistent objects. */
  readonly engine: FilterEngine;
  /** A dynamic session: what is added here dies with the guard. */
  readonly dynamic: FilterEngine;
  readonly source: ConnectionSource;
  /** How this platform's filters ask; `nothing`: no filter is put into the engine. Default: callouts at every layer that has rules. */
  readonly asking?: Asking | 'nothing';
  readonly history: HistoryStore;
  readonly decide: DecideAttempt;
  readonly explain: (attempt: ConnectionAttempt) => ClassifyTrace;
  /**
   * Resolves when the source's own decision path uses all that is committed. A verdict that comes with a new rule is completed
   * only after this, so the next attempt is never asked again.
   */
  readonly published: () => Promise<void>;
  /** Learns more about who asks, where the source could not at once. The question is put after a quarter of a second in any case. */
  readonly identify?: (attempt: ConnectionAttempt) => Promise<ConnectionAttempt['identity'] | undefined>;
  /** Whether a process still runs: rules that live as long as it are removed when it does not. Default: signal 0. */
  readonly processAlive?: (pid: number, startTime?: number) => boolean;
  readonly clock: {
    now(): number;
    setTimeout(fn: () => void, ms: number): unknown;
    clearTimeout(handle: unknown): void;
  };
}
