import type { Dump, DumpFilter } from '../dumps/dump.ts';
import { type FilterReport, filterReport } from './filter-report.ts';
import type { Machine } from './machine.ts';

/** One field of an object that differs. */
export interface FieldChange {
  readonly field: string;
  readonly before: string;
  readonly after: string;
}
export interface Changed<T> {
  readonly key: string;
  readonly name: string;
  readonly after: T;
  readonly changes: readonly FieldChange[];
}
export interface ObjectDiff<T> {
  readonly added: readonly T[];
  readonly removed: readonly T[];
  readonly changed: readonly Changed<T>[];
}

/** What differs between two dumps. Objects are matched by key. */
export interface DumpDiff {
  readonly same: boolean;
  readonly filters: ObjectDiff<FilterReport>;
  readonly subLayers: ObjectDiff<Flat>;
  readonly providers: ObjectDiff<Flat>;
  readonly callouts: ObjectDiff<Flat>;
  /** Kinds that only one of the two tells, so they cannot be compared. */
  readonly notCompared: readonly string[];
  /** Filters that are the same but for their run-time id, which every start of the engine gives anew. */
  readonly renumbered: number;
}

/** An object as flat text: what is compared and shown. */
export type Flat = Readonly<Record<string, string>>;

const hex = (bytes: Uint8Array | undefined): string => (bytes ? Buffer.from(bytes).toString('hex') : '');

/** Flags and conditions mean the same in any order. */
const inOrder = (list: readonly string[], between: string): string => list.toSorted().join(between);

function flatFilter(machine: Machine, filter: DumpFilter): Flat {
  const {
    name,
    description = '',
    origin = '',
    layer,
    subLayer,
    provider,
    actionType,
    callout = '',
    flags,
    weight,
    effectiveWeight,
    conditions,
    rawContext = '',
    providerContextKey = '',
    unknown = [],
  } = filterReport(machine, filter);
  return {
    name,
    description,
    origin,
    layer,
    subLayer,
    provider,
    action: callout ? `${actionType} ${callout}` : actionType,
    flags: inOrder(flags, ' '),
    weight,
    effectiveWeight,
    conditions: inOrder(
      conditions.map(each => `${each.field} ${each.matchType} ${each.value}`),
      '\n',
    ),
    conditionTypes: inOrder(
      conditions.map(each => `${each.field} ${each.type}`),
      '\n',
    ),
    rawContext,
    providerContextKey,
    providerData: hex(filter.providerData),
    unknown: unknown.join('\n'),
  };
}

const named = (object: {
  displayData: { name: string; description?: string };
  flagNames: readonly string[];
  providerData?: Uint8Array;
  unknown?: readonly string[];
}) => ({
  name: object.displayData.name,
  description: object.displayData.description ?? '',
  flags: inOrder(object.flagNames, ' '),
  providerData: hex(object.providerData),
  unknown: (object.unknown ?? []).join('\n'),
});

/** Pairs by key; keys that stand twice are numbered, so nothing is lost. */
function byKey<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T> {
  const result = new Map<string, T>();
  for (const item of items) {
    let key = keyOf(item);
    for (let n = 2; result.has(key); n++) key = `${keyOf(item)}#${n}`;
    result.set(key, item);
  }
  return result;
}

function compare<T, R>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (item: T) => string,
  flat: (item: T, side: 'before' | 'after') => Flat,
  report: (item: T, side: 'before' | 'after') => R,
): ObjectDiff<R> {
  const old = byKey(before, keyOf);
  const now = byKey(after, keyOf);
  const added: R[] = [];
  const removed: R[] = [];
  const changed: Changed<R>[] = [];
  for (const [key, item] of now) {
    const was = old.get(key);
    if (was === undefined) {
      added.push(report(item, 'after'));
      continue;
    }
    const [a, b] = [flat(was, 'before'), flat(item, 'after')];
    const changes = Object.keys(b)
      .filter(field => a[field] !== b[field])
      .map(field => ({ field, before: a[field] ?? '', after: b[field] ?? '' }));
    if (changes.length > 0) changed.push({ key, name: b['name'] ?? '', after: report(item, 'after'), changes });
  }
  for (const [key, item] of old) if (!now.has(key)) removed.push(report(item, 'before'));
  return { added, removed, changed };
}

const nothing = { added: [], removed: [], changed: [] };
const empty = (diff: ObjectDiff<unknown>): boolean => diff.added.length + diff.removed.length + diff.changed.length === 0;

/** Compares two machines, or one at two times. */
export function diffDumps(before: Machine, after: Machine): DumpDiff {
  const side = { before, after };
  const [a, b] = [before.dump, after.dump];
  const filters = compare(
    a.filters,
    b.filters,
    filter => filter.filterKey,
    (filter, at) => flatFilter(side[at], filter),
    (filter, at) => filterReport(side[at], filter),
  );
  const providers = compare(a.providers, b.providers, each => each.providerKey, flatProvider, flatProvider);
  const listsSubLayers = (dump: Dump) => dump.kind === 'state' || dump.kind === 'live';
  const notCompared: string[] = [];
  let subLayers: ObjectDiff<Flat> = nothing;
  if (listsSubLayers(a) === listsSubLayers(b)) {
    const flat = (each: Dump['subLayers'][number], at: 'before' | 'after') => ({
      subLayerKey: each.subLayerKey,
      ...named(each),
      weight: each.weightFrom === 'order' || each.weightFrom === 'unknown' ? '(not told)' : String(each.weight),
      provider: side[at].providerName(each.providerKey),
    });
    subLayers = compare(a.subLayers, b.subLayers, each => each.subLayerKey, flat, flat);
  } else notCompared.push('subLayers');
  let callouts: ObjectDiff<Flat> = nothing;
  if (a.tellsCallouts === b.tellsCallouts) {
    const flat = (each: Dump['callouts'][number], at: 'before' | 'after') => ({
      calloutKey: each.calloutKey,
      ...named(each),
      layer: side[at].layerName(each.applicableLayer),
      provider: side[at].providerName(each.providerKey),
    });
    callouts = compare(a.callouts, b.callouts, each => `${each.calloutKey}`, flat, flat);
  } else notCompared.push('callouts');
  const ids = new Map(a.filters.map(filter => [filter.filterKey, filter.filterId]));
  const renumbered = b.filters.filter(
    filter => ids.has(filter.filterKey) && ids.get(filter.filterKey) !== filter.filterId,
  ).length;
  const same = [filters, subLayers, providers, callouts].every(empty) && notCompared.length === 0;
  return { same, filters, subLayers, providers, callouts, notCompared, renumbered };
}

const flatProvider = (each: Dump['providers'][number]): Flat => ({
  providerKey: each.providerKey,
  ...named(each),
  serviceName: each.serviceName ?? '',
});
