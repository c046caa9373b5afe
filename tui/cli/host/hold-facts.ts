import { readFileSync } from 'node:fs';
import type { HoldFacts } from '../doctor/facts.ts';

/** A system-call filter holds for this process already (proc(5), Seccomp: 2): a container's, or that of another `run`. */
function isFiltered(): boolean {
  try {
    return /^Seccomp:\s+2$/m.test(readFileSync('/proc/self/status', 'latin1'));
  } catch {
    return false;
  }
}

/** Holds a command that does nothing. @returns why it could not be held */
async function trial(): Promise<string | undefined> {
  const { linuxRunSource } = await import('./run-source.ts');
  const source = linuxRunSource(
    { command: ['true'], stdio: 'pipe', blockErrno: 'EACCES' },
    { connect: () => ({ filters: [], subLayers: [] }), disconnect: () => {} },
  );
  try {
    await source.start(() => {});
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^run: /, '');
  } finally {
    await source.stop();
  }
}

/**
 * Whether this machine can hold connections, and what would help. Loads the driver only where there can be one. Under a filter of
 * somebody else's only trying tells.
 */
export async function holdFacts(): Promise<HoldFacts> {
  if (process.platform === 'win32') return (await import('./windows/hold-facts.ts')).windowsHoldFacts();
  const { probeRun } = await import('../../../driver/linux/probe.ts');
  const { ok, problems } = probeRun();
  const [first] = problems;
  const fix = first && { fix: problems.map(problem => problem.fix).join('; ') };
  if (!ok) return { ok, detail: first?.what ?? 'the kernel refuses', ...fix };
  const refusal = isFiltered() ? await trial() : undefined;
  if (refusal !== undefined)
    return { ok: false, detail: refusal, fix: 'run it outside, or play a recording: sallyport recorded FILE' };
  return {
    ok: true,
    detail: first
      ? `seccomp user notification; ${problems.map(problem => problem.what).join('; ')}`
      : 'seccomp user notification',
    ...fix,
  };
}
