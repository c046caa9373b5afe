import { type Summary, summarize } from '../../../engine/explain/summary.ts';
import { parseCommandArgs } from '../args.ts';
import { command, drawsScreen, json } from './io.ts';
import { loadMachine, nothingRead, tellProblems } from './load.ts';
import { INSPECT_OPTIONS } from './options.ts';
import { count, safe, table } from './text.ts';

const KIND = {
  filters: 'netsh wfp show filters',
  state: 'netsh wfp show state',
  events: 'net events',
  live: 'live engine',
  audit: 'WFP audit log',
};

function section(title: string, counts: Readonly<Record<string, number>>, columns: number | undefined): string {
  const rows = Object.entries(counts).map(([name, number]) => [String(number), name]);
  return rows.length === 0 ? '' : `\n${table(['count', title], rows, columns)}`;
}

function text(summary: Summary, columns: number | undefined): string {
  const { counts } = summary;
  const head = `${safe(summary.source)}: ${KIND[summary.kind]}${summary.timeStamp ? `, ${safe(summary.timeStamp)}` : ''}\n`;
  const all = Object.entries(counts).filter(([, number]) => number > 0);
  const totals = table(
    ['count', 'of'],
    all.map(([name, number]) => [String(number), name.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)]),
    columns,
  );
  const unknown =
    summary.unknown.length > 0
      ? `\n${count(summary.unknown.length, 'name')} not known here, kept as found: ${safe(summary.unknown.slice(0, 8).join('; '))}${summary.unknown.length > 8 ? '; …' : ''}\n`
      : '';
  return (
    head +
    totals +
    section('layer', summary.byLayer, columns) +
    section('sublayer', summary.bySubLayer, columns) +
    section('provider', summary.byProvider, columns) +
    section('action', summary.byActionType, columns) +
    section('flag', summary.byFlag, columns) +
    unknown
  );
}

/** `sallyport inspect FILE|--live`: what is in a dump; on a terminal a screen to look around in. */
export const inspect = command(async (args, io) => {
  const parsed = parseCommandArgs('inspect', args, INSPECT_OPTIONS.inspect);
  const machine = await loadMachine('inspect', parsed.positionals, parsed.flags.has('live'), io);
  const code = tellProblems(
    machine.dump,
    io,
    nothingRead(machine.dump)
      ? ''
      : `${count(machine.dump.filters.length, 'filter')}, ${count(machine.dump.netEvents.length, 'net event')}`,
  );
  const summary = summarize(machine);
  if (parsed.flags.has('json')) json(io, summary);
  else if (!nothingRead(machine.dump) && drawsScreen(io)) await (await import('./inspect-view.ts')).inspectView(machine, io);
  else if (!nothingRead(machine.dump)) io.stdout.write(text(summary, io.stdout.isTTY ? io.stdout.columns : undefined));
  return code;
});
