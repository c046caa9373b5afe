import type { Dump } from '../dumps/dump.ts';
import type { Problem } from '../dumps/problem.ts';
import { actionWord } from './filter-report.ts';
import type { Machine } from './machine.ts';

/** What is in a dump, counted. Stable for output; new members may be added. */
export interface Summary {
  readonly source: string;
  readonly kind: Dump['kind'];
  readonly timeStamp?: string;
  /** False when the file is damaged: then the counts are of what could be read. */
  readonly complete: boolean;
  readonly counts: Readonly<Record<string, number>>;
  readonly byLayer: Readonly<Record<string, number>>;
  readonly bySubLayer: Readonly<Record<string, number>>;
  readonly byProvider: Readonly<Record<string, number>>;
  readonly byAction: Readonly<Record<string, number>>;
  readonly byActionType: Readonly<Record<string, number>>;
  readonly byFlag: Readonly<Record<string, number>>;
  readonly byField: Readonly<Record<string, number>>;
  /** Sections that nothing more is known of, kept as found. */
  readonly otherSections: readonly string[];
  readonly unknown: readonly string[];
  readonly errors: number;
  readonly warnings: readonly Problem[];
}

/** Counts in descending order. */
export function countBy<T>(items: Iterable<T>, keysOf: (item: T) => readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) for (const key of keysOf(item)) counts.set(key, (counts.get(key) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}

export function summarize(machine: Machine): Summary {
  const { dump } = machine;
  const { filters } = dump;
  return {
    source: dump.source,
    kind: dump.kind,
    ...(dump.timeStamp ? { timeStamp: dump.timeStamp } : undefined),
    complete: dump.errors === 0,
    counts: {
      filters: filters.length,
      conditions: filters.reduce((sum, filter) => sum + filter.filterCondition.length, 0),
      layers: dump.layers.length,
      layersUsed: new Set(filters.map(filter => filter.layerKey)).size,
      sublayers: dump.subLayers.length,
      providers: dump.providers.length,
      callouts: dump.callouts.length,
      sessions: dump.sessions.length,
      providerContexts: dump.providerContexts.length,
      netEvents: dump.netEvents.length,
      connectedEndpoints: dump.endpoints.length,
    },
    byLayer: countBy(filters, filter => [machine.layerName(filter.layerKey)]),
    bySubLayer: countBy(filters, filter => [machine.subLayerName(filter.subLayerKey)]),
    byProvider: countBy(filters, filter => [machine.providerName(filter.providerKey) || '(none)']),
    byAction: countBy(filters, filter => [actionWord(filter)]),
    byActionType: countBy(filters, filter => [filter.action.type]),
    byFlag: countBy(filters, filter => filter.flagNames),
    byField: countBy(filters, filter => [...new Set(filter.filterCondition.map(each => machine.fieldName(each.fieldKey)))]),
    otherSections: dump.other.map(each => each.path),
    unknown: [...dump.names.values(), ...unknowns(dump)],
    errors: dump.errors,
    warnings: dump.problems,
  };
}

function unknowns(dump: Dump): string[] {
  const found = new Set<string>();
  for (const list of [dump.filters, dump.providers, dump.subLayers, dump.callouts, dump.sessions, dump.providerContexts]) {
    for (const each of list) for (const text of each.unknown ?? []) found.add(text.slice(0, 200));
  }
  return [...found].slice(0, 1000);
}
