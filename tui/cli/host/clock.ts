import type { GuardHost } from '../../../machines/guard-host.ts';

/** Real time. */
export const realClock: GuardHost['clock'] = {
  now: () => Date.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: handle => clearTimeout(handle as NodeJS.Timeout),
};
