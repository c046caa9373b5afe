import type { ActivityEntry } from '../../machines/guard-client.ts';
import type { ViewName } from '../../machines/shell-machine.ts';
import { AttemptQuestion } from '../inspect/attempt-question.ts';
import { facetPick, layerRow } from '../inspect/pick-keys.ts';
import { decider, openTrace } from '../inspect/trace-state.ts';
import type { Command } from '../keys/commands.ts';
import { decidedBy } from '../select/select-activity.ts';
import { EVERYTHING, type FilterRow } from '../select/select-filters.ts';
import { timeOfDay } from '../select/words.ts';
import { moveBy } from './move.ts';
import type { Store } from './store.ts';

/** The row under the cursor of the view. */
export function current<T>(store: Store, view: Exclude<ViewName, 'inbox'>): T | undefined {
  const { model, cursor } = store.list(view);
  return model.rows[cursor.index] as T | undefined;
}

/** Puts a screen over the view, scrolled to its top. */
export function openOverlay(store: Store, name: string, about: string) {
  store.scroll = 0;
  store.shell.send({ type: 'overlay.open', overlay: { name, about } });
}

/** The trace of what is selected: a request that waits, or a line of activity. */
export function openWhy(store: Store) {
  const entry = store.view === 'activity' ? current<ActivityEntry>(store, 'activity') : undefined;
  const attempt = entry?.attempt ?? store.snapshot.requests.find(({ id }) => id === store.selected)?.attempt;
  if (!attempt) return;
  try {
    store.trace = openTrace(
      new AttemptQuestion(store.client, attempt),
      entry
        ? {
            recorded: `${entry.verdict} at ${timeOfDay(entry.at)}, by ${decidedBy(entry)}`,
            ...(entry.filterId === undefined ? {} : { filterId: BigInt(entry.filterId) }),
          }
        : {},
    );
  } catch (error) {
    return store.say(`This can not be explained: ${error instanceof Error ? error.message : String(error)}`, 'warning');
  }
  openOverlay(store, 'why', entry ? `entry ${entry.seq}` : `request ${store.selected}`);
}

/** Puts the cursor of the filters on one of them, whatever was picked before. */
function goToFilter(store: Store, id: bigint | undefined) {
  if (id === undefined) return store.say('No single filter decided this.');
  const found = (rows: readonly FilterRow[]) => rows.find(row => row.kind === 'filter' && row.filter.filterId === id);
  store.shell.send({ type: 'view.to', view: 'filters' });
  if (!found(store.list('filters').model.rows as readonly FilterRow[])) {
    store.pick = EVERYTHING;
    store.shell.send({ type: 'filter.clear' });
  }
  const { model, cursor } = store.list('filters');
  const row = found(model.rows as readonly FilterRow[]);
  if (!row) return store.say(`Filter ${id} is gone: the engine has it no longer.`, 'warning');
  store.cursors.filters = { key: row.key, index: model.keys.indexOf(row.key), top: cursor.top };
  store.changed();
}

/** To the filter that decided what is selected or traced. */
export function toDecider(store: Store) {
  if (store.mode === 'why')
    return goToFilter(store, store.trace && (decider(store.trace.stages)?.filter.filterId ?? store.trace.filterId));
  const id = current<ActivityEntry>(store, 'activity')?.filterId;
  goToFilter(store, id === undefined ? undefined : BigInt(id));
}

/** Activity that one filter decided. */
export function toDecided(store: Store) {
  const row = current<FilterRow>(store, 'filters');
  if (row?.kind !== 'filter') return store.say('Go to a filter: this shows the activity that it decided.');
  store.shell.send({ type: 'view.to', view: 'activity' });
  store.shell.send({ type: 'filter.open' });
  store.shell.send({ type: 'filter.changed', text: `filter ${row.filter.filterId}` });
  store.shell.send({ type: 'filter.accept' });
}

/** Facets and jumps from layer to layer; false when the command is none of them. */
export function pickFilters(store: Store, command: Command): boolean {
  if (store.view !== 'filters' || store.overlay) return false;
  if (command === 'layer-next' || command === 'layer-previous') {
    const { model, cursor } = store.list('filters');
    const rows = model.rows as readonly FilterRow[];
    moveBy(store, layerRow(rows, cursor.index, command === 'layer-next' ? 1 : -1) - cursor.index);
    return true;
  }
  const pick = facetPick(command, store.index, store.filterPick, current<FilterRow>(store, 'filters'));
  if (!pick) return false;
  store.pick = { ...pick, query: '' };
  if (command === 'facet-clear') store.shell.send({ type: 'filter.clear' });
  store.changed();
  return true;
}
