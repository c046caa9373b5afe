import { selectable } from '../select/select-inbox.ts';
import type { Store } from './store.ts';

const scrolling = (store: Store) => ['help', 'why', 'about'].includes(store.mode);

/** Moves the selection of the current list, or the text that lies over it, by some rows. */
export function moveBy(store: Store, by: number) {
  if (scrolling(store)) {
    store.scroll = Math.max(0, store.scroll + by);
    return store.changed();
  }
  if (store.view === 'inbox') {
    const ids = selectable(store.inboxRows);
    const group = store.inboxRows.find(
      row => row.kind === 'group' && row.folded && row.group.requests.some(r => r.id === store.selected),
    );
    const at = ids.indexOf(group?.group.requests[0]?.id ?? store.selected ?? -1);
    const id = ids[Math.max(0, Math.min(ids.length - 1, at + by))];
    if (id !== undefined) store.prompt.send({ type: 'select.to', id });
    return;
  }
  const { model, cursor } = store.list(store.view);
  put(store, Math.max(0, Math.min(model.keys.length - 1, cursor.index + by)));
}

/** Moves to the first or the last row. */
export function moveTo(store: Store, end: 'first' | 'last') {
  if (scrolling(store)) {
    store.scroll = end === 'first' ? 0 : Number.MAX_SAFE_INTEGER;
    return store.changed();
  }
  if (store.view === 'inbox') {
    const id = end === 'first' ? selectable(store.inboxRows)[0] : selectable(store.inboxRows).at(-1);
    if (id !== undefined) store.prompt.send({ type: 'select.to', id });
    return;
  }
  put(store, end === 'first' ? 0 : Math.max(0, store.list(store.view).model.keys.length - 1));
}

function put(store: Store, index: number) {
  const view = store.view;
  if (view === 'inbox') return;
  const { model, cursor } = store.list(view);
  const key = model.keys[index];
  store.cursors[view] = { index, top: cursor.top, ...(key === undefined ? {} : { key }) };
  store.changed();
}
