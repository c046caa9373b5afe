import { builtinSubLayers } from '../model/builtin.ts';
import type { Guid } from '../model/guid.ts';
import type { DumpFilter, DumpSubLayer } from './dump.ts';

/** Weights that stand in for unknown ones: between UNIVERSAL's neighbours there is room for thousands. */
const ABOVE_ALL = 65535;

/**
 * Sublayers of a file that does not list them (`show filters`). Windows' own have their fixed weights. The file goes layer by layer and
 * inside a layer from the heaviest sublayer down, so the order of the others is known as well, and arbitration needs no more than
 * the order. Where the file contradicts itself the sublayer is `unknown` and put above Windows' own.
 */
export function inferSubLayers(filters: readonly DumpFilter[]): DumpSubLayer[] {
  const known = new Map(builtinSubLayers().map(each => [each.subLayerKey, each]));
  const orders = ordersByLayer(filters);
  const after = new Map<Guid, Set<Guid>>();
  for (const order of orders) {
    for (let i = 0; i < order.length; i++) {
      const below = after.get(order[i]!) ?? new Set();
      after.set(order[i]!, below);
      if (i + 1 < order.length) below.add(order[i + 1]!);
    }
  }
  const sorted = topological(after, known);
  const result: DumpSubLayer[] = [];
  // From the lightest up: an unknown one is placed just above what must be below it.
  let floor = -1;
  const unknownAt: Guid[] = [];
  const place = (ceiling: number) => {
    const step = (ceiling - floor) / (unknownAt.length + 1);
    unknownAt.forEach((key, i) => {
      const fits = sorted.acyclic && step >= 1;
      result.push(subLayer(key, Math.min(ABOVE_ALL, Math.floor(floor + step * (i + 1))), fits ? 'order' : 'unknown', undefined));
    });
    unknownAt.length = 0;
  };
  for (const key of sorted.keys.reverse()) {
    const builtin = known.get(key);
    if (!builtin) {
      unknownAt.push(key);
      continue;
    }
    place(builtin.weight);
    floor = builtin.weight;
    result.push(subLayer(key, builtin.weight, 'builtin', builtin.displayData.name));
  }
  place(ABOVE_ALL + 1);
  return result.sort((a, b) => b.weight - a.weight);
}

function subLayer(
  subLayerKey: Guid,
  weight: number,
  weightFrom: DumpSubLayer['weightFrom'],
  name: string | undefined,
): DumpSubLayer {
  return { subLayerKey, displayData: { name: name ?? '' }, flags: 0, weight, weightFrom, flagNames: [], line: 0, column: 0 };
}

function ordersByLayer(filters: readonly DumpFilter[]): Guid[][] {
  const layers = new Map<Guid, Set<Guid>>();
  for (const filter of filters) {
    const order = layers.get(filter.layerKey) ?? new Set();
    layers.set(filter.layerKey, order);
    order.add(filter.subLayerKey);
  }
  return [...layers.values()].map(order => [...order]);
}

/** All sublayers so that each stands before those below it; Windows' own in the order of their weights. */
function topological(
  after: ReadonlyMap<Guid, ReadonlySet<Guid>>,
  known: ReadonlyMap<Guid, { readonly weight: number }>,
): { keys: Guid[]; acyclic: boolean } {
  const edges = new Map([...after].map(([key, below]) => [key, new Set(below)]));
  const builtins = [...after.keys()].filter(key => known.has(key)).sort((a, b) => known.get(b)!.weight - known.get(a)!.weight);
  for (let i = 0; i + 1 < builtins.length; i++) edges.get(builtins[i]!)?.add(builtins[i + 1]!);
  const incoming = new Map<Guid, number>([...edges.keys()].map(key => [key, 0]));
  for (const below of edges.values()) for (const key of below) incoming.set(key, (incoming.get(key) ?? 0) + 1);
  // Unknown ones first where both may come: a third party's sublayer is above Windows' own more often than not.
  const ready = (): Guid | undefined => {
    const free = [...incoming].filter(([, count]) => count === 0).map(([key]) => key);
    return free.find(key => !known.has(key)) ?? free[0];
  };
  const keys: Guid[] = [];
  let acyclic = true;
  while (incoming.size > 0) {
    let next = ready();
    if (next === undefined) {
      acyclic = false;
      next = [...incoming.keys()].find(key => !known.has(key)) ?? [...incoming.keys()][0]!;
    }
    incoming.delete(next);
    keys.push(next);
    for (const below of edges.get(next) ?? []) if (incoming.has(below)) incoming.set(below, incoming.get(below)! - 1);
  }
  if (!acyclic) {
    const own = keys.filter(key => known.has(key)).sort((a, b) => known.get(b)!.weight - known.get(a)!.weight);
    return { keys: [...keys.filter(key => !known.has(key)), ...own], acyclic };
  }
  return { keys, acyclic };
}
