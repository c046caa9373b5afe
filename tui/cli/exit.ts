/** Exit codes of every command but `run`, whose code is the supervised command's own. Documented in the README. */
export const EXIT = { ok: 0, failure: 1, usage: 2, cannotExecute: 126, notFound: 127 } as const;

/** The person typed something impossible: exit code 2. The message is one sentence: what, where, what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Something could not be done: exit code 1 (or another). The message is one sentence: what, where, what to do. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: number;
  constructor(message: string, exitCode: number = EXIT.failure) {
    super(message);
    this.exitCode = exitCode;
  }
}
