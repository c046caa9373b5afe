import type { Machine } from '../../engine/explain/machine.ts';
import type { Keymap } from '../keymap.ts';
import type { Mode } from '../keys/commands.ts';
import { type FilterIndex, indexOf } from '../select/filter-index.ts';
import { EVERYTHING, type FilterPick, type FilterRow, filterRows } from '../select/select-filters.ts';
import { OBJECT_VIEWS, type ObjectRow, objectRows } from '../select/select-objects.ts';
import { type Cursor, HOME, settle } from '../state/cursor.ts';
import type { Painter } from '../text/paint.ts';
import type { Trace } from './trace-state.ts';

export const INSPECT_VIEWS = ['filters', ...OBJECT_VIEWS] as const;
export type InspectView = (typeof INSPECT_VIEWS)[number];

/** What lies over the view: everything about one thing, a trace, the keys. */
export type Over =
  | { readonly kind: 'about'; readonly view: InspectView; readonly key: string }
  | { readonly kind: 'trace' | 'help' };

export interface InspectList {
  readonly keys: readonly string[];
  readonly length: number;
  readonly empty: string;
  readonly cursor: Cursor;
}

const EMPTY: Readonly<Record<InspectView, string>> = {
  filters: 'There is no filter here.',
  events: 'This file holds no net event and no connected endpoint. netsh wfp show netevents writes events.',
  providers: 'This file lists no provider.',
  sublayers: 'This file lists no sublayer.',
  callouts: 'This file lists no callout: netsh wfp show state writes them.',
  sessions: 'This file lists no session: netsh wfp show state writes them.',
};

/** All state of the screen over one machine and nothing of drawing. It changes only by keys: what it shows never changes itself. */
export class InspectStore {
  readonly machine: Machine;
  readonly index: FilterIndex;
  readonly keymap: Keymap;
  readonly painter: Painter;
  view: InspectView = 'filters';
  pick: FilterPick = EVERYTHING;
  readonly queries: Record<InspectView, string> = {
    filters: '',
    events: '',
    providers: '',
    sublayers: '',
    callouts: '',
    sessions: '',
  };
  readonly cursors: Record<InspectView, Cursor> = {
    filters: HOME,
    events: HOME,
    providers: HOME,
    sublayers: HOME,
    callouts: HOME,
    sessions: HOME,
  };
  /** Only events of this filter. */
  eventsOf: bigint | undefined;
  over: readonly Over[] = [];
  trace: Trace | undefined;
  typing: { readonly text: string; readonly before: Trace } | undefined;
  /** Text being searched or asked, and the search as it was. */
  entry: { readonly kind: 'search' | 'ask'; readonly text: string; readonly before: string; readonly cursor: Cursor } | undefined;
  message: { readonly text: string; readonly level: 'info' | 'warning' } | undefined;
  scroll = 0;
  page = 10;
  size = { columns: 80, rows: 23, terminalRows: 24 };
  version = 0;
  terminal = { suspend() {}, redraw() {}, exit() {} };
  readonly #listeners = new Set<() => void>();
  readonly #objects = new Map<string, readonly ObjectRow[]>();
  #rows: { pick: FilterPick; query: string; rows: readonly FilterRow[]; keys: readonly string[] } | undefined;
  #shown:
    | { base: readonly ObjectRow[]; query: string; of: bigint | undefined; rows: readonly ObjectRow[]; keys: readonly string[] }
    | undefined;

