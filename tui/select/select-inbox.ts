import type { Request } from '../../machines/guard-client.ts';
import { foldByProgram } from '../../machines/inbox.ts';
import { scrollTo } from '../state/cursor.ts';
import type { Line, Span } from '../text/paint.ts';
import type { SourceWords } from './source-words.ts';
import { clockSpan, distinctNames, programName, protocolName, shortCommand, targetText, timeOfDay } from './words.ts';

/** Requests of one program, and who started it. */
export interface InboxGroup {
  readonly key: string;
  readonly name: string;
  readonly by: string;
  readonly requests: readonly Request[];
}

export type InboxRow =
  | { readonly kind: 'group'; readonly group: InboxGroup; readonly folded: boolean }
  | { readonly kind: 'request'; readonly group: InboxGroup; readonly request: Request };

/** The inbox's groups with the words that head them. */
export function groupRequests(requests: readonly Request[]): readonly InboxGroup[] {
  return foldByProgram(requests).map(({ key, requests: all }) => {
    const starters = [
      ...new Set(all.map(({ attempt }) => attempt.identity.parents[0]).map(parent => (parent ? shortCommand(parent) : ''))),
    ];
    return {
      key,
      name: programName(all[0]!.attempt.identity),
      by: starters.length === 1 ? starters[0]! : `${starters.length} commands`,
      requests: all,
    };
  });
}

/** Rows of the inbox. A folded group is one row that stands for all its requests. */
export function inboxRows(groups: readonly InboxGroup[], folded: ReadonlySet<string>): readonly InboxRow[] {
  const rows: InboxRow[] = [];
  for (const group of groups) {
    const closed = folded.has(group.key);
    rows.push({ kind: 'group', group, folded: closed });
    if (!closed) for (const request of group.requests) rows.push({ kind: 'request', group, request });
  }
  return rows;
}

/** The row that stands for a request: its own, or its folded group's; −1 when it does not wait. */
export const rowOf = (rows: readonly InboxRow[], id: number | undefined): number =>
  id === undefined
    ? -1
    : rows.findIndex(row =>
        row.kind === 'request' ? row.request.id === id : row.folded && row.group.requests.some(request => request.id === id),
      );

/** Requests that a list key may go to, one per row that can be selected, top to bottom. */
export const selectable = (rows: readonly InboxRow[]): readonly number[] =>
  rows.flatMap(row => (row.kind === 'request' ? [row.request.id] : row.folded ? [row.group.requests[0]!.id] : []));

/** Keeps the group's header in sight when its first request is selected. */
export const scrollInbox = (rows: readonly InboxRow[], top: number, index: number, height: number): number => {
  const next = scrollTo(top, index, height, rows.length);
  return height > 1 && index > 0 && next === index && rows[index - 1]?.kind === 'group' ? next - 1 : next;
};

export interface RowContext {
  readonly now: number;
  readonly selected: boolean;
  readonly marked: ReadonlySet<number>;
  /** True while a second-tick runs: ages are shown as spans, else as the time of day they began. */
  readonly ticking: boolean;
  readonly words: SourceWords;
}

const since = (at: number, { now, ticking, words }: RowContext): Span => [
  `${ticking && words.countsAge ? clockSpan(now - at) : timeOfDay(at)} `,
  'muted',
];

/** One row as left and right half. */
export function inboxRow(row: InboxRow, context: RowContext): { readonly left: Line; readonly right: Line } {
  const edge: Span = [context.selected ? '▌' : ' ', 'partActive'];
  if (row.kind === 'group') {
    const { group } = row;
    const marked = group.requests.filter(request => context.marked.has(request.id)).length;
    return {
      left: [
        [context.selected ? '▌' : ' ', 'text'],
        [row.folded ? '▸ ' : '▾ ', 'muted'],
        [group.name, 'heading'],
        [group.by ? `  by ${group.by}` : '', 'muted'],
      ],
      right: [
        [marked ? `${marked} marked  ` : '', 'waiting'],
        [context.words.count(group.requests.length), 'muted'],
        ['   '],
        since(group.requests[0]!.since, context),
      ],
    };
  }
  const { attempt, attempts, state } = row.request;
  const names = attempt.remote ? distinctNames(attempt.names) : [];
  const unnamed = attempt.remote && attempt.names.length === 0;
  return {
    left: [
      [edge[0], 'text'],
      [context.marked.has(row.request.id) ? ' * ' : '   ', 'waiting'],
      [targetText(attempt)],
      [names.length > 1 ? `  ${names.join(' or ')}` : unnamed ? `  ${context.words.unnamed[0]}` : '', 'warning'],
    ],
    right: [
      [attempts.length > 1 ? `×${attempts.length}  ` : '', 'muted'],
      [state === 'asking' ? '' : `${context.words.states[state]}  `, 'muted'],
      [protocolName(attempt.protocol).toLowerCase(), 'muted'],
      ['   '],
      since(row.request.since, context),
    ],
  };
}
