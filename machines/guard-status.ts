import type { SnapshotFrom } from 'xstate';
import type { GuardStatus } from './guard-client.ts';
import type { guardMachine } from './guard-machine.ts';

/** In which phase of its life a guard is, as a screen shows it. */
export function phaseOf({ value, context }: SnapshotFrom<typeof guardMachine>): Pick<GuardStatus, 'phase' | 'exit' | 'failure'> {
  const told = { ...(context.exit ? { exit: context.exit } : {}), ...(context.failure ? { failure: context.failure } : {}) };
  if (context.failure) return { phase: 'failed', ...told };
  if (typeof value === 'object') return { phase: value.watching.source === 'ended' ? 'ended' : 'running', ...told };
  return { phase: value === 'stopping' || value === 'stopped' ? 'ended' : 'starting', ...told };
}
