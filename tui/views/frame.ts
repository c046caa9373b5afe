import { commandInfo } from '../keys/commands.ts';
import type { FilterRow } from '../select/select-filters.ts';
import { selectStatus, selectTabs } from '../select/select-status.ts';
import { completions } from '../state/handle-keys.ts';
import type { Store } from '../state/store.ts';
import { refusal } from '../state/when.ts';
import { type Line, spread } from '../text/paint.ts';
import { type FilterTable, facetLine, filterTable } from './filter-table.ts';
import { footerLine } from './footer.ts';
import { inboxList, inboxView } from './inbox-view.ts';
import { type DrawnLine, isSmall, plainLines, rule, SMALLEST, toHeight } from './layout.ts';
import { listView, textView } from './list-view.ts';
import { confirmLines, helpLines, overlayLines } from './overlay-view.ts';
import { fieldEntry, traceView } from './trace-view.ts';

/** One whole screen: lines, and where the table of filters stands in place of some of them. */
export interface Frame {
  readonly top: readonly DrawnLine[];
  /** Lines of the body, or the table of filters that fills it. */
  readonly body: readonly DrawnLine[] | FilterTable;
  readonly bottom: readonly DrawnLine[];
}

/** The line of what is typed: `/text`, `:name` with its completion, or a note. */
function entryLine(store: Store): Line {
  const { context } = store.shell.getSnapshot();
  if (store.entry === 'field') return fieldEntry(store.trace, store.typing?.text ?? '');
  if (store.entry === 'note') return [[' Note: ', 'heading'], [store.note], [' ', 'partActive']];
  if (store.entry === 'filter')
    return [[' /', 'heading'], [context.filters[context.view]], [' ', 'partActive'], ['   Enter keeps it, Esc leaves', 'muted']];
  const choices = completions(store, context.command);
  const chosen = choices[store.choice];
  const rest = chosen?.startsWith(context.command) ? chosen.slice(context.command.length) : '';
  return [
    [' :', 'heading'],
    [context.command],
    [rest || ' ', rest ? 'muted' : 'partActive'],
    [chosen ? `   ${commandInfo(chosen).title}` : '   no such command', 'muted'],
  ];
}

function paletteLines(store: Store, room: number): readonly DrawnLine[] {
  const { context } = store.shell.getSnapshot();
  const all = completions(store, context.command);
  const top = Math.max(0, store.choice - room + 1);
  return all.slice(top, top + room).map((command, i): DrawnLine => {
    const selected = top + i === store.choice;
    const why = refusal(store, command);
    return {
      line: [
        [selected ? '▌' : ' '],
        [` ${command.padEnd(16)}`, 'heading'],
        [store.keymap.label(command).padEnd(8), 'key'],
        [commandInfo(command).title, why ? 'muted' : 'text'],
        [why ? `   not now: ${why}` : '', 'muted'],
      ],
      ...(selected ? { selected } : {}),
    };
  });
}

function filters(store: Store, height: number): FilterTable {
  const { model, cursor } = store.list('filters');
  const { columns, terminalRows } = store.size;
  const pick = store.filterPick;
  const head = isSmall(columns, terminalRows) ? [] : facetLine(store.index, pick, store.keymap, columns);
  const table = filterTable(model.rows as readonly FilterRow[], cursor, height, head, model.empty);
  store.page = table.room;
  store.cursors.filters = { ...cursor, top: table.top };
  return table;
}

function body(store: Store, height: number): Frame['body'] {
  const shell = store.shell.getSnapshot();
  if (shell.matches('helping')) return textView(store, helpLines(store), height);
  if (store.entry === 'palette') return toHeight(paletteLines(store, height), height);
  const overlay = store.overlay?.name;
  if (overlay === 'why' && store.trace) return traceView(store, store.trace, height);
  if (overlay && overlay !== 'confirm' && overlay !== 'note') return textView(store, overlayLines(store), height);
  if (store.mode === 'confirm') {
    const question = plainLines([rule(store.size.columns), ...confirmLines(store)]);
    const room = Math.max(0, height - question.length);
    const under =
      store.view === 'filters' ? [] : store.view === 'inbox' ? inboxList(store, room) : listView(store, store.view, room);
    return [...toHeight(under, room), ...question];
  }
  if (store.view === 'inbox') return inboxView(store, height);
  if (store.view === 'filters') return filters(store, height);
  return listView(store, store.view, height);
}

/** The screen as lines. Everything that is drawn comes from here. */
export function buildFrame(store: Store): Frame {
  const { columns, rows, terminalRows } = store.size;
  if (columns < SMALLEST.columns || terminalRows < SMALLEST.rows)
    return { top: toHeight(plainLines([[[`terminal too small (${columns}x${terminalRows})`]]]), rows), body: [], bottom: [] };
  const small = isSmall(columns, terminalRows);
  const status = selectStatus(store.snapshot, store.now(), columns);
  const filtered: Line = store.query && store.entry !== 'filter' ? [[`/ ${store.query} `, 'waiting']] : [];
  const top = plainLines([
    spread(status.left, status.right, columns),
    spread(selectTabs(store.snapshot, store.view, columns), filtered, columns),
    rule(columns),
  ]);
  const { message } = store;
  const said: Line = message
    ? [
        [message.level === 'info' ? ' ' : ' ! ', message.level === 'error' ? 'error' : 'warning'],
        [message.text, message.level === 'info' ? 'text' : message.level],
      ]
    : [];
  const bottom = plainLines([
    said,
    store.entry
      ? entryLine(store)
      : footerLine(store.keymap, store.mode, command => !refusal(store, command), columns, small ? 4 : 12),
  ]);
  return { top, body: body(store, rows - top.length - bottom.length), bottom };
}
