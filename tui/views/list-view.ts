import type { ViewName } from '../../machines/shell-machine.ts';
import { scrollTo } from '../state/cursor.ts';
import type { Store } from '../state/store.ts';
import { type Line, spread, wrapLine } from '../text/paint.ts';
import { type DrawnLine, plainLines, toHeight } from './layout.ts';

/** Activity, rules, output: the visible rows of a list. */
export function listView(store: Store, view: Exclude<ViewName, 'inbox' | 'filters'>, height: number): readonly DrawnLine[] {
  const { model, cursor } = store.list(view);
  store.page = height;
  if (model.rows.length === 0) return toHeight(plainLines([[[`   ${model.empty}`, 'muted']]]), height);
  const top = scrollTo(cursor.top, cursor.index, height, model.rows.length);
  store.cursors[view] = { ...cursor, top };
  const lines = model.rows.slice(top, top + height).map((_, i): DrawnLine => {
    const selected = top + i === cursor.index;
    const { left, right } = model.row(top + i);
    const edge: Line = [[selected ? '▌' : ' ', 'text']];
    return { line: [...edge, ...spread(left, right, store.size.columns - 1)], ...(selected ? { selected } : {}) };
  });
  return toHeight(lines, height);
}

/** A screen on which text scrolls. */
export interface TextHost {
  readonly size: { readonly columns: number };
  scroll: number;
  page: number;
}

/** Text that scrolls: why, about, help. Lines longer than the screen are continued on the next. */
export function textView(store: TextHost, lines: readonly Line[], height: number): readonly DrawnLine[] {
  store.page = height;
  const wrapped = lines.flatMap(line => wrapLine(line, store.size.columns));
  store.scroll = Math.max(0, Math.min(store.scroll, wrapped.length - height));
  return toHeight(plainLines(wrapped.slice(store.scroll, store.scroll + height)), height);
}
