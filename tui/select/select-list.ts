import type { GuardSnapshot } from '../../machines/guard-client.ts';
import type { Line } from '../text/paint.ts';
import { type FilterIndex, indexOf, machineOf } from './filter-index.ts';
import { activityRow, activityRows, outputRow, outputRows } from './select-activity.ts';
import { EVERYTHING, type FilterPick, filterRows } from './select-filters.ts';
import { ruleRow, ruleRows } from './select-rules.ts';
import type { View } from './select-status.ts';
import { type SourceKind, wordsOf } from './source-words.ts';

/** A list as the screen needs it: keys of all rows, and one row at a time. Rows are built only when they are seen. */
export interface ListModel<T = unknown> {
  readonly rows: readonly T[];
  readonly keys: readonly string[];
  readonly row: (index: number) => { readonly left: Line; readonly right: Line };
  /** Said when there is no row. */
  readonly empty: string;
}

/** Remembers the last result while the inputs are the same objects. */
function memo<A extends readonly unknown[], R>(make: (...inputs: A) => R): (...inputs: A) => R {
  let last: { inputs: A; result: R } | undefined;
  return (...inputs) => {
    if (!last || inputs.some((input, i) => input !== last!.inputs[i])) last = { inputs, result: make(...inputs) };
    return last.result;
  };
}

const none = (query: string, empty: string) => (query ? `Nothing here contains "${query}". Esc shows all again.` : empty);

/** Lists of the views but the inbox, each computed again only when its own part of the snapshot changed. */
export class Lists {
  readonly #activity = memo((activity: GuardSnapshot['activity'], query: string) => {
    const rows = activityRows(activity, query);
    return {
      rows,
      keys: rows.map(entry => String(entry.seq)),
      row: (i: number) => activityRow(rows[i]!),
      empty: none(query, 'Nothing was asked or decided yet.'),
    };
  });
  readonly #rules = memo((rules: GuardSnapshot['rules'], query: string) => {
    const rows = ruleRows(rules, query);
    return {
      rows,
      keys: rows.map(rule => rule.id),
      row: (i: number) => ruleRow(rows[i]!),
      empty: none(query, 'No rules yet. Every answer with a lifetime makes one.'),
    };
  });
  readonly #filters = memo((index: FilterIndex, pick: FilterPick, query: string) => {
    const rows = filterRows(index, { ...pick, query });
    // Filters are drawn by the table, which takes the rows themselves.
    return {
      rows,
      keys: rows.map(row => row.key),
      row: () => ({ left: [], right: [] }),
      empty: none(query, index.machine.dump.filters.length ? 'No filter is left. Esc shows all.' : 'The engine has no filter.'),
    };
  });
  readonly #index = memo(
    (filters: GuardSnapshot['filters'], subLayers: GuardSnapshot['subLayers'], layers: GuardSnapshot['layers']) =>
      indexOf(machineOf({ filters, subLayers, layers })),
  );
  readonly #output = memo((output: GuardSnapshot['output'], kind: SourceKind, query: string) => {
    const rows = outputRows(output, query);
    return {
      rows,
      keys: rows.map((_, i) => String(i)),
      row: (i: number) => ({ left: outputRow(rows[i]!), right: [] }),
      empty: none(query, wordsOf(kind).noOutput),
    };
  });

  activity(snapshot: GuardSnapshot, query: string) {
    return this.#activity(snapshot.activity, query);
  }
  rules(snapshot: GuardSnapshot, query: string) {
    return this.#rules(snapshot.rules, query);
  }
  /** The engine's filters made quick to name, to search and to ask. */
  index({ filters, subLayers, layers }: GuardSnapshot): FilterIndex {
    return this.#index(filters, subLayers, layers);
  }
  filters(snapshot: GuardSnapshot, query: string, pick: FilterPick = EVERYTHING) {
    return this.#filters(this.index(snapshot), pick, query);
  }
  output(snapshot: GuardSnapshot, query: string) {
    return this.#output(snapshot.output, snapshot.status.kind, query);
  }
  of(view: Exclude<View, 'inbox'>, snapshot: GuardSnapshot, query: string, pick: FilterPick): ListModel {
    return this[view](snapshot, query, pick);
  }
}
