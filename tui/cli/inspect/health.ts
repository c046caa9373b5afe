import { type Finding, health as look, notChecked } from '../../../engine/explain/health.ts';
import { countBy } from '../../../engine/explain/summary.ts';
import { parseCommandArgs } from '../args.ts';
import { command, json } from './io.ts';
import { loadMachine, tellProblems } from './load.ts';
import { INSPECT_OPTIONS } from './options.ts';
import { count, safe } from './text.ts';

const TITLE: Readonly<Record<Finding['kind'], string>> = {
  'blocks-security-product': 'Blocks aimed at security products',
  'callout-not-registered': 'Callouts that are not registered',
  leftover: 'Left behind by removed or disabled providers',
  shadowed: 'Can never match: shadowed',
  'never-matches': 'Can never match: contradict themselves',
  duplicate: 'Exact duplicates',
  'broad-permit': 'Permits broader than every block above them',
};

function text(findings: readonly Finding[], filters: number): string {
  if (findings.length === 0) return `nothing to remark on ${count(filters, 'filter')}\n`;
  const parts = (Object.keys(TITLE) as Finding['kind'][]).map(kind => {
    const own = findings.filter(each => each.kind === kind);
    if (own.length === 0) return '';
    const lines = own.map(
      each =>
        `  ${each.filterId}  ${safe(`${each.action} "${each.name}" at ${each.layer}${each.provider ? `, provider ${each.provider}` : ''}`)}\n      ${safe(each.reason)}\n`,
    );
    return `${TITLE[kind]} (${own.length})\n${lines.join('')}`;
  });
  return parts.filter(part => part !== '').join('\n');
}

/** `sallyport health FILE|--live`: filters that deserve a look, each with the reason. */
export const health = command(async (args, io) => {
  const parsed = parseCommandArgs('health', args, INSPECT_OPTIONS.health);
  const machine = await loadMachine('health', parsed.positionals, parsed.flags.has('live'), io);
  const code = tellProblems(machine.dump, io, count(machine.dump.filters.length, 'filter'));
  const findings = look(machine);
  const notLooked = notChecked(machine);
  if (parsed.flags.has('json')) {
    json(io, {
      source: machine.dump.source,
      complete: code === 0,
      filters: machine.dump.filters.length,
      counts: countBy(findings, each => [each.kind]),
      notChecked: notLooked,
      findings,
    });
  } else {
    io.stdout.write(text(findings, machine.dump.filters.length));
    for (const note of notLooked) io.stdout.write(`not checked: ${note}\n`);
  }
  return code;
});
