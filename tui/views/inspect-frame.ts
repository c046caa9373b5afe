import { INSPECT_VIEWS, type InspectStore, type InspectView } from '../inspect/inspect-store.ts';
import { isPicked } from '../inspect/pick-keys.ts';
import { changed } from '../inspect/trace-state.ts';
import type { Command } from '../keys/commands.ts';
import { aboutFilter } from '../select/select-filters.ts';
import { baseName, grouped } from '../select/words.ts';
import { scrollTo } from '../state/cursor.ts';
import { type Line, lineCells, spread } from '../text/paint.ts';
import { facetLine, filterCounts, filterTable } from './filter-table.ts';
import { footerLine, helpOf } from './footer.ts';
import type { Frame } from './frame.ts';
import { type DrawnLine, isSmall, plainLines, rule, SMALLEST, toHeight } from './layout.ts';
import { textView } from './list-view.ts';
import { fieldEntry, traceView } from './trace-view.ts';

const kinds = {
  filters: 'netsh wfp show filters',
  state: 'netsh wfp show state',
  events: 'net events',
  live: "this machine's engine",
  audit: 'WFP audit log',
} as const;

const titles: Readonly<Record<InspectView, string>> = {
  filters: 'Filters',
  events: 'Events',
  providers: 'Providers',
  sublayers: 'Sublayers',
  callouts: 'Callouts',
  sessions: 'Sessions',
};

function status(store: InspectStore, columns: number): Line {
  const { dump } = store.machine;
  const damaged: Line = dump.errors > 0 ? [['damaged: what could be read ', 'error']] : [];
  const when = dump.timeStamp && columns >= 72 ? `${dump.timeStamp.slice(0, 19).replace('T', ' ')} ` : '';
  return spread(
    [
      [' sallyport', 'title'],
      ['  '],
      [dump.source === 'live' ? 'live' : baseName(dump.source)],
      [`  ${kinds[dump.kind]}`, 'muted'],
    ],
    [...damaged, [when, 'muted']],
    columns,
  );
}

function tabs(store: InspectStore, columns: number): Line {
  const { dump } = store.machine;
  const counts: Readonly<Record<InspectView, number>> = {
    filters: dump.filters.length,
    events: dump.netEvents.length + dump.endpoints.length,
    providers: dump.providers.length,
    sublayers: dump.subLayers.length,
    callouts: dump.callouts.length,
    sessions: dump.sessions.length,
  };
  return INSPECT_VIEWS.flatMap((view, i): Line => {
    const here = store.view === view;
    const title = columns < 66 && !here ? titles[view].slice(0, 4) : titles[view];
    const count = columns >= 100 || (here && columns >= 66) ? ` ${grouped(counts[view])}` : '';
    return [
      [here ? '[' : ' ', here ? 'text' : 'muted'],
      [`${i + 1} ${title}${count}`, here ? 'tabActive' : 'muted'],
      [here ? ']' : ' ', here ? 'text' : 'muted'],
    ];
  });
}

/** What the list is narrowed to, at the right of the tabs. */
function narrowed(store: InspectStore): Line {
  if (store.entry?.kind === 'search') return [];
  const of = store.view === 'events' && store.eventsOf !== undefined ? `by filter ${store.eventsOf} ` : '';
  // Where there is no line for facets, the chosen ones stand here.
  const small = isSmall(store.size.columns, store.size.terminalRows) && store.view === 'filters';
  const chosen = small ? Object.values(store.pick.facets).filter(value => value !== undefined) : [];
  const parts = [...chosen, store.query ? `/ ${store.query}` : '', of].filter(text => text !== '');
  return parts.length ? [[`${parts.join('  ')} `, 'waiting']] : [];
}

function objects(store: InspectStore, height: number): readonly DrawnLine[] {
  const { columns } = store.size;
  store.page = height;
  const rows = store.objectRows;
  const { cursor, empty } = store.list();
  if (rows.length === 0) return toHeight(plainLines([[[`   ${empty}`, 'muted']]]), height);
  const top = scrollTo(cursor.top, cursor.index, height, rows.length);
  store.cursors[store.view] = { ...cursor, top };
  const lines = rows.slice(top, top + height).map(({ left, right }, i): DrawnLine => {
    const selected = top + i === cursor.index;
    return { line: [[selected ? '▌' : ' '], ...spread(left, right, columns - 1)], ...(selected ? { selected } : {}) };
  });
  return toHeight(lines, height);
}

