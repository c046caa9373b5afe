/** Where a list stands: the selected row by its key, so that it stays when rows come and go. */
export interface Cursor {
  readonly key?: string;
  readonly index: number;
  readonly top: number;
}

export const HOME: Cursor = { index: 0, top: 0 };

/** Finds a list's selected row again after its rows changed: by key, else near where it was. */
export function settle(cursor: Cursor, keys: readonly string[]): Cursor {
  if (keys.length === 0) return HOME;
  if (cursor.key !== undefined && keys[cursor.index] === cursor.key) return cursor;
  // At the first row one follows what is new; elsewhere the row under the cursor stays under it.
  const found = cursor.key === undefined || cursor.index === 0 ? -1 : keys.indexOf(cursor.key);
  const index = found >= 0 ? found : Math.min(cursor.index, keys.length - 1);
  return { key: keys[index]!, index, top: Math.max(0, cursor.top + (found >= 0 ? found - cursor.index : 0)) };
}

/** First visible row such that `index` is seen, moving as little as possible. */
export function scrollTo(top: number, index: number, height: number, length: number): number {
  const last = Math.max(0, length - height);
  const wanted = index < top ? index : index >= top + height ? index - height + 1 : top;
  return Math.max(0, Math.min(wanted, last));
}
