import { type FactSources, gatherFacts } from './facts.ts';
import { renderReport } from './render.ts';
import { doctorExitCode, doctorReport } from './report.ts';

export type { FactSources, HoldFacts } from './facts.ts';
export type { Check, DoctorReport } from './report.ts';

/** Looks at the machine; what to print and the exit code (0 when `sallyport run` works here, else 1). */
export async function doctor(
  sources: FactSources,
  json: boolean,
): Promise<{ readonly output: string; readonly exitCode: 0 | 1 }> {
  const facts = await gatherFacts(sources);
  const report = doctorReport(facts);
  const { columns, utf8 } = facts.terminal;
  const output = json
    ? `${JSON.stringify(report, null, 2)}\n`
    : renderReport(report, { ...(columns > 0 && { columns }), ascii: !utf8 });
  return { output, exitCode: doctorExitCode(report) };
}
