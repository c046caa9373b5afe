import { type Command, commandInfo } from '../keys/commands.ts';
import { selectStatus, selectTabs } from '../select/select-status.ts';
import { completions } from '../state/handle-keys.ts';
import type { Store } from '../state/store.ts';
import { refusal } from '../state/when.ts';
import { type Line, lineCells, spread } from '../text/paint.ts';
import { inboxList, inboxView } from './inbox-view.ts';
import { type DrawnLine, isSmall, plainLines, rule, SMALLEST, toHeight } from './layout.ts';
import { listView, textView } from './list-view.ts';
import { confirmLines, helpLines, overlayLines } from './overlay-view.ts';

/** One whole screen: lines, and where the table of filters stands in place of some of them. */
export interface Frame {
  readonly top: readonly DrawnLine[];
  /** Lines of the body, or the height that the filters' table may fill. */
  readonly body: readonly DrawnLine[] | { readonly filters: number };
  readonly bottom: readonly DrawnLine[];
}

function footer(store: Store, columns: number, most: number): Line {
  const { mode, keymap } = store;
  const arrows = keymap.label('wider') === '↑' && keymap.label('narrower') === '↓';
  const item = (command: Command): Line => {
    const both = arrows && command === 'wider';
    return [
      [both ? '↑↓' : keymap.label(command), 'key'],
      [` ${both ? 'wider/narrower' : commandInfo(command).short}   `, 'muted'],
    ];
  };
  const possible = keymap.footer(mode).filter(command => !refusal(store, command) && !(arrows && command === 'narrower'));
  // Help is always there: it leads to everything that found no room.
  const help = possible.includes('help') ? item('help') : [];
  const room = columns - 1 - lineCells(help);
  const items: Line[] = [];
  for (const command of possible) {
    if (command === 'help') continue;
    const next = item(command);
    if (items.length + (help.length ? 1 : 0) >= most || lineCells(items.flat()) + lineCells(next) > room) break;
    items.push(next);
  }
  return [[' '], ...items.flat(), ...help];
}

/** The line of what is typed: `/text`, `:name` with its completion, or a note. */
function entryLine(store: Store): Line {
  const { context } = store.shell.getSnapshot();
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

function body(store: Store, height: number): Frame['body'] {
  const shell = store.shell.getSnapshot();
  if (shell.matches('helping')) return textView(store, helpLines(store), height);
  if (store.entry === 'palette') return toHeight(paletteLines(store, height), height);
  const overlay = store.overlay?.name;
  if (overlay && overlay !== 'confirm' && overlay !== 'note') return textView(store, overlayLines(store), height);
  if (store.mode === 'confirm') {
    const question = plainLines([rule(store.size.columns), ...confirmLines(store)]);
    const room = Math.max(0, height - question.length);
    const under =
      store.view === 'filters' ? [] : store.view === 'inbox' ? inboxList(store, room) : listView(store, store.view, room);
    return [...toHeight(under, room), ...question];
  }
  if (store.view === 'inbox') return inboxView(store, height);
  if (store.view === 'filters') return { filters: height };
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
  const bottom = plainLines([said, store.entry ? entryLine(store) : footer(store, columns, small ? 4 : 12)]);
  return { top, body: body(store, rows - top.length - bottom.length), bottom };
}
