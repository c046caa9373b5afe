import type { DumpFilter } from '../../engine/dumps/dump.ts';
import { type Flow, FlowError, parseShortFlow } from '../../engine/explain/flow.ts';
import type { Command } from '../keys/commands.ts';
import type { KeyPress } from '../keys/read-keys.ts';
import { EVERYTHING } from '../select/select-filters.ts';
import { recordedVerdict } from '../select/select-objects.ts';
import { HOME } from '../state/cursor.ts';
import { clean } from '../text/clean.ts';
import { eventQuestion, FlowQuestion, filterQuestion } from './flow-question.ts';
import { INSPECT_VIEWS, type InspectStore, type InspectView } from './inspect-store.ts';
import { facetPick, foldLayer, isPicked, layerRow } from './pick-keys.ts';
import type { Question } from './question.ts';
import { endField, performTrace, typeField } from './trace-keys.ts';
import { decider, openTrace, type Trace } from './trace-state.ts';

const LONGEST = 300;

function showTrace(store: InspectStore, ask: () => Question, more: Pick<Trace, 'recorded' | 'filterId'> = {}): void {
  try {
    store.trace = openTrace(ask(), more);
    store.open({ kind: 'trace' });
    store.changed();
  } catch (error) {
    if (!(error instanceof FlowError)) throw error;
    store.say(`${error.message}.`, 'warning');
  }
}

/** Shows the tree with the cursor on a filter, whatever was picked before. */
function goTo(store: InspectStore, filter: DumpFilter) {
  store.over = [];
  store.view = 'filters';
  const at = () => store.filterRows.findIndex(row => row.kind === 'filter' && row.filter === filter);
  if (at() < 0) {
    store.pick = EVERYTHING;
    store.queries.filters = '';
  }
  store.moveTo(at());
  store.changed();
}

function toDecider(store: InspectStore) {
  const { trace } = store;
  const id =
    store.top?.kind === 'trace' && trace ? (decider(trace.stages)?.filter.filterId ?? trace.filterId) : subject(store)?.filterId;
  if (id === undefined) return store.say('No single filter decided here.');
  const filter = store.machine.filter(id);
  if (filter) goTo(store, filter);
  else store.say(`Filter ${id} is not in this dump: run-time ids are given anew at each start of Windows.`, 'warning');
}

/** The filter or event that a key is about: what is open over the view, else the row under the cursor. */
function subject(store: InspectStore): { readonly filterId?: bigint } | undefined {
  const { row } = store;
  return row?.kind === 'filter' ? { filterId: row.filter.filterId } : store.object;
}

function toEvents(store: InspectStore) {
  const { row } = store;
  if (row?.kind !== 'filter') return store.say('Go to a filter: e shows the events that it decided.');
  store.over = [];
  store.view = 'events';
  store.eventsOf = row.filter.filterId;
  store.queries.events = '';
  store.changed();
}

function itsFilters(store: InspectStore) {
  const find = store.object?.find;
  if (find === undefined) return store.say('A session has no filters of its own here.');
  store.pick = EVERYTHING;
  store.queries.filters = find;
  store.over = [];
  store.view = 'filters';
  store.toFirst();
  store.changed();
}

function openCurrent(store: InspectStore) {
  const { row, object } = store;
  if (row?.kind === 'layer') store.pick = foldLayer(store.pick, row.key);
  else if (row?.kind === 'sublayer') return store.say('Enter on a filter opens it, on a layer folds it.');
  else if (row) store.open({ kind: 'about', view: store.view, key: row.key });
  else if (object) store.open({ kind: 'about', view: store.view, key: object.key });
  store.changed();
}

function why(store: InspectStore) {
  const { machine, row, object } = store;
  if (row) {
    if (row.kind !== 'filter') return store.say('Go to a filter: w asks about traffic that it is for.');
    return showTrace(store, () => filterQuestion(machine, row.filter), {
      recorded: `traffic that filter ${row.filter.filterId} is for`,
      filterId: row.filter.filterId,
    });
  }
  if (object?.event) {
    const { event } = object;
    const verdict = recordedVerdict(event);
    return showTrace(store, () => eventQuestion(machine, event), {
      recorded: `recorded: ${verdict ?? event.type}${event.filterId === undefined ? '' : ` by filter ${event.filterId}`}`,
      ...(event.filterId === undefined ? {} : { filterId: event.filterId }),
    });
  }
  if (object?.endpoint) {
    const { appId, ipVersion, ipProtocol, remoteAddress, remotePort, localAddress, localPort } = object.endpoint;
    const connected = !/^(0\.0\.0\.0|::)$/.test(remoteAddress);
    const flow: Flow = {
      layer: `${connected ? 'ALE_AUTH_CONNECT' : 'ALE_RESOURCE_ASSIGNMENT'}_${ipVersion.toUpperCase()}`,
      ...(appId ? { app: appId } : {}),
      protocol: ipProtocol,
      ...(connected ? { remote: remoteAddress, remotePort } : {}),
      local: localAddress,
      localPort,
      newConnection: true,
    };
    return showTrace(store, () => new FlowQuestion(machine, flow), {
      recorded: `${connected ? 'connected' : 'bound'} when the dump was made`,
    });
  }
  store.say('There is nothing to explain here.');
}

