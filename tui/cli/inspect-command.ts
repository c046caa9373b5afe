import type { CommandMain } from './commands.ts';
import { Failure } from './exit.ts';

export const inspectCommand =
  (name: string): CommandMain =>
  () =>
    Promise.reject(new Failure(`${name}: not in this build`));
