import type { ConnectionSource } from '../../../engine/model/attempt.ts';

/** Guards nothing: for looking at rules and filters. */
export const idleSource = (): ConnectionSource => ({
  kind: 'idle',
  failPolicy: 'none',
  title: 'nothing is guarded',
  start: async () => {},
  complete: () => false,
  stop: async () => {},
});
