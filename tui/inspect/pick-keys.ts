import type { Command } from '../keys/commands.ts';
import type { Facet, FilterIndex } from '../select/filter-index.ts';
import { EVERYTHING, type FilterPick, type FilterRow, facetValues, nextFacet } from '../select/select-filters.ts';

const facets: Readonly<Partial<Record<Command, Facet>>> = {
  'facet-provider': 'provider',
  'facet-action': 'action',
  'facet-layer': 'layer',
  'facet-flag': 'flag',
};

/** The pick after a facet's key; undefined when the command is none of them. `query` is what is searched for beside it. */
export function facetPick(
  command: Command,
  index: FilterIndex,
  pick: FilterPick,
  row: FilterRow | undefined,
): FilterPick | undefined {
  if (command === 'facet-clear') return EVERYTHING;
  const facet = facets[command];
  if (!facet) return undefined;
  const under =
    row?.kind === 'filter'
      ? index.values(row.filter, facet)[0]
      : row?.kind === 'layer' && facet === 'layer'
        ? row.name
        : undefined;
  const next = nextFacet(facetValues(index, pick, facet), pick.facets[facet], under);
  const { [facet]: _, ...rest } = pick.facets;
  return { ...pick, facets: next === undefined ? rest : { ...rest, [facet]: next } };
}

export const isPicked = ({ facets: chosen }: FilterPick): boolean => Object.values(chosen).some(value => value !== undefined);

/** A layer folded to one line, or unfolded. */
export function foldLayer(pick: FilterPick, key: string): FilterPick {
  const folded = new Set(pick.folded);
  if (!folded.delete(key)) folded.add(key);
  return { ...pick, folded };
}

/** Row of the next layer, or of the one before. */
export function layerRow(rows: readonly FilterRow[], from: number, by: 1 | -1): number {
  for (let i = from + by; i >= 0 && i < rows.length; i += by) if (rows[i]!.kind === 'layer') return i;
  return from;
}