/** Esc: one level out. */
function back(store: InspectStore) {
  if (store.top) store.close();
  else if (store.query) store.queries[store.view] = '';
  else if (store.view === 'filters' && isPicked(store.pick)) store.pick = { ...store.pick, facets: {} };
  else if (store.view === 'events' && store.eventsOf !== undefined) store.eventsOf = undefined;
  store.changed();
}

function move(store: InspectStore, by: number) {
  if (store.top) store.scroll = Math.max(0, store.scroll + by);
  else store.moveTo(store.list().cursor.index + by);
  store.changed();
}

function toView(store: InspectStore, view: InspectView) {
  store.over = [];
  store.view = view;
  store.changed();
}

const turned = (view: InspectView, by: number): InspectView =>
  INSPECT_VIEWS[(INSPECT_VIEWS.indexOf(view) + by + INSPECT_VIEWS.length) % INSPECT_VIEWS.length]!;

/** Does a command of the screen over a dump. */
export function performInspect(store: InspectStore, command: Command) {
  if (store.top?.kind === 'trace' && performTrace(store, command)) return;
  const view = command.startsWith('dump-') ? INSPECT_VIEWS.find(each => command === `dump-${each}`) : undefined;
  if (view) return toView(store, view);
  const pick =
    store.view === 'filters' ? facetPick(command, store.index, { ...store.pick, query: store.query }, store.row) : undefined;
  if (pick) {
    store.pick = { ...pick, query: '' };
    if (command === 'facet-clear') store.queries.filters = '';
    return store.changed();
  }
  const { page } = store;
  switch (command) {
    case 'open':
      return openCurrent(store);
    case 'why':
      return why(store);
    case 'decider':
      return toDecider(store);
    case 'decided':
      return toEvents(store);
    case 'its-filters':
      return itsFilters(store);
    case 'layer-next':
    case 'layer-previous':
      store.moveTo(layerRow(store.filterRows, store.list().cursor.index, command === 'layer-next' ? 1 : -1));
      return store.changed();
    case 'filter':
      store.entry = { kind: 'search', text: store.query, before: store.query, cursor: store.list().cursor };
      return store.changed();
    case 'ask':
      store.entry = { kind: 'ask', text: '', before: '', cursor: HOME };
      return store.changed();
    case 'next-view':
    case 'previous-view':
      return toView(store, turned(store.view, command === 'next-view' ? 1 : -1));
    case 'help':
      if (store.top?.kind === 'help') store.close();
      else store.open({ kind: 'help' });
      return store.changed();
    case 'back':
      return back(store);
    case 'down':
      return move(store, 1);
    case 'up':
      return move(store, -1);
    case 'page-down':
      return move(store, page);
    case 'page-up':
      return move(store, -page);
    case 'half-down':
      return move(store, Math.ceil(page / 2));
    case 'half-up':
      return move(store, -Math.ceil(page / 2));
    case 'first':
      return move(store, -1e9);
    case 'last':
      return move(store, 1e9);
    case 'redraw':
      return store.terminal.redraw();
    case 'suspend':
      return store.terminal.suspend();
    case 'quit':
      if (store.top) return back(store);
      return store.terminal.exit();
    case 'leave':
      return store.terminal.exit();
    default:
      return;
  }
}

function setText(store: InspectStore, text: string) {
  const short = text.slice(0, LONGEST);
  if (store.typing) return typeField(store, short);
  if (!store.entry) return;
  store.entry = { ...store.entry, text: short };
  if (store.entry.kind === 'search') {
    store.queries[store.view] = short;
    store.toFirst();
  }
  store.changed();
}

const textOf = (store: InspectStore): string => store.typing?.text ?? store.entry?.text ?? '';

function accept(store: InspectStore) {
  if (store.typing) return endField(store, true);
  const { entry } = store;
  store.entry = undefined;
  store.changed();
  if (entry?.kind === 'ask' && entry.text.trim() !== '')
    showTrace(store, () => new FlowQuestion(store.machine, { ...parseShortFlow(entry.text), newConnection: true }));
}

function cancel(store: InspectStore) {
  if (store.typing) return endField(store, false);
  if (store.entry?.kind === 'search') {
    store.queries[store.view] = store.entry.before;
    store.cursors[store.view] = store.entry.cursor;
  }
  store.entry = undefined;
  store.changed();
}

/** Takes a key press to where it belongs: to the text that is typed, else to the command that the keymap has for it. */
export function pressInspect(store: InspectStore, press: KeyPress) {
  const { mode } = store;
  const command = store.keymap.command(mode, press.name);
  if (mode !== 'entry') {
    store.message = undefined;
    if (command) performInspect(store, command);
    return;
  }
  if (command === 'accept') return accept(store);
  if (command === 'cancel') return cancel(store);
  if (command === 'erase-char') return setText(store, [...textOf(store)].slice(0, -1).join(''));
  if (command === 'erase-all') return setText(store, '');
  if (command === 'leave' || command === 'redraw' || command === 'suspend') return performInspect(store, command);
  const char = press.name === 'space' ? ' ' : press.name;
  if (command === undefined && [...char].length === 1) setText(store, textOf(store) + clean(char));
}

/** A paste is text where text is typed, and nothing anywhere else. */
export function pasteInspect(store: InspectStore, text: string) {
  if (store.mode === 'entry') setText(store, textOf(store) + clean(text.replace(/\s+/g, ' ')));
  else store.say('Pasted text is not taken for keys: nothing was done.');
}
