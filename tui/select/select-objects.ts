import type { ConnectedEndpoint, Dump, NetEvent } from '../../engine/dumps/dump.ts';
import { protocolWord } from '../../engine/explain/words.ts';
import type { Line } from '../text/paint.ts';
import type { FilterIndex } from './filter-index.ts';
import { baseName, countOf, endpointText } from './words.ts';

/** The kinds of object that a list shows besides filters. */
export const OBJECT_VIEWS = ['events', 'providers', 'sublayers', 'callouts', 'sessions'] as const;
export type ObjectView = (typeof OBJECT_VIEWS)[number];

/** One line of such a list. `find` is what filters of it hold in their text. */
export interface ObjectRow {
  readonly key: string;
  readonly left: Line;
  readonly right: Line;
  /** Everything that is known of it. */
  readonly about: () => readonly Line[];
  /** All its words in lower case, for searching. */
  readonly text: string;
  readonly find?: string;
  readonly event?: NetEvent;
  readonly endpoint?: ConnectedEndpoint;
  readonly filterId?: bigint;
}

const label = (text: string): Line[number] => [` ${text.padEnd(18)}`, 'muted'];
type Fact = readonly [name: string, value: string | undefined];

function row(key: string, left: Line, right: Line, facts: readonly Fact[], more: Partial<ObjectRow> = {}): ObjectRow {
  const given = facts.filter(([, value]) => value !== undefined && value !== '');
  return {
    key,
    left,
    right,
    about: () => [
      [
        [
          ` ${left
            .map(([text]) => text)
            .join('')
            .trim()}`,
          'title',
        ],
      ],
      [],
      ...given.map(([name, value]): Line => [label(name), [value!]]),
    ],
    text: [...left.map(([text]) => text), ...given.map(([, value]) => value)].join('\n').toLowerCase(),
    ...more,
  };
}

/** What a net event or an audit record says came of the traffic. */
export const recordedVerdict = (event: NetEvent): 'permit' | 'block' | undefined =>
  /DROP/.test(event.type) ? 'block' : /ALLOW/.test(event.type) ? 'permit' : undefined;

const side = (address: string | undefined, port: number | undefined) =>
  address === undefined ? '?' : port === undefined ? address : endpointText(address, port);

/** A bind to no address in particular tells a port only. */
const localText = ({ localAddress, localPort }: NetEvent): string =>
  localAddress === undefined && localPort !== undefined ? `:${localPort}` : side(localAddress, localPort);

function eventRow(event: NetEvent, i: number, index: FilterIndex): ObjectRow {
  const verdict = recordedVerdict(event);
  const filter = event.filterId === undefined ? undefined : index.machine.filter(event.filterId);
  const layer = event.layerId === undefined ? undefined : index.machine.layerById(event.layerId)?.name;
  const bound = event.remoteAddress === undefined && /^ALE_(RESOURCE_ASSIGNMENT|AUTH_LISTEN)/.test(layer ?? '');
  return row(
    `event ${i}`,
    [
      [
        ` ${(event.timeStamp ?? '')
          .replace(/^.*[T ]/, '')
          .slice(0, 12)
          .padEnd(12)} `,
        'muted',
      ],
      [
        verdict === 'block'
          ? '✕ block '
          : verdict === 'permit'
            ? '✓ permit'
            : `· ${event.type.replace(/^.*TYPE_/, '').toLowerCase()}`,
        verdict ?? 'muted',
      ],
      ['  '],
      [event.appId ? baseName(event.appId) : 'not known'],
      [bound ? ' at ' : event.direction === 'in' ? ' ← ' : ' → ', 'muted'],
      [bound ? localText(event) : side(event.remoteAddress, event.remotePort)],
      [event.ipProtocol === undefined ? '' : ` ${protocolWord(event.ipProtocol)}`, 'muted'],
    ],
    [
      [
        event.filterId === undefined ? '' : `  ${filter ? filter.displayData.name.slice(0, 30) : ''} filter ${event.filterId} `,
        'muted',
      ],
    ],
    [
      ['type', event.type],
      ['time', event.timeStamp],
      ['program', event.appId],
      ['remote', bound ? undefined : side(event.remoteAddress, event.remotePort)],
      ['local', localText(event)],
      ['user', event.userId],
      ['package', event.packageSid],
      ['layer', layer ?? (event.layerId === undefined ? undefined : `layer ${event.layerId}`)],
      [
        'filter',
        event.filterId === undefined
          ? undefined
          : `${event.filterId}${filter ? `  ${filter.displayData.name}` : ' (not in this dump)'}`,
      ],
      ['filter origin', event.filterOrigin],
      ...event.terminatingFilters.map((each): Fact => ['ended by', `${each.filterId} ${each.actionType} in ${each.subLayer}`]),
      ['flags', event.flagNames.join(', ')],
      ['in the file', `line ${event.line}`],
      ...event.asFound.map(([path, value]): Fact => [path, value]),
    ],
    { event, ...(event.filterId === undefined ? {} : { filterId: event.filterId }) },
  );
}

