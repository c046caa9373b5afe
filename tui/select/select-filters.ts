import type { DumpFilter } from '../../engine/dumps/dump.ts';
import { shownKey } from '../../engine/dumps/key-names.ts';
import { conditionText } from '../../engine/explain/condition-text.ts';
import { filterReport } from '../../engine/explain/filter-report.ts';
import type { Line } from '../text/paint.ts';
import { actionWords } from './condition-words.ts';
import { FACETS, type Facet, type FilterIndex } from './filter-index.ts';

/** A line of the filters view: a layer, a sublayer in it, or a filter in that. */
export type FilterRow =
  | { readonly kind: 'layer'; readonly key: string; readonly name: string; readonly count: number; readonly folded: boolean }
  | {
      readonly kind: 'sublayer';
      readonly key: string;
      readonly name: string;
      readonly weight: number;
      /** Only the order is known, from the order of the file. */
      readonly guessed: boolean;
      readonly count: number;
    }
  | { readonly kind: 'filter'; readonly key: string; readonly filter: DumpFilter; readonly words: string };

/** Which filters are looked at. */
export interface FilterPick {
  /** Text that they hold anywhere. */
  readonly query: string;
  readonly facets: { readonly [facet in Facet]?: string };
  /** Keys of layers that are shown as one line. */
  readonly folded: ReadonlySet<string>;
}

export const EVERYTHING: FilterPick = { query: '', facets: {}, folded: new Set() };

const byWeight = (a: DumpFilter, b: DumpFilter) =>
  a.effectiveWeight < b.effectiveWeight ? 1 : a.effectiveWeight > b.effectiveWeight ? -1 : a.filterId < b.filterId ? -1 : 1;

/** The filters that a pick leaves; `without` leaves one facet out of account. */
export function pickFilters(index: FilterIndex, pick: FilterPick, without?: Facet): readonly DumpFilter[] {
  const query = pick.query.trim().toLowerCase();
  const asked = FACETS.filter(facet => facet !== without && pick.facets[facet] !== undefined);
  const { filters } = index.machine.dump;
  if (query === '' && asked.length === 0) return filters;
  return filters.filter(
    filter =>
      asked.every(facet => index.values(filter, facet).includes(pick.facets[facet]!)) &&
      (query === '' || index.holds(filter, query)),
  );
}

/** Layers by name, then sublayers by weight, then filters by weight. */
export function filterRows(index: FilterIndex, pick: FilterPick): readonly FilterRow[] {
  const tree = new Map<string, Map<string, DumpFilter[]>>();
  for (const filter of pickFilters(index, pick)) {
    let subs = tree.get(filter.layerKey);
    if (!subs) {
      subs = new Map();
      tree.set(filter.layerKey, subs);
    }
    const list = subs.get(filter.subLayerKey);
    if (list) list.push(filter);
    else subs.set(filter.subLayerKey, [filter]);
  }
  const subLayer = (key: string) => index.machine.subLayer(key);
  const weight = (key: string) => subLayer(key)?.weight ?? 0;
  const rows: FilterRow[] = [];
  for (const [layerKey, subs] of [...tree].sort(([a], [b]) => (index.layerName(a) < index.layerName(b) ? -1 : 1))) {
    const count = [...subs.values()].reduce((sum, list) => sum + list.length, 0);
    const folded = pick.folded.has(layerKey);
    rows.push({ kind: 'layer', key: layerKey, name: index.layerName(layerKey), count, folded });
    if (folded) continue;
    for (const [subKey, filters] of [...subs].sort(([a], [b]) => weight(b) - weight(a))) {
      rows.push({
        kind: 'sublayer',
        key: `${layerKey} ${subKey}`,
        name: index.subLayerName(subKey),
        weight: weight(subKey),
        guessed: !['file', 'builtin'].includes(subLayer(subKey)?.weightFrom ?? 'unknown'),
        count: filters.length,
      });
      for (const filter of filters.sort(byWeight))
        rows.push({
          kind: 'filter',
          key: filter.filterKey,
          filter,
          get words() {
            return index.words(filter);
          },
        });
    }
  }
  return rows;
}

