import type { ConnectionAttempt, SourceEvent, Verdict } from '../../engine/model/attempt.ts';

type Told = Extract<SourceEvent, { type: 'withdrawn' | 'completed' | 'named' | 'output' | 'exited' | 'warning' | 'failed' }>;

/** One thing that a recording tells, in its own time (milliseconds since the epoch) and with its own ids. */
export type Step =
  /** Something was attempted. `verdict`: it was decided without asking, as the recording says. */
  | { readonly type: 'attempt'; readonly at: number; readonly attempt: ConnectionAttempt; readonly verdict?: Verdict }
  /** What was answered to a held attempt when the recording was made. */
  | { readonly type: 'verdict'; readonly at: number; readonly id: number; readonly verdict: Verdict }
  | { readonly type: 'told'; readonly at: number; readonly event: Told };

/** What became of one line. */
export type Parsed =
  | { readonly steps: readonly Step[] }
  /** A sound line that tells of no connection; `what` for the summary. */
  | { readonly skipped: string }
  /** A line that cannot be read, and why. */
  | { readonly bad: string };
