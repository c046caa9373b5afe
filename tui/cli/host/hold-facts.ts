import type { HoldFacts } from '../doctor/facts.ts';

/** Whether this machine can hold connections, and what would help. Loads the driver only where there can be one. */
export async function holdFacts(): Promise<HoldFacts> {
  const { probeRun } = await import('../../../driver/linux/probe.ts');
  const { ok, problems } = probeRun();
  const [first] = problems;
  const fix = first && { fix: problems.map(problem => problem.fix).join('; ') };
  if (!ok) return { ok, detail: first?.what ?? 'the kernel refuses', ...fix };
  return {
    ok,
    detail: first
      ? `seccomp user notification; ${problems.map(problem => problem.what).join('; ')}`
      : 'seccomp user notification',
    ...fix,
  };
}
