import { explainFlow } from '../../../engine/explain/explain.ts';
import { filterReport } from '../../../engine/explain/filter-report.ts';
import { layerOf } from '../../../engine/explain/flow.ts';
import type { Machine } from '../../../engine/explain/machine.ts';
import { netEventFlow } from '../../../engine/explain/net-event-flow.ts';
import { type ParsedArgs, parseCommandArgs } from '../args.ts';
import { Failure, UsageError } from '../exit.ts';
import { questionOf } from './explain-question.ts';
import { explainText, filterText } from './explain-text.ts';
import { parseId } from './filters.ts';
import { command, type InspectIo, json } from './io.ts';
import { loadDump, loadMachine, tellProblems } from './load.ts';
import { INSPECT_OPTIONS } from './options.ts';
import { count } from './text.ts';

/** A run-time id: the filter, and how it stands among its neighbours. */
function explainFilter(machine: Machine, id: bigint, parsed: ParsedArgs, io: InspectIo): void {
  const filter = machine.filter(id);
  if (!filter)
    throw new Failure(
      `${machine.dump.source} has no filter with run-time id ${id}: ids are given anew each time, so the dump must be of the same start of Windows as the log`,
    );
  const neighbours = machine.filtersAt(filter.layerKey).filter(each => each.subLayerKey === filter.subLayerKey);
  const above = neighbours.filter(each => each.effectiveWeight > filter.effectiveWeight).length;
  const subLayer = machine.subLayer(filter.subLayerKey);
  const report = filterReport(machine, filter);
  if (parsed.flags.has('json')) {
    json(io, {
      filter: report,
      position: {
        above,
        inSubLayer: neighbours.length,
        subLayerWeight: subLayer?.weight ?? null,
        weightFrom: subLayer?.weightFrom ?? 'unknown',
      },
    });
    return;
  }
  io.stdout.write(filterText(report, ''));
  io.stdout.write(
    `  ${above === 0 ? 'first' : `after ${count(above, 'filter')}`} of ${neighbours.length} in its sublayer${subLayer ? ` (weight ${subLayer.weight})` : ''}\n`,
  );
}

/** A net event: what was decided then, and what the dump says to the same traffic. */
async function explainEvent(machine: Machine, parsed: ParsedArgs, io: InspectIo): Promise<void> {
  const file = parsed.text['events'];
  const { netEvents, source } = file === undefined ? machine.dump : await loadDump(file, io);
  const number = Number(parseId('event', parsed.text['event'] ?? ''));
  if (number === 0) throw new UsageError('--event counts from 1');
  const event = netEvents[number - 1];
  if (!event)
    throw new Failure(
      `${source} has ${count(netEvents.length, 'net event')}, so there is no event ${number}${netEvents.length === 0 && file === undefined ? '; name the file that has them with --events' : ''}`,
    );
  const report = explainFlow(machine, netEventFlow(event, machine));
  const named = event.filterId === undefined ? undefined : machine.filter(event.filterId);
  const logged = event.type.endsWith('DROP') ? 'block' : event.type.endsWith('ALLOW') ? 'permit' : undefined;
  const info = {
    number,
    type: event.type,
    ...(event.timeStamp ? { timeStamp: event.timeStamp } : undefined),
    ...(event.filterId === undefined ? undefined : { filterId: String(event.filterId) }),
    ...(logged ? { verdict: logged } : undefined),
    filterInDump: named !== undefined,
    terminatingFilters: event.terminatingFilters.map(each => ({ ...each, filterId: String(each.filterId) })),
    ...(event.filterOrigin ? { filterOrigin: event.filterOrigin } : undefined),
  };
  if (parsed.flags.has('json'))
    return json(io, { ...report, event: info, ...(named ? { named: filterReport(machine, named) } : undefined) });
  io.stdout.write(
    `event ${number}: ${event.type}${event.timeStamp ? ` at ${event.timeStamp}` : ''}, ${event.filterId === undefined ? 'no filter named' : `filter ${event.filterId}${named ? '' : ' (not in this dump)'}`}\n`,
  );
  if (named) io.stdout.write(filterText(filterReport(machine, named)));
  io.stdout.write(`\nthe same traffic against the dump:\n${explainText(report, parsed.flags.has('all'))}`);
}

/** `sallyport explain FILE|--live …`: why traffic is permitted or blocked, and whose filter it is. */
export const explain = command(async (args, io) => {
  const parsed = parseCommandArgs('explain', args, INSPECT_OPTIONS.explain);
  const live = parsed.flags.has('live');
  const words = live ? parsed.positionals : parsed.positionals.slice(1);
  if (words.length > 1) throw new UsageError(`explain takes one flow in quotes, found also '${words[1]?.slice(0, 60)}'`);
  const [id, event] = [parsed.text['filter-id'], parsed.text['event']];
  const asked = Object.keys(parsed.text).filter(name => !['event', 'events', 'filter-id'].includes(name));
  if (
    (id !== undefined || event !== undefined) &&
    (words.length > 0 || asked.length > 0 || (id !== undefined && event !== undefined))
  )
    throw new UsageError(
      `explain takes one question: a flow, --event or --filter-id, found also ${words[0] === undefined ? `--${asked[0] ?? 'event'}` : `'${words[0].slice(0, 60)}'`}`,
    );
  // The question first: a wrong one should not wait for a large file.
  const flow = id === undefined && event === undefined ? questionOf(parsed, words[0]) : undefined;
  const onlyLayer = flow && layerOf(flow.layer, [flow.remote, flow.local]).layerKey;
  const machine = await loadMachine('explain', parsed.positionals, live, io, onlyLayer === undefined ? {} : { onlyLayer });
  const code = tellProblems(machine.dump, io, count(machine.dump.filters.length, 'filter'));
  if (id !== undefined) explainFilter(machine, parseId('filter-id', id), parsed, io);
  else if (flow === undefined) await explainEvent(machine, parsed, io);
  else {
    const report = explainFlow(machine, flow);
    if (parsed.flags.has('json')) json(io, { source: machine.dump.source, complete: code === 0, ...report });
    else io.stdout.write(explainText(report, parsed.flags.has('all')));
  }
  return code;
});
