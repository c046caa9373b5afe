import type { Filter, Layer, SubLayer } from '../../engine/model/objects.ts';
import type { GuardSnapshot } from '../../machines/guard-client.ts';
import type { Line } from '../text/paint.ts';
import { actionWords, conditionWords, fieldName, filterWords, flagNames, valueWords } from './condition-words.ts';

/** A line of the filters view: a layer, a sublayer in it, or a filter in that. */
export type FilterRow =
  | { readonly kind: 'layer'; readonly key: string; readonly name: string; readonly count: number }
  | { readonly kind: 'sublayer'; readonly key: string; readonly name: string; readonly weight: number; readonly count: number }
  | { readonly kind: 'filter'; readonly key: string; readonly filter: Filter; readonly layer: Layer | undefined };

const byWeight = (a: Filter, b: Filter) =>
  a.effectiveWeight < b.effectiveWeight ? 1 : a.effectiveWeight > b.effectiveWeight ? -1 : a.filterId < b.filterId ? -1 : 1;

function searchText(filter: Filter, layer: Layer | undefined): string {
  return `${layer?.name ?? ''} ${actionWords(filter)} ${filterWords(filter, layer)} ${filter.displayData.name} ${filter.filterId}`.toLowerCase();
}

/** Layers, then sublayers by weight, then filters by weight; `query` keeps the filters that hold its text anywhere. */
export function filterRows(parts: Pick<GuardSnapshot, 'filters' | 'subLayers' | 'layers'>, query: string): readonly FilterRow[] {
  const layers = new Map(parts.layers.map(layer => [layer.layerKey, layer]));
  const subLayers = new Map(parts.subLayers.map(subLayer => [subLayer.subLayerKey, subLayer]));
  const wanted = query.toLowerCase();
  const tree = new Map<string, Map<string, Filter[]>>();
  for (const filter of parts.filters) {
    if (wanted && !searchText(filter, layers.get(filter.layerKey)).includes(wanted)) continue;
    let subs = tree.get(filter.layerKey);
    if (!subs) {
      subs = new Map();
      tree.set(filter.layerKey, subs);
    }
    const list = subs.get(filter.subLayerKey);
    if (list) list.push(filter);
    else subs.set(filter.subLayerKey, [filter]);
  }
  const name = (layer: string) => layers.get(layer)?.name ?? layer;
  const weight = (sub: string) => subLayers.get(sub)?.weight ?? 0;
  const rows: FilterRow[] = [];
  for (const [layerKey, subs] of [...tree].sort(([a], [b]) => (name(a) < name(b) ? -1 : 1))) {
    const count = [...subs.values()].reduce((sum, list) => sum + list.length, 0);
    rows.push({ kind: 'layer', key: layerKey, name: name(layerKey), count });
    for (const [subKey, filters] of [...subs].sort(([a], [b]) => weight(b) - weight(a))) {
      const subLayer: SubLayer | undefined = subLayers.get(subKey);
      rows.push({
        kind: 'sublayer',
        key: `${layerKey} ${subKey}`,
        name: subLayer?.displayData.name ?? subKey,
        weight: weight(subKey),
        count: filters.length,
      });
      for (const filter of filters.sort(byWeight))
        rows.push({ kind: 'filter', key: filter.filterKey, filter, layer: layers.get(layerKey) });
    }
  }
  return rows;
}

const label = (text: string): Line[number] => [` ${text.padEnd(18)}`, 'muted'];

/** Everything the engine knows of one filter. */
export function aboutFilter(filter: Filter, parts: Pick<GuardSnapshot, 'subLayers' | 'layers' | 'rules'>): readonly Line[] {
  const layer = parts.layers.find(other => other.layerKey === filter.layerKey);
  const subLayer = parts.subLayers.find(other => other.subLayerKey === filter.subLayerKey);
  const conditions = filter.filterCondition.flatMap((condition, i): Line[] => [
    [
      [`   ${String(i + 1).padStart(2)} `, 'muted'],
      [conditionWords(condition, layer)],
      [`   ${fieldName(layer, condition.fieldKey)} ${condition.matchType} ${condition.conditionValue.type}`, 'muted'],
    ],
  ]);
  return [
    [
      [` Filter ${filter.filterId}  `, 'title'],
      [actionWords(filter), actionWords(filter) === 'permit' ? 'permit' : actionWords(filter) === 'block' ? 'block' : 'waiting'],
      [`  ${filterWords(filter, layer)}`],
    ],
    [],
    [label('name'), [filter.displayData.name]],
    ...(filter.displayData.description ? [[label('description'), [filter.displayData.description]] as Line] : []),
    [label('filterKey'), [filter.filterKey]],
    [label('layer'), [layer?.name ?? 'not known'], [`  ${filter.layerKey}`, 'muted']],
    [
      label('sublayer'),
      [subLayer?.displayData.name ?? 'not known'],
      [`  weight 0x${(subLayer?.weight ?? 0).toString(16)}  ${filter.subLayerKey}`, 'muted'],
    ],
    [label('provider'), [filter.providerKey ?? 'none']],
    [label('action'), [filter.action.type], [filter.action.calloutKey ? `  callout ${filter.action.calloutKey}` : '', 'muted']],
    [label('weight asked'), [`${valueWords(filter.weight)}`], [`  ${filter.weight.type}`, 'muted']],
    [label('effectiveWeight'), [`0x${filter.effectiveWeight.toString(16)}`]],
    [label('flags'), [flagNames(filter).join(', ') || 'none']],
    [label('providerData'), [filter.providerData ? `${filter.providerData.length} bytes` : 'none']],
    [],
    [[` ${filter.filterCondition.length === 0 ? 'No condition: matches everything at its layer.' : 'Conditions'}`, 'heading']],
    ...conditions,
  ];
}
