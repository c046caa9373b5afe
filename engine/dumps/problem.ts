/** Something a reader noticed. Lines and columns count from 1; 0 where the source has none. */
export interface Problem {
  /** `error`: the source is damaged and what was read may be incomplete. `warning`: everything was read, something is odd. */
  readonly severity: 'error' | 'warning';
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** How many problems are kept word by word; more are only counted. */
export const MAX_PROBLEMS = 100;

/** Collects problems up to MAX_PROBLEMS and counts the rest, so a damaged file cannot fill the memory with complaints. */
export class Problems {
  readonly list: Problem[] = [];
  errors = 0;
  warnings = 0;

  add(severity: Problem['severity'], line: number, column: number, message: string): void {
    if (severity === 'error') this.errors++;
    else this.warnings++;
    if (this.list.length < MAX_PROBLEMS) this.list.push({ severity, line, column, message });
  }
}

/** One sentence with its place: `dump.xml:12:7: …`. */
export function problemText(source: string, problem: Problem): string {
  const place = problem.line > 0 ? `:${problem.line}${problem.column > 0 ? `:${problem.column}` : ''}` : '';
  return `${source}${place}: ${problem.message}`;
}

/** A source that cannot be read (no such file, a directory, no rights, damaged compression). The message is complete. */
export class UnreadableError extends Error {
  /** The message without the name of the source. */
  readonly reason: string;
  constructor(source: string, reason: string) {
    super(`${source}: ${reason}`);
    this.reason = reason;
  }
}
