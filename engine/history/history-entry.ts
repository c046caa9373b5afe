import type { ConnectionAttempt, Verdict } from '../model/attempt.ts';

/** Why something was decided. */
export type HistoryReason =
  | { readonly kind: 'person' }
  | { readonly kind: 'rule'; readonly ruleId: string }
  | { readonly kind: 'filter'; readonly filterId: string }
  | { readonly kind: 'default'; readonly reason: 'timeout' | 'no-person' | 'error' }
  | { readonly kind: 'no-match' };

/** One line of history: what was asked, what was decided and why. */
export interface HistoryEntry {
  /** Unique in the database; grows with time within one run. */
  readonly seq: number;
  /** Milliseconds since the epoch when it was decided. */
  readonly at: number;
  readonly attempt: ConnectionAttempt;
  readonly verdict: Verdict | 'withdrawn';
  readonly by: HistoryReason;
  /** Run-time id of the deciding filter, decimal. */
  readonly filterId?: string;
  /** How long it was held, milliseconds. */
  readonly waited: number;
  /** What the call came to: `ok`, an errno name. */
  readonly result?: string;
  /** The rule that was made with it, or that decided it. */
  readonly ruleId?: string;
}

/** Something wrong with the history file: one sentence, what and what to do. */
export class HistoryError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'HistoryError';
  }
}

const ARGUMENTS_MAX = 64;
const ARGUMENT_MAX = 512;

function boundedCommandLine(commandLine: readonly string[] | undefined): readonly string[] | undefined {
  if (!commandLine) return undefined;
  return commandLine.slice(0, ARGUMENTS_MAX).map(argument => argument.slice(0, ARGUMENT_MAX));
}

/** The attempt with its command lines cut to a size that is fit to keep: a stranger chooses how long they are. */
export function boundedAttempt(attempt: ConnectionAttempt): ConnectionAttempt {
  const { identity } = attempt;
  const bound = <T extends { readonly commandLine?: readonly string[] }>(of: T): T => {
    const commandLine = boundedCommandLine(of.commandLine);
    return commandLine ? { ...of, commandLine } : of;
  };
  return {
    ...attempt,
    names: attempt.names.slice(0, 32),
    identity: { ...bound(identity), parents: identity.parents.slice(0, 16).map(bound) },
  };
}