function filters(store: InspectStore, height: number): Frame['body'] {
  const { columns, terminalRows } = store.size;
  const rows = store.filterRows;
  const { cursor, empty } = store.list();
  const head = isSmall(columns, terminalRows) ? [] : facets(store, columns);
  const table = filterTable(rows, cursor, height, head, empty);
  store.page = table.room;
  store.cursors.filters = { ...cursor, top: table.top };
  return table;
}

let lastPick: { store: InspectStore; pick: unknown; query: string; line: Line; columns: number } | undefined;
/** Counts and facets; made again only when the pick changed. */
function facets(store: InspectStore, columns: number): Line {
  const { pick, queries } = store;
  if (lastPick?.store !== store || lastPick.pick !== pick || lastPick.query !== queries.filters || lastPick.columns !== columns) {
    const left = facetLine(store.index, { ...pick, query: queries.filters }, store.keymap, columns);
    const room = columns - lineCells(left) - 1;
    const counts = filterCounts(store.filterRows, store.machine.dump.filters.length).find(text => text.length < room) ?? '';
    lastPick = { store, pick, query: queries.filters, line: spread(left, [[`${counts} `, 'muted']], columns), columns };
  }
  return lastPick.line;
}

function about(store: InspectStore, view: InspectView, key: string): readonly Line[] {
  if (view !== 'filters') return store.objectRows.find(row => row.key === key)?.about() ?? [];
  const row = store.filterRows.find(each => each.kind === 'filter' && each.key === key);
  return row?.kind === 'filter' ? aboutFilter(row.filter, store.index) : [];
}

function help(store: InspectStore): readonly Line[] {
  const seen = new Set<Command>();
  const under = store.over.at(-2);
  const mode = under?.kind === 'trace' ? 'trace' : under ? 'dump-about' : store.modeUnder;
  const name = under?.kind === 'trace' ? 'why' : store.view;
  return helpOf(store.keymap, mode, ` Keys of this view: ${name}`, seen, () => undefined);
}

function body(store: InspectStore, height: number): Frame['body'] {
  const { top } = store;
  if (top?.kind === 'help') return textView(store, help(store), height);
  if (top?.kind === 'about') return textView(store, about(store, top.view, top.key), height);
  if (top?.kind === 'trace' && store.trace) return traceView(store, store.trace, height);
  return store.view === 'filters' ? filters(store, height) : objects(store, height);
}

/** Whether a key can do something now. */
function can(store: InspectStore, command: Command): boolean {
  if (command === 'facet-clear') return store.query !== '' || isPicked(store.pick);
  if (command === 'field-restore') return store.trace !== undefined && changed(store.trace).length > 0;
  if (command === 'stage-next') return (store.trace?.stages.length ?? 0) > 1;
  if (command === 'decided') return store.row?.kind === 'filter';
  if (command === 'why') return store.view === 'filters' ? store.row?.kind === 'filter' : store.objectRows.length > 0;
  if (command === 'open' || command === 'decider') return store.list().length > 0;
  if (command === 'its-filters') return store.object?.find !== undefined;
  return true;
}

function entryLine(store: InspectStore): Line | undefined {
  if (store.typing) return fieldEntry(store.trace, store.typing.text);
  const { entry } = store;
  if (!entry) return undefined;
  const hint =
    entry.kind === 'search'
      ? 'name, program, address, GUID or id; Enter keeps it'
      : 'chrome.exe -> 1.1.1.1:443/tcp; Enter asks, Esc leaves';
  return [[entry.kind === 'search' ? ' /' : ' why  ', 'heading'], [entry.text], [' ', 'partActive'], [`   ${hint}`, 'muted']];
}

/** The screen over a dump as lines. */
export function inspectFrame(store: InspectStore): Frame {
  const { columns, rows, terminalRows } = store.size;
  if (columns < SMALLEST.columns || terminalRows < SMALLEST.rows)
    return { top: toHeight(plainLines([[[`terminal too small (${columns}x${terminalRows})`]]]), rows), body: [], bottom: [] };
  const top = plainLines([status(store, columns), spread(tabs(store, columns), narrowed(store), columns), rule(columns)]);
  const { message } = store;
  const said: Line = message
    ? [
        [message.level === 'info' ? ' ' : ' ! ', 'warning'],
        [message.text, message.level === 'info' ? 'text' : 'warning'],
      ]
    : [];
  const keys = () =>
    footerLine(store.keymap, store.mode, command => can(store, command), columns, isSmall(columns, terminalRows) ? 4 : 12);
  const bottom = plainLines([said, entryLine(store) ?? keys()]);
  return { top, body: body(store, rows - top.length - bottom.length), bottom };
}
