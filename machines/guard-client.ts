import type { ConnectionAttempt, FailPolicy, Verdict } from '../engine/model/attempt.ts';
import type { ClassifyTrace } from '../engine/model/classify.ts';
import type { Filter, Layer, SubLayer } from '../engine/model/objects.ts';
import type { Lifetime, Rule, Scope } from '../engine/rules/rule.ts';

/**
 * What a screen may know of a guard, and what it may tell it. A TUI uses nothing else, so the same TUI works in the guard's process,
 * over a local socket and through ssh. Everything here is plain data (no functions, no handles).
 */

/** A held connection that waits for a verdict. Attempts with the same key joined it. */
export interface Request {
  /** The id of the attempt that opened it. */
  readonly id: number;
  readonly attempt: ConnectionAttempt;
  /** All attempts that wait with it, itself included. */
  readonly attempts: readonly number[];
  /** State of its connection machine. */
  readonly state: 'identifying' | 'asking' | 'deciding' | 'recording' | 'completing' | 'done';
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** When the default answers; undefined: it waits for ever. */
  readonly deadline?: number;
}

/** Why something was decided. */
export type DecidedBy =
  | { readonly kind: 'person' }
  | { readonly kind: 'rule'; readonly ruleId: string }
  | { readonly kind: 'filter'; readonly filterId: string }
  | { readonly kind: 'default'; readonly reason: 'timeout' | 'no-person' | 'error' }
  | { readonly kind: 'no-match' };

/** One line of history. */
export interface ActivityEntry {
  /** Grows with time, unique in the history database. */
  readonly seq: number;
  readonly at: number;
  readonly attempt: ConnectionAttempt;
  readonly verdict: Verdict | 'withdrawn';
  readonly by: DecidedBy;
  /** Run-time id of the deciding filter, decimal. */
  readonly filterId?: string;
  /** How long it was held, milliseconds; 0 when decided at once. */
  readonly waited: number;
  /** What the call came to: `ok`, `EACCES`, `ETIMEDOUT`… once known. */
  readonly result?: string;
  /** The rule that was made with it. */
  readonly ruleId?: string;
}

export interface GuardStatus {
  readonly kind: 'run' | 'recorded' | 'windows-driver' | 'net-events' | 'idle';
  /** `run: npm ci`. */
  readonly title: string;
  readonly phase: 'starting' | 'running' | 'ended' | 'failed';
  readonly failPolicy: FailPolicy;
  /** What answers when nobody does. */
  readonly defaultVerdict: Verdict;
  /** Seconds until the default answers; undefined: never. */
  readonly timeout?: number;
  /** Exit of the supervised command, once it ended. */
  readonly exit?: { readonly code: number | null; readonly signal: string | null };
  /** A sentence, when phase is `failed`. */
  readonly failure?: string;
  /** Attempts decided without asking since the start. */
  readonly decided: number;
}

/** A line of the command's output. */
export interface OutputLine {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** Something to tell the person once. */
export interface Notice {
  readonly seq: number;
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
}

export interface GuardSnapshot {
  /** Grows with every change; unchanged parts keep their identity between snapshots, so `memo` and selectors can compare by reference. */
  readonly revision: number;
  readonly status: GuardStatus;
  /** Everything that waits, oldest first. */
  readonly requests: readonly Request[];
  /** Newest last, bounded (the rest is in the history database). */
  readonly activity: readonly ActivityEntry[];
  readonly rules: readonly Rule[];
  readonly filters: readonly Filter[];
  readonly subLayers: readonly SubLayer[];
  readonly layers: readonly Layer[];
  readonly output: readonly OutputLine[];
  readonly notices: readonly Notice[];
  /** True when `undo` has something to take back. */
  readonly canUndo: boolean;
}

export type GuardCommand =
  /** Answers requests. With a lifetime other than `once` a rule is made from `scope` and settles every waiting request it covers. */
  | {
      readonly type: 'answer';
      readonly requests: readonly number[];
      readonly verdict: Verdict;
      readonly scope: Scope;
      readonly lifetime: Lifetime;
    }
  /** Takes back the last decision: deletes its rule. Connections already completed stay as they are. */
  | { readonly type: 'undo' }
  | { readonly type: 'rule.add'; readonly rule: Omit<Rule, 'id' | 'createdAt'> }
  | { readonly type: 'rule.delete'; readonly id: string }
  | { readonly type: 'rule.enable'; readonly id: string; readonly enabled: boolean }
  | {
      readonly type: 'rule.edit';
      readonly id: string;
      readonly lifetime?: Lifetime;
      readonly note?: string;
      readonly verdict?: Verdict;
      readonly scope?: Scope;
    }
  /** Sends a signal to the supervised command. */
  | { readonly type: 'signal'; readonly signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL' }
  | { readonly type: 'stop' };

/** What a command came to. `settled` counts waiting requests that it completed. */
export type CommandResult =
  | { readonly ok: true; readonly settled: number; readonly ruleId?: string }
  | { readonly ok: false; readonly message: string };

export interface GuardClient {
  /** Calls at once with the current snapshot, then at most ~20 times a second while things change, never while nothing does. */
  subscribe(listener: (snapshot: GuardSnapshot) => void): () => void;
  snapshot(): GuardSnapshot;
  send(command: GuardCommand): Promise<CommandResult>;
  /**
   * What a rule of this scope would do: which waiting requests it settles, how many of the last N remembered attempts it matches.
   * Without a verdict, as for `permit`, which covers less: every name of an address must be covered. Throws RuleError for an impossible scope.
   */
  preview(
    scope: Scope,
    verdict?: Verdict,
  ): { readonly settles: readonly number[]; readonly matched: number; readonly of: number };
  /** Why: classifies an attempt as it would be decided now, with the whole trace. */
  explain(attempt: ConnectionAttempt): ClassifyTrace;
}
