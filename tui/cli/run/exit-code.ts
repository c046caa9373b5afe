import { constants } from 'node:os';
import type { GuardExit } from '../../../machines/guard-events.ts';
import { EXIT } from '../exit.ts';

/** The shell's convention: a command's own code, or 128+N when signal N ended it. */
export function exitCodeOf({ code, signal, failure }: GuardExit): number {
  if (failure !== undefined) return EXIT.failure;
  if (code !== null) return code;
  const number = signal === null ? undefined : constants.signals[signal as NodeJS.Signals];
  return number === undefined ? EXIT.ok : 128 + number;
}
