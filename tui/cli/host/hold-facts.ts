import type { HoldFacts } from '../doctor/facts.ts';

/** Whether this machine can hold connections, and what would help. Loads the driver only where there can be one. */
export async function holdFacts(): Promise<HoldFacts> {
  if (process.platform !== 'linux')
    return {
      ok: false,
      detail: `there is no way to hold connections on ${process.platform} yet`,
      fix: 'play a recording: sallyport recorded FILE',
    };
  return { ok: true, detail: 'seccomp user notification' };
}
