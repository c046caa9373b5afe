import type { DumpFilter } from '../../engine/dumps/dump.ts';
import { searchText } from '../../engine/explain/filter-query.ts';
import { Machine } from '../../engine/explain/machine.ts';
import type { Guid } from '../../engine/model/guid.ts';
import type { Filter } from '../../engine/model/objects.ts';
import type { GuardSnapshot } from '../../machines/guard-client.ts';
import { actionWords, filterWords, flagNames, type Names } from './condition-words.ts';

/** What filters are told apart by. */
export const FACETS = ['provider', 'action', 'layer', 'flag'] as const;
export type Facet = (typeof FACETS)[number];

/** Remembers one answer per key. */
function once<K, V>(make: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return key => {
    let value = known.get(key);
    if (value === undefined) {
      value = make(key);
      known.set(key, value);
    }
    return value;
  };
}

/** A machine's filters made quick to name, to search and to tell apart. Everything is worked out once, when it is first asked for. */
export class FilterIndex {
  readonly machine: Machine;
  readonly layerName: (key: Guid) => string;
  readonly subLayerName: (key: Guid) => string;
  readonly providerName: (key: Guid | undefined) => string;
  readonly #text: (filter: DumpFilter) => string;

  constructor(machine: Machine) {
    this.machine = machine;
    this.layerName = once(key => machine.layerName(key));
    this.subLayerName = once(key => machine.subLayerName(key));
    this.providerName = once(key => machine.providerName(key) || 'none');
    this.#text = once(filter =>
      [
        searchText(machine, filter),
        actionWords(filter),
        this.words(filter),
        filter.providerKey ?? '',
        filter.subLayerKey,
        filter.layerKey,
        filter.action.calloutKey ?? '',
      ]
        .join('\n')
        .toLowerCase(),
    );
  }

  get names(): Names {
    return this.machine.dump.names;
  }

  words(filter: Filter): string {
    return filterWords(filter, this.names);
  }

  /** Whether a filter holds the text anywhere: name, program, address, key, run-time id, layer, provider. `query` in lower case. */
  holds(filter: DumpFilter, query: string): boolean {
    return this.#text(filter).includes(query);
  }

  /** What a filter is, by one facet; a filter has several flags or none. */
  values(filter: DumpFilter, facet: Facet): readonly string[] {
    if (facet === 'provider') return [this.providerName(filter.providerKey)];
    if (facet === 'action') return [actionWords(filter)];
    if (facet === 'layer') return [this.layerName(filter.layerKey)];
    return flagNames(filter);
  }
}

const indexes = new WeakMap<Machine, FilterIndex>();

export function indexOf(machine: Machine): FilterIndex {
  let index = indexes.get(machine);
  if (!index) {
    index = new FilterIndex(machine);
    indexes.set(machine, index);
  }
  return index;
}

const found = { line: 0, column: 0 } as const;
const asDump = new WeakMap<Filter, DumpFilter>();
function dumpFilter(filter: Filter): DumpFilter {
  let made = asDump.get(filter);
  if (!made) {
    made = { ...filter, flagNames: flagNames(filter), ...found };
    asDump.set(filter, made);
  }
  return made;
}

type Parts = Pick<GuardSnapshot, 'filters' | 'subLayers' | 'layers'>;

/** A guard's engine, so that it is shown and asked as any other machine. A filter that did not change stays the same object. */
export const machineOf = ({ filters, subLayers, layers }: Parts): Machine =>
  new Machine({
    kind: 'live',
    source: 'live',
    filters: filters.map(dumpFilter),
    subLayers: subLayers.map(each => ({ ...each, ...found, flagNames: [], weightFrom: 'file' })),
    layers,
    providers: [],
    callouts: [],
    sessions: [],
    providerContexts: [],
    netEvents: [],
    endpoints: [],
    other: [],
    names: new Map(),
    tellsCallouts: false,
    problems: [],
    errors: 0,
    warnings: 0,
  });
