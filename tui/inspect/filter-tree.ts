import type { DumpFilter } from '../../engine/dumps/dump.ts';
import { searchText } from '../../engine/explain/filter-query.ts';
import { actionWord } from '../../engine/explain/filter-report.ts';
import type { Machine } from '../../engine/explain/machine.ts';

/** A row of the tree: what it is, and what it holds. */
export type TreeRow =
  | { readonly kind: 'layer'; readonly name: string; readonly count: number }
  | { readonly kind: 'sublayer'; readonly name: string; readonly weight: number; readonly count: number }
  | { readonly kind: 'filter'; readonly filter: DumpFilter };

/** What a facet narrows to; absent: everything. */
export type Facets = { readonly [name in Facet]?: string };
export const FACETS = ['provider', 'action', 'layer', 'flag'] as const;
export type Facet = (typeof FACETS)[number];

/** The filters of a machine in the order in which they are asked: layers by id, sublayers by weight, filters by weight. */
export class FilterTree {
  private readonly machine: Machine;
  private readonly ordered: readonly DumpFilter[];
  private readonly texts = new Map<DumpFilter, string>();

  constructor(machine: Machine) {
    this.machine = machine;
    const layerId = (filter: DumpFilter) => machine.layer(filter.layerKey)?.layerId ?? 1000;
    const weight = (filter: DumpFilter) => machine.subLayer(filter.subLayerKey)?.weight ?? 0;
    this.ordered = machine.dump.filters
      .map(filter => ({ filter, layer: layerId(filter), weight: weight(filter) }))
      .sort(
        (a, b) =>
          a.layer - b.layer ||
          (a.filter.layerKey < b.filter.layerKey ? -1 : a.filter.layerKey > b.filter.layerKey ? 1 : 0) ||
          b.weight - a.weight ||
          (a.filter.subLayerKey < b.filter.subLayerKey ? -1 : a.filter.subLayerKey > b.filter.subLayerKey ? 1 : 0) ||
          (a.filter.effectiveWeight > b.filter.effectiveWeight
            ? -1
            : a.filter.effectiveWeight < b.filter.effectiveWeight
              ? 1
              : 0),
      )
      .map(each => each.filter);
  }

  /** What can be chosen in a facet, most frequent first. */
  choices(facet: Facet): readonly string[] {
    const counts = new Map<string, number>();
    for (const filter of this.ordered)
      for (const value of this.valuesOf(filter, facet)) counts.set(value, (counts.get(value) ?? 0) + 1);
    return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([value]) => value);
  }

  private valuesOf(filter: DumpFilter, facet: Facet): readonly string[] {
    if (facet === 'provider') return [this.machine.providerName(filter.providerKey) || '(none)'];
    if (facet === 'action') return [actionWord(filter)];
    if (facet === 'layer') return [this.machine.layerName(filter.layerKey)];
    return filter.flagNames;
  }

  /** Rows that fit a query and the facets. */
  rows(query: string, facets: Facets): { readonly rows: readonly TreeRow[]; readonly filters: number } {
    const wanted = query.toLowerCase();
    const chosen = FACETS.filter(facet => facets[facet] !== undefined);
    const found = this.ordered.filter(
      filter =>
        chosen.every(facet => this.valuesOf(filter, facet).includes(facets[facet] ?? '')) &&
        (wanted === '' || this.textOf(filter).includes(wanted)),
    );
    const rows: TreeRow[] = [];
    let layer: { kind: 'layer'; name: string; count: number } | undefined;
    let subLayer: { kind: 'sublayer'; name: string; weight: number; count: number } | undefined;
    let before: DumpFilter | undefined;
    for (const filter of found) {
      if (!layer || before?.layerKey !== filter.layerKey) {
        layer = { kind: 'layer', name: this.machine.layerName(filter.layerKey), count: 0 };
        subLayer = undefined;
        rows.push(layer);
      }
      if (!subLayer || before?.subLayerKey !== filter.subLayerKey) {
        subLayer = {
          kind: 'sublayer',
          name: this.machine.subLayerName(filter.subLayerKey),
          weight: this.machine.subLayer(filter.subLayerKey)?.weight ?? 0,
          count: 0,
        };
        rows.push(subLayer);
      }
      layer.count++;
      subLayer.count++;
      rows.push({ kind: 'filter', filter });
      before = filter;
    }
    return { rows, filters: found.length };
  }

  /** Everything of a filter that can be searched; built when first needed, a stretch of them ahead of time by `prepare`. */
  private textOf(filter: DumpFilter): string {
    let text = this.texts.get(filter);
    if (text === undefined) {
      text = searchText(this.machine, filter);
      this.texts.set(filter, text);
    }
    return text;
  }

  /** Makes up to `count` more filters ready to be searched. False when all are. */
  prepare(count: number): boolean {
    const from = this.texts.size;
    for (let at = from; at < Math.min(from + count, this.ordered.length); at++) this.textOf(this.ordered[at]!);
    return this.texts.size < this.ordered.length && this.texts.size > from;
  }
}
