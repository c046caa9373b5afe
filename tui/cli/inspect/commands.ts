import type { InspectCommand } from './io.ts';

/** The commands of this folder by name, each loaded when it is called. */
export const INSPECT_COMMANDS: Readonly<Record<string, () => Promise<InspectCommand>>> = {
  inspect: async () => (await import('./inspect.ts')).inspect,
  filters: async () => (await import('./filters.ts')).filters,
  explain: async () => (await import('./explain.ts')).explain,
  diff: async () => (await import('./diff.ts')).diff,
  replay: async () => (await import('./replay.ts')).replay,
  health: async () => (await import('./health.ts')).health,
};
