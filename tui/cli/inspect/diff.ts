import { type DumpDiff, diffDumps, type ObjectDiff } from '../../../engine/explain/diff.ts';
import { Machine } from '../../../engine/explain/machine.ts';
import { parseCommandArgs } from '../args.ts';
import { UsageError } from '../exit.ts';
import { command, json } from './io.ts';
import { loadDump, tellProblems } from './load.ts';
import { INSPECT_OPTIONS } from './options.ts';
import { count, safe } from './text.ts';

type Shown = {
  readonly name?: string;
  readonly filterKey?: string;
  readonly layer?: string;
  readonly action?: string;
  readonly conditions?: readonly { readonly text: string }[];
};

function line(mark: string, each: Shown): string {
  const where = each.layer ? ` at ${each.layer}` : '';
  const matches = Array.isArray(each.conditions)
    ? `: ${each.conditions.map(condition => condition.text).join(', ') || 'any traffic'}`
    : '';
  return `  ${mark} ${safe(`${each.action ? `${each.action} ` : ''}"${each.name ?? ''}"${where}${matches}`)}\n`;
}

function part(noun: string, diff: ObjectDiff<Shown>): string {
  const total = diff.added.length + diff.removed.length + diff.changed.length;
  if (total === 0) return '';
  const head = `${noun}: ${diff.added.length} added, ${diff.removed.length} removed, ${diff.changed.length} changed\n`;
  const changes = diff.changed.map(
    each =>
      line('~', each.after) +
      each.changes
        .map(change => `      ${safe(`${change.field}: ${change.before || '(nothing)'} → ${change.after || '(nothing)'}`)}\n`)
        .join(''),
  );
  return (
    head +
    diff.added.map(each => line('+', each)).join('') +
    diff.removed.map(each => line('-', each)).join('') +
    changes.join('')
  );
}

function text(diff: DumpDiff, a: string, b: string): string {
  const notes = diff.notCompared.map(kind => `only one of the two tells ${kind}: they are not compared\n`).join('');
  const ids =
    diff.renumbered > 0
      ? `${count(diff.renumbered, 'filter')} only ${diff.renumbered === 1 ? 'has' : 'have'} another run-time id\n`
      : '';
  if (diff.same) return `${safe(a)} and ${safe(b)} are the same\n${ids}`;
  const parts =
    part('filters', diff.filters) +
    part('sublayers', diff.subLayers) +
    part('providers', diff.providers) +
    part('callouts', diff.callouts);
  return `${parts || `what both tell is the same\n`}${notes}${ids}`;
}

/** `sallyport diff A B`: what changed between two dumps. */
export const diff = command(async (args, io) => {
  const parsed = parseCommandArgs('diff', args, INSPECT_OPTIONS.diff);
  const [a, b] = parsed.positionals;
  if (a === undefined || b === undefined || parsed.positionals.length > 2)
    throw new UsageError('diff needs two files: sallyport diff BEFORE AFTER');
  const before = new Machine(await loadDump(a, io));
  const after = new Machine(await loadDump(b, io));
  const codes = [before, after].map(({ dump }) => tellProblems(dump, io, count(dump.filters.length, 'filter')));
  const result = diffDumps(before, after);
  const complete = codes.every(code => code === 0);
  if (parsed.flags.has('json')) json(io, { before: a, after: b, complete, ...result, same: result.same && complete });
  else
    io.stdout.write(
      result.same && !complete ? 'what could be read of both is the same, but not all of it could be read\n' : text(result, a, b),
    );
  return Math.max(...codes);
});