  constructor(machine: Machine, keymap: Keymap, painter: Painter) {
    this.machine = machine;
    this.index = indexOf(machine);
    this.keymap = keymap;
    this.painter = painter;
    if (machine.dump.filters.length === 0 && machine.dump.netEvents.length > 0) this.view = 'events';
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly changed = (): void => {
    this.version++;
    for (const listener of this.#listeners) listener();
  };

  readonly say = (text: string, level: 'info' | 'warning' = 'info'): void => {
    this.message = { text, level };
    this.changed();
  };

  resize(columns: number, rows: number): void {
    this.size = { columns, rows: Math.max(1, rows - 1), terminalRows: rows };
    this.changed();
  }

  get top(): Over | undefined {
    return this.over.at(-1);
  }

  /** Where keys go now. */
  get mode(): Mode {
    if (this.entry || this.typing) return 'entry';
    const { top } = this;
    if (top) return top.kind === 'trace' ? 'trace' : 'dump-about';
    return this.modeUnder;
  }

  /** The mode of the view, whatever lies over it. */
  get modeUnder(): Mode {
    return this.view === 'filters' || this.view === 'events' ? `dump-${this.view}` : 'dump-objects';
  }

  get query(): string {
    return this.queries[this.view];
  }

  /** Rows of the tree of filters. Computed again only when the pick changed. */
  get filterRows(): readonly FilterRow[] {
    const { pick, queries } = this;
    if (this.#rows?.pick !== pick || this.#rows.query !== queries.filters) {
      const rows = filterRows(this.index, { ...pick, query: queries.filters });
      this.#rows = { pick, query: queries.filters, rows, keys: rows.map(row => row.key) };
    }
    return this.#rows.rows;
  }

  /** Rows of the other lists. */
  get objectRows(): readonly ObjectRow[] {
    const { view, query, eventsOf } = this;
    if (view === 'filters') return [];
    let base = this.#objects.get(view);
    if (!base) {
      base = objectRows(this.index, view);
      this.#objects.set(view, base);
    }
    const of = view === 'events' ? eventsOf : undefined;
    if (this.#shown?.base !== base || this.#shown.query !== query || this.#shown.of !== of) {
      const wanted = query.trim().toLowerCase();
      const rows = base.filter(
        row =>
          (wanted === '' || row.text.includes(wanted)) &&
          (of === undefined || row.filterId === of || row.event?.terminatingFilters.some(each => each.filterId === of)),
      );
      this.#shown = { base, query, of, rows, keys: rows.map(row => row.key) };
    }
    return this.#shown.rows;
  }

  /** The list of the view with its cursor on an existing row. */
  list(): InspectList {
    const rows = this.view === 'filters' ? this.filterRows : this.objectRows;
    const keys = this.view === 'filters' ? this.#rows!.keys : this.#shown!.keys;
    const cursor = settle(this.cursors[this.view], keys);
    this.cursors[this.view] = cursor;
    const empty = this.query
      ? `Nothing here holds "${this.query}". Esc shows all again.`
      : this.eventsOf !== undefined && this.view === 'events'
        ? `No recorded event names filter ${this.eventsOf}. Esc shows all events.`
        : EMPTY[this.view];
    return { keys, length: rows.length, empty, cursor };
  }

  moveTo(index: number): void {
    const { keys, cursor } = this.list();
    const key = keys[Math.max(0, Math.min(keys.length - 1, index))];
    if (key === undefined) return;
    this.cursors[this.view] = { key, index: Math.max(0, Math.min(keys.length - 1, index)), top: cursor.top };
  }

  /** To what was found first: a filter, not the layer it stands under. */
  toFirst(): void {
    const index = this.view === 'filters' ? this.filterRows.findIndex(row => row.kind === 'filter') : 0;
    const key = this.list().keys[Math.max(0, index)];
    this.cursors[this.view] = key === undefined ? HOME : { key, index: Math.max(0, index), top: 0 };
  }

  get row(): FilterRow | undefined {
    return this.view === 'filters' ? this.filterRows[this.list().cursor.index] : undefined;
  }

  get object(): ObjectRow | undefined {
    return this.objectRows[this.list().cursor.index];
  }

  open(over: Over): void {
    this.over = [...this.over, over];
    this.scroll = 0;
  }

  close(): void {
    this.over = this.over.slice(0, -1);
    this.scroll = 0;
  }
}
