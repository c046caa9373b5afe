import { type FilterQuery, queryFilters } from '../../../engine/explain/filter-query.ts';
import { actionWord, filterReport } from '../../../engine/explain/filter-report.ts';
import { type ParsedArgs, parseCommandArgs } from '../args.ts';
import { UsageError } from '../exit.ts';
import { command, json } from './io.ts';
import { loadMachine, tellProblems } from './load.ts';
import { INSPECT_OPTIONS } from './options.ts';
import { count, table } from './text.ts';

/** A run-time id. */
export function parseId(option: string, text: string): bigint {
  if (!/^\d{1,20}$/.test(text)) throw new UsageError(`--${option} takes a number, got '${text.slice(0, 40)}'`);
  return BigInt(text);
}

function queryOf({ text }: ParsedArgs): FilterQuery {
  const port = text['port'];
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65535))
    throw new UsageError(`--port takes a number from 0 to 65535, got '${port.slice(0, 40)}'`);
  const pick = (name: keyof FilterQuery & string) => (text[name] === undefined ? undefined : { [name]: text[name] });
  return {
    ...pick('layer'),
    ...pick('provider'),
    ...pick('app'),
    ...pick('action'),
    ...pick('remote'),
    ...pick('key'),
    ...pick('search'),
    ...(port === undefined ? undefined : { port: Number(port) }),
    ...(text['id'] === undefined ? undefined : { id: parseId('id', text['id']) }),
  };
}

/** `sallyport filters FILE|--live`: filters as a table, every condition readable. */
export const filters = command(async (args, io) => {
  const parsed = parseCommandArgs('filters', args, INSPECT_OPTIONS.filters);
  const live = parsed.flags.has('live') || parsed.positionals.length === 0;
  const machine = await loadMachine('filters', parsed.positionals, live, io);
  const code = tellProblems(machine.dump, io, count(machine.dump.filters.length, 'filter'));
  const found = queryFilters(machine, queryOf(parsed));
  if (parsed.flags.has('json')) {
    json(io, {
      source: machine.dump.source,
      complete: machine.dump.errors === 0,
      total: machine.dump.filters.length,
      count: found.length,
      filters: found.map(filter => filterReport(machine, filter)),
    });
    return code;
  }
  const rows = found.map(filter => [
    String(filter.filterId),
    actionWord(filter),
    machine.layerName(filter.layerKey),
    machine.subLayerName(filter.subLayerKey),
    filter.displayData.name,
    machine.conditionsText(filter),
  ]);
  if (rows.length > 0)
    io.stdout.write(
      table(['id', 'action', 'layer', 'sublayer', 'name', 'matches'], rows, io.stdout.isTTY ? io.stdout.columns : undefined),
    );
  io.stderr.write(`${count(found.length, 'filter')} of ${machine.dump.filters.length}\n`);
  return code;
});
