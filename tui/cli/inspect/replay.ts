import { writeFileSync } from 'node:fs';
import { readAuditLog } from '../../../engine/dumps/audit-reader.ts';
import { fileChunks, streamChunks } from '../../../engine/dumps/source.ts';
import { replay as play, type ReplayResult } from '../../../engine/explain/replay.ts';
import { parseCommandArgs } from '../args.ts';
import { Failure, UsageError } from '../exit.ts';
import { command, json } from './io.ts';
import { tellProblems } from './load.ts';
import { INSPECT_OPTIONS } from './options.ts';
import { count, safe } from './text.ts';

const SHOWN = 20;

function text(result: ReplayResult): string {
  const { events, decisions, described, exact, candidate, wrong, notDescribed } = result;
  const head =
    `${count(events, 'event')}, ${count(decisions, 'decision')}; ${described} name a filter that the log describes\n` +
    `  exact      ${exact}  the same filter decides here\n` +
    `  candidate  ${candidate}  the same filter is among those that only unknown fields separate\n` +
    `  wrong      ${wrong}  arbitration here says otherwise\n` +
    `${notDescribed} name no filter or one that the log does not describe: nothing to compare\n`;
  const lines = result.wrongDecisions
    .slice(0, SHOWN)
    .map(
      each =>
        `  line ${each.line}: ${safe(`event ${each.event} at ${each.layer}, ${each.logged.action} by ${each.logged.filterId} "${each.logged.name}": ${each.reason}`)}\n`,
    );
  const more = result.wrongDecisions.length - lines.length;
  return `${head}${lines.length > 0 ? `\nwrong:\n${lines.join('')}` : ''}${more > 0 ? `  and ${more} more (--json lists all)\n` : ''}`;
}

/** `sallyport replay AUDIT.jsonl`: rebuilds filters from the log and checks every decision in it. Exit code 1 when one is wrong. */
export const replay = command(async (args, io) => {
  const parsed = parseCommandArgs('replay', args, INSPECT_OPTIONS.replay);
  const [file] = parsed.positionals;
  if (file === undefined || parsed.positionals.length > 1)
    throw new UsageError('replay needs one audit log of JSON lines: sallyport replay AUDIT.jsonl');
  const log = await readAuditLog(
    file === '-' ? 'standard input' : file,
    file === '-' ? streamChunks('standard input', io.stdin) : fileChunks(file),
  );
  const code = tellProblems(log, io, count(log.lines, 'event'));
  const result = play(log);
  const report = parsed.text['report'];
  if (report !== undefined) {
    try {
      writeFileSync(report, `${JSON.stringify(result, null, 2)}\n`, { mode: 0o600 });
    } catch (error) {
      throw new Failure(`${report}: the report cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
    }
  }
  if (parsed.flags.has('json')) json(io, result);
  else io.stdout.write(text(result));
  return code === 0 && result.wrong > 0 ? 1 : code;
});