/** Values of a facet among the filters that the rest of the pick leaves, most frequent first. */
export function facetValues(index: FilterIndex, pick: FilterPick, facet: Facet): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const filter of pickFilters(index, pick, facet))
    for (const value of index.values(filter, facet)) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

/**
 * The value after the one that is chosen; after the last one none. The first choice is what the filter under the cursor has, since that
 * is what one looks at.
 */
export function nextFacet(
  values: readonly (readonly [string, number])[],
  chosen: string | undefined,
  under: string | undefined,
): string | undefined {
  if (chosen === undefined) return values.find(([value]) => value === under)?.[0] ?? values[0]?.[0];
  return values[values.findIndex(([value]) => value === chosen) + 1]?.[0];
}

const label = (text: string): Line[number] => [` ${text.padEnd(18)}`, 'muted'];

/** Everything that is known of one filter. */
export function aboutFilter(filter: DumpFilter, index: FilterIndex): readonly Line[] {
  const { machine, names } = index;
  const report = filterReport(machine, filter);
  const subLayer = machine.subLayer(filter.subLayerKey);
  const rivals = machine.filtersAt(filter.layerKey).filter(each => each.subLayerKey === filter.subLayerKey);
  const above = rivals.filter(each => each.effectiveWeight > filter.effectiveWeight).length;
  const action = actionWords(filter);
  const optional = (name: string, text: string | undefined): readonly Line[] => (text ? [[label(name), [text]]] : []);
  const callout = filter.action.calloutKey ? machine.callout(filter.action.calloutKey)?.displayData.name : undefined;
  return [
    [
      [` Filter ${filter.filterId}  `, 'title'],
      [action, action === 'permit' ? 'permit' : action === 'block' ? 'block' : 'waiting'],
      [`  ${index.words(filter)}`],
    ],
    [],
    [label('name'), [filter.displayData.name]],
    ...optional('description', filter.displayData.description),
    ...optional('made by', filter.origin),
    [label('filterKey'), [filter.filterKey]],
    [label('layer'), [report.layer], [`  ${filter.layerKey}`, 'muted']],
    [
      label('sublayer'),
      [report.subLayer],
      [`  weight 0x${(subLayer?.weight ?? 0).toString(16)}  ${filter.subLayerKey}`, 'muted'],
    ],
    [
      label('place'),
      [above === 0 ? 'first' : `${above} above it`],
      [` of ${rivals.length} in its sublayer at this layer`, 'muted'],
    ],
    [label('provider'), [report.provider || 'none'], [filter.providerKey ? `  ${filter.providerKey}` : '', 'muted']],
    [
      label('action'),
      [filter.action.type],
      [report.callout ? `  callout ${callout ? `${callout} ` : ''}${report.callout}` : '', 'muted'],
    ],
    [label('weight asked'), [report.weight]],
    [label('effectiveWeight'), [`0x${filter.effectiveWeight.toString(16)}`]],
    [label('flags'), [report.flags.join(', ') || 'none']],
    [label('providerData'), [filter.providerData ? `${filter.providerData.length} bytes` : 'none']],
    ...optional('provider context', filter.providerContextKey),
    ...optional('not known here', filter.unknown?.join('; ')),
    [],
    [[` ${filter.filterCondition.length === 0 ? 'No condition: matches everything at its layer.' : 'Conditions'}`, 'heading']],
    ...filter.filterCondition.flatMap((condition, i): Line[] => {
      const field = shownKey('condition', condition.fieldKey, names);
      const same = filter.filterCondition.slice(0, i).some(each => each.fieldKey === condition.fieldKey);
      return [
        [
          [`   ${same ? 'or' : i ? 'and' : '   '}`.padEnd(8), 'muted'],
          [conditionText(condition, names)],
          [`   ${field} ${condition.matchType} ${condition.conditionValue.type}`, 'muted'],
        ],
      ];
    }),
  ];
}