function endpointRow(each: ConnectedEndpoint): ObjectRow {
  const bound = /^(0\.0\.0\.0|::)$/.test(each.remoteAddress);
  return row(
    `endpoint ${each.endpointId}`,
    [
      [bound ? ' bound        ' : ' connected    ', 'muted'],
      ['✓ permit', 'permit'],
      ['  '],
      [each.appId ? baseName(each.appId) : 'not known'],
      [bound ? ' at ' : ' → ', 'muted'],
      [bound ? side(each.localAddress, each.localPort) : side(each.remoteAddress, each.remotePort)],
      [` ${protocolWord(each.ipProtocol)}`, 'muted'],
    ],
    [[`  from port ${String(each.localPort).padStart(5)} `, 'muted']],
    [
      [bound ? 'bound' : 'connected', 'when the dump was made: its machine let it through'],
      ['program', each.appId],
      ['remote', side(each.remoteAddress, each.remotePort)],
      ['local', side(each.localAddress, each.localPort)],
      ['endpoint', String(each.endpointId)],
      ['in the file', `line ${each.line}`],
    ],
    { endpoint: each },
  );
}

function countsBy(dump: Dump, keyOf: (filter: Dump['filters'][number]) => string | undefined): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const filter of dump.filters) {
    const key = keyOf(filter);
    if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

const filtersOf = (n: number | undefined): Line => [[`  ${countOf(n ?? 0, 'filter')} `, 'muted']];

/** Rows of one list, in the order that says most: events as recorded, sublayers by weight, the rest by the number of their filters. */
export function objectRows(index: FilterIndex, view: ObjectView): readonly ObjectRow[] {
  const { dump } = index.machine;
  const flags = (list: readonly string[]): Fact => ['flags', list.join(', ')];
  switch (view) {
    case 'events':
      return [...dump.netEvents.map((event, i) => eventRow(event, i, index)), ...dump.endpoints.map(endpointRow)];
    case 'providers': {
      const counts = countsBy(dump, filter => filter.providerKey);
      const known = new Map(dump.providers.map(each => [each.providerKey, each]));
      return [...new Set([...known.keys(), ...counts.keys()])]
        .sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0))
        .map(key => {
          const each = known.get(key);
          return row(
            key,
            [[` ${index.providerName(key)}`], [each?.serviceName ? `  service ${each.serviceName}` : '', 'muted']],
            filtersOf(counts.get(key)),
            [
              ['name', each?.displayData.name],
              ['description', each?.displayData.description],
              ['providerKey', key],
              ['service', each?.serviceName],
              flags(each?.flagNames ?? []),
              ['listed', each ? undefined : 'no: filters name it, the list of providers does not'],
            ],
            { find: key },
          );
        });
    }
    case 'sublayers': {
      const counts = countsBy(dump, filter => filter.subLayerKey);
      return [...dump.subLayers]
        .sort((a, b) => b.weight - a.weight)
        .map(each =>
          row(
            each.subLayerKey,
            [[` 0x${each.weight.toString(16).padStart(4, '0')}`, 'muted'], [`  ${index.subLayerName(each.subLayerKey)}`]],
            filtersOf(counts.get(each.subLayerKey)),
            [
              ['name', each.displayData.name],
              ['description', each.displayData.description],
              ['subLayerKey', each.subLayerKey],
              [
                'weight',
                `${each.weight}, ${{ file: 'as written', builtin: "Windows' own", order: 'by the order of the file', unknown: 'not told, taken as above Windows’ own' }[each.weightFrom]}`,
              ],
              ['provider', each.providerKey ? index.providerName(each.providerKey) : undefined],
              flags(each.flagNames),
            ],
            { find: each.subLayerKey },
          ),
        );
    }
    case 'callouts': {
      const counts = countsBy(dump, filter => filter.action.calloutKey);
      return [...dump.callouts]
        .sort((a, b) => (counts.get(b.calloutKey) ?? 0) - (counts.get(a.calloutKey) ?? 0))
        .map(each =>
          row(
            each.calloutKey,
            [
              [` ${each.displayData.name || `{${each.calloutKey}}`}`],
              [`  ${index.layerName(each.applicableLayer)}`, 'muted'],
              [each.flagNames.some(name => /REGISTERED$/.test(name)) ? '' : '  not registered', 'warning'],
            ],
            filtersOf(counts.get(each.calloutKey)),
            [
              ['description', each.displayData.description],
              ['calloutKey', each.calloutKey],
              ['calloutId', String(each.calloutId)],
              ['layer', index.layerName(each.applicableLayer)],
              ['provider', each.providerKey ? index.providerName(each.providerKey) : undefined],
              flags(each.flagNames),
            ],
            { find: each.calloutKey },
          ),
        );
    }
    case 'sessions':
      return dump.sessions.map(each =>
        row(
          each.sessionKey,
          [
            [` ${each.displayData.name || 'without a name'}`],
            [`  pid ${each.processId}${each.kernelMode ? ', kernel' : ''}`, 'muted'],
          ],
          [[`  ${each.username ?? each.sid ?? ''} `, 'muted']],
          [
            ['description', each.displayData.description],
            ['sessionKey', each.sessionKey],
            ['process', String(each.processId)],
            ['user', each.username],
            ['sid', each.sid],
            ['mode', each.kernelMode ? 'kernel' : 'user'],
            ['waits for lock', `${each.txnWaitTimeoutInMSec} ms`],
            flags(each.flagNames),
          ],
        ),
      );
  }
}
