import { retriesLine } from '../select/select-activity.ts';
import { answerLine, coverLine, stepsLine } from '../select/select-answer.ts';
import { detailLines, foldedDetail } from '../select/select-details.ts';
import { inboxRow, rowOf, scrollInbox } from '../select/select-inbox.ts';
import { grouped, questionSentence } from '../select/words.ts';
import type { Store } from '../state/store.ts';
import { type Line, spread } from '../text/paint.ts';
import { type DrawnLine, isSmall, plainLines, rule, toHeight } from './layout.ts';

/** What stands under the list: the selected request as a sentence, what is known of it, the answer and what it will do. */
function question(store: Store, columns: number, small: boolean, room: number): readonly DrawnLine[] {
  const { context } = store.prompt.getSnapshot();
  const request = store.snapshot.requests.find(({ id }) => id === context.selected);
  if (!request) return [];
  const { attempt } = request;
  const { sentence } = context;
  const { words } = store;
  const sentenceLine: Line = [[' '], ...questionSentence(attempt, words, columns - 1)];
  const editing = store.mode === 'edit';
  const answer: readonly Line[] = sentence
    ? [answerLine(sentence, editing ? context.focus : undefined, columns), coverLine(sentence, store.preview(sentence), words)]
    : [[[' The marked requests go in different directions: no one rule covers them. Space unmarks.', 'warning']], []];
  if (small) {
    const detail = editing && sentence ? stepsLine(sentence, context.focus, columns) : foldedDetail(attempt, words);
    // What is asked and what the answer does are never left out.
    return plainLines([...(room > 3 ? [rule(columns)] : []), sentenceLine, ...(room > 4 ? [detail] : []), ...answer]);
  }
  const details = detailLines(attempt, words);
  const steps: Line = editing && sentence ? stepsLine(sentence, context.focus, columns) : [];
  return plainLines([rule(columns), sentenceLine, ...details, steps, ...answer]);
}

function nothingOpen(store: Store): readonly Line[] {
  const { status } = store.snapshot;
  const { words } = store;
  if (store.query) return [[[`   No request here contains "${store.query}". Esc shows all again.`, 'muted']]];
  if (status.phase === 'failed') return [[[`   ${status.failure ?? 'The guard failed.'}`, 'error']]];
  const decided = status.decided > 0 ? ` ${grouped(status.decided)} decided without asking.` : '';
  const end = status.phase === 'ended' ? ` ${words.ended}` : '';
  return [
    [[`   ${words.nothingOpen}${decided}${end}`, 'muted']],
    ...(words.tellsRetries ? [retriesLine(store.snapshot.activity)] : []),
  ];
}

/** The inbox: what waits, folded by program, and the question about the selected one. */
export function inboxView(store: Store, height: number): readonly DrawnLine[] {
  const { columns, terminalRows } = store.size;
  const below = question(store, columns, isSmall(columns, terminalRows), height - 1);
  return [...inboxList(store, Math.max(1, height - below.length)), ...below];
}

/** The list of the inbox alone. */
export function inboxList(store: Store, room: number): readonly DrawnLine[] {
  const { columns } = store.size;
  store.page = room;
  const rows = store.inboxRows;
  if (rows.length === 0) return toHeight(plainLines(nothingOpen(store)), room);
  const { context } = store.prompt.getSnapshot();
  const at = rowOf(rows, context.selected);
  store.inboxTop = scrollInbox(rows, store.inboxTop, Math.max(0, at), room);
  const marked = new Set(context.marks);
  const now = store.now();
  const lines = rows.slice(store.inboxTop, store.inboxTop + room).map((row, i): DrawnLine => {
    const selected = store.inboxTop + i === at;
    const { left, right } = inboxRow(row, { now, selected, marked, ticking: store.ticking, words: store.words });
    return { line: spread(left, right, columns), ...(selected ? { selected } : {}) };
  });
  return toHeight(lines, room);
}
