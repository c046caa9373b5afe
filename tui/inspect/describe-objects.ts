import type { Dump, DumpFilter, NetEvent } from '../../engine/dumps/dump.ts';
import { plain } from '../../engine/dumps/xml-node.ts';
import { filterReport } from '../../engine/explain/filter-report.ts';
import type { Machine } from '../../engine/explain/machine.ts';
import { OBJECT_FLAG } from '../../engine/model/objects.ts';
import type { Line } from '../text/paint.ts';

/** An object of a list: its row, and everything that is known of it. */
export interface ListItem {
  readonly row: Line;
  readonly detail: () => readonly Line[];
  readonly event?: NetEvent;
  /** What a search looks through, in lower case. */
  readonly text: string;
}

const pair = (name: string, value: string): Line => [[`  ${name.padEnd(14)} `, 'muted'], [value]];
const optional = (name: string, value: string | undefined): Line[] => (value ? [pair(name, value)] : []);

/** Everything that is known of a filter, each condition as a sentence. */
export function filterDetail(machine: Machine, filter: DumpFilter): readonly Line[] {
  const report = filterReport(machine, filter);
  const slot = report.action === 'callout' ? 'waiting' : report.action;
  return [
    [[` ${report.name || '(no name)'}`, 'heading']],
    ...(report.description ? [[[`  ${report.description}`, 'muted']] as Line] : []),
    [['  action         ', 'muted'], [report.action, slot], [report.callout ? `  ${report.actionType} ${report.callout}` : '']],
    pair('layer', report.layer),
    pair('sublayer', `${report.subLayer}  weight ${machine.subLayer(filter.subLayerKey)?.weight ?? 'not told'}`),
    pair('provider', report.provider || '(none)'),
    pair('weight', `${report.effectiveWeight}  (asked for: ${report.weight})`),
    pair('run-time id', report.filterId),
    pair('key', `{${report.filterKey}}`),
    ...optional('flags', report.flags.join(' ')),
    ...optional('made by', report.origin),
    ...optional('context', report.providerContextKey ?? report.rawContext),
    [[' ']],
    [[' matches', 'heading'], [report.conditions.length === 0 ? '  any traffic' : '']],
    ...report.conditions.map((condition): Line => [[`  ${condition.text}`]]),
    ...(report.unknown ?? []).map((text): Line => [[`  not known here: ${text}`, 'warning']]),
  ];
}

function item(cells: readonly string[], detail: () => readonly Line[], event?: NetEvent): ListItem {
  const [first = '', ...rest] = cells;
  return {
    row: [[` ${first}`], [`  ${rest.filter(cell => cell !== '').join('  ')}`, 'muted']],
    detail,
    text: cells.join(' ').toLowerCase(),
    ...(event ? { event } : undefined),
  };
}

const flat = (object: object): readonly Line[] =>
  Object.entries(object)
    .filter(([name, value]) => !['line', 'column', 'flagNames', 'node'].includes(name) && value !== undefined)
    .map(([name, value]) =>
      pair(
        name,
        value instanceof Uint8Array
          ? Buffer.from(value).toString('hex')
          : typeof value === 'object'
            ? JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each))
            : String(value),
      ),
    );

/** Providers with the number of their filters. */
export function providerItems(machine: Machine): readonly ListItem[] {
  const { dump } = machine;
  return dump.providers.map(each => {
    const filters = dump.filters.filter(filter => filter.providerKey === each.providerKey).length;
    return item(
      [
        each.displayData.name || `{${each.providerKey}}`,
        machine.providerName(each.providerKey),
        `${filters} filters`,
        each.serviceName ?? '',
        each.flagNames.join(' '),
      ],
      () => flat(each),
    );
  });
}

export function calloutItems(machine: Machine): readonly ListItem[] {
  return machine.dump.callouts.map(each =>
    item(
      [
        each.displayData.name || `{${each.calloutKey}}`,
        machine.layerName(each.applicableLayer),
        (each.flags & OBJECT_FLAG.CALLOUT_REGISTERED) !== 0 ? 'registered' : 'NOT registered',
        machine.providerName(each.providerKey),
      ],
      () => flat(each),
    ),
  );
}

export function sessionItems(dump: Dump): readonly ListItem[] {
  return dump.sessions.map(each =>
    item(
      [
        each.displayData.name || `{${each.sessionKey}}`,
        `pid ${each.processId}`,
        each.username ?? '',
        each.kernelMode ? 'kernel' : '',
        each.flagNames.join(' '),
      ],
      () => flat(each),
    ),
  );
}

export function eventItems(machine: Machine): readonly ListItem[] {
  return machine.dump.netEvents.map((each, at) => {
    const layer = each.layerId === undefined ? undefined : machine.layerById(each.layerId);
    const remote =
      each.remoteAddress === undefined
        ? ''
        : `${each.remoteAddress}${each.remotePort === undefined ? '' : ` port ${each.remotePort}`}`;
    const word = each.type.replace('FWPM_NET_EVENT_TYPE_', '').toLowerCase().replaceAll('_', ' ');
    return item(
      [
        `${at + 1} ${word}`,
        each.appId?.split('\\').at(-1) ?? '',
        remote,
        layer?.name ?? '',
        each.filterId === undefined ? '' : `filter ${each.filterId}`,
        each.timeStamp ?? '',
      ],
      () =>
        JSON.stringify(plain(each.node), null, 2)
          .split('\n')
          .map((text): Line => [[text]]),
      each,
    );
  });
}
