import type { Keymap } from '../keymap.ts';
import { FACETS, type FilterIndex } from '../select/filter-index.ts';
import { type FilterPick, type FilterRow, facetValues } from '../select/select-filters.ts';
import { countOf, grouped } from '../select/words.ts';
import { type Cursor, scrollTo } from '../state/cursor.ts';
import { cut } from '../text/clean.ts';
import type { Line } from '../text/paint.ts';

/** What the table of filters draws: all rows, and which of them are seen. */
export interface FilterTable {
  readonly rows: readonly FilterRow[];
  readonly index: number;
  /** First visible row, and how many are seen. */
  readonly top: number;
  readonly room: number;
  /** How many there are and what they are picked by; empty where there is no room for it. */
  readonly head: Line;
  readonly empty: string;
}

/** The table in so many lines, one of them its column titles. */
export function filterTable(rows: readonly FilterRow[], cursor: Cursor, height: number, head: Line, empty: string): FilterTable {
  const room = Math.max(1, height - (head.length > 0 ? 2 : 1));
  return { rows, index: cursor.index, top: scrollTo(cursor.top, cursor.index, room, rows.length), room, head, empty };
}

interface Counted {
  readonly index: FilterIndex;
  readonly pick: FilterPick;
  readonly values: readonly (readonly [chosen: string | undefined, count: number])[];
}
const counted = new WeakMap<Keymap, Counted>();

/** `1,254 filters   p provider 16   a block 112 …`: how many values each facet has, or the chosen one with its count. */
export function facetLine(index: FilterIndex, pick: FilterPick, keymap: Keymap, width: number): Line {
  let known = counted.get(keymap);
  if (known?.index !== index || known.pick !== pick) {
    const values = FACETS.map(facet => {
      const all = facetValues(index, pick, facet);
      const chosen = pick.facets[facet];
      return [chosen, chosen === undefined ? all.length : (all.find(([value]) => value === chosen)?.[1] ?? 0)] as const;
    });
    known = { index, pick, values };
    counted.set(keymap, known);
  }
  const room = Math.max(8, Math.floor((width - 40) / 3));
  return [
    [' '],
    ...FACETS.flatMap((facet, i): Line => {
      const [chosen, count] = known.values[i]!;
      return [
        [keymap.label(`facet-${facet}`), 'key'],
        [` ${facet} `, 'muted'],
        chosen === undefined ? [`${count}`, 'muted'] : [`${cut(chosen, room)} ${grouped(count)}`, 'waiting'],
        ['   '],
      ];
    }),
  ];
}

/** `112 of 1,254 filters in 9 layers`, and shorter ways to say it. */
export function filterCounts(rows: readonly FilterRow[], total: number): readonly string[] {
  let shown = 0;
  let layers = 0;
  for (const row of rows)
    if (row.kind === 'layer') {
      layers++;
      shown += row.count;
    }
  const of = shown === total ? '' : `${grouped(shown)} of `;
  return [
    `${of}${countOf(total, 'filter')} in ${countOf(layers, 'layer')}`,
    `${of}${countOf(total, 'filter')}`,
    `${of}${grouped(total)}`,
  ];
}
