import type { Lifetime, Rule } from '../../engine/rules/rule.ts';
import { VIEWS } from '../../machines/shell-machine.ts';
import { foldLayer, isPicked } from '../inspect/pick-keys.ts';
import { performTrace } from '../inspect/trace-keys.ts';
import { COMMANDS, type Command } from '../keys/commands.ts';
import type { FilterRow } from '../select/select-filters.ts';
import { rowOf, selectable } from '../select/select-inbox.ts';
import { lifetimeWords } from '../select/words.ts';
import { current, openOverlay, openWhy, pickFilters, toDecided, toDecider } from './go-to.ts';
import { moveBy, moveTo } from './move.ts';
import type { Store } from './store.ts';
import { refusal } from './when.ts';

const DAY = 24 * 3_600_000;
/** Lifetimes that a rule can be given later, in the order `t` goes through them. */
const nextLifetime = (rule: Rule, now: number): Lifetime =>
  rule.lifetime.kind === 'permanent'
    ? { kind: 'restart' }
    : rule.lifetime.kind === 'restart'
      ? { kind: 'until', at: now + DAY }
      : rule.lifetime.kind === 'until' && rule.lifetime.at - now > DAY / 2
        ? { kind: 'until', at: now + 15 * 60_000 }
        : { kind: 'permanent' };

function openCurrent(store: Store) {
  if (store.view === 'filters') {
    const row = current<FilterRow>(store, 'filters');
    if (row?.kind === 'filter') openOverlay(store, 'filter', row.key);
    else if (row?.kind === 'layer') {
      store.pick = foldLayer(store.pick, row.key);
      store.changed();
    } else store.say('Enter on a filter opens it, on a layer folds it.');
  } else if (store.view === 'rules' || store.view === 'activity') {
    const { cursor } = store.list(store.view);
    if (cursor.key !== undefined) openOverlay(store, store.view === 'rules' ? 'rule' : 'entry', cursor.key);
  }
}

function fold(store: Store) {
  const row = store.inboxRows[rowOf(store.inboxRows, store.selected)];
  if (!row) return;
  const folded = new Set(store.folded);
  if (!folded.delete(row.group.key)) folded.add(row.group.key);
  store.folded = folded;
  const first = row.group.requests[0]!.id;
  if (folded.has(row.group.key) && store.selected !== first) store.prompt.send({ type: 'select.to', id: first });
  store.changed();
}

function onRule(store: Store, work: (rule: Rule) => void) {
  const rule = current<Rule>(store, 'rules');
  if (rule) work(rule);
}

/** Esc: one level out, whatever that is now. */
function back(store: Store) {
  const shell = store.shell.getSnapshot();
  if (shell.matches('helping') || shell.matches('overlaid')) store.shell.send({ type: 'overlay.close' });
  else if (store.mode === 'edit') store.prompt.send({ type: 'cancel' });
  else if (store.query) store.shell.send({ type: 'filter.clear' });
  else if (store.view === 'filters' && isPicked(store.pick)) {
    store.pick = { ...store.pick, facets: {} };
    store.changed();
  } else if (store.view === 'inbox') store.prompt.send({ type: 'mark.clear' });
}

const signals = { stop: 'SIGINT', terminate: 'SIGTERM', kill: 'SIGKILL' } as const;

function yes(store: Store) {
  if (store.shell.getSnapshot().matches('quitting')) return store.shell.send({ type: 'quit.confirm' });
  if (store.prompt.getSnapshot().matches({ answer: 'confirming' }) && !store.overlay)
    return store.prompt.send({ type: 'confirm' });
  const [what, id] = (store.overlay?.about ?? '').split(' ');
  store.shell.send({ type: 'overlay.close' });
  if (!id) return;
  if (what === 'delete') void store.send({ type: 'rule.delete', id }, 'The rule is deleted.');
  else if (what === 'permit' || what === 'block')
    void store.send({ type: 'rule.edit', id, verdict: what }, `The rule now ${what}s.`);
  else void store.send({ type: 'signal', signal: id as 'SIGINT' | 'SIGTERM' | 'SIGKILL' }, `${id} was sent to the command.`);
}

function no(store: Store) {
  if (store.shell.getSnapshot().matches('quitting')) store.shell.send({ type: 'quit.cancel' });
  else if (store.overlay) store.shell.send({ type: 'overlay.close' });
  else store.prompt.send({ type: 'cancel' });
}

/** Does a command, or says why it can not be done. */
export function perform(store: Store, command: Command) {
  const refused = refusal(store, command);
  if (refused) return store.say(refused);
  const { prompt, shell } = store;
  if (store.mode === 'why' && performTrace(store, command)) return;
  if (pickFilters(store, command)) return;
  switch (command) {
    case 'decider':
      return toDecider(store);
    case 'decided':
      return toDecided(store);
    case 'permit':
    case 'block':
    case 'permit-program':
    case 'block-program': {
      if (!prompt.getSnapshot().context.armed) return store.say('This has just come up: read it first. Keys answer in a moment.');
      const verdict = command.startsWith('permit') ? 'permit' : 'block';
      return prompt.send({ type: command.endsWith('program') ? 'answer.program' : 'answer', verdict });
    }
    case 'part-next':
    case 'part-previous':
      if (store.mode !== 'edit')
        return prompt.send({ type: 'part.to', part: store.sentence!.remote.steps.length > 1 ? 'remote' : 'program' });
      return prompt.send({ type: command === 'part-next' ? 'part.next' : 'part.previous' });
    case 'wider':
      return prompt.send({ type: 'step.wider' });
    case 'narrower':
      return prompt.send({ type: 'step.narrower' });
    case 'lifetime':
      if (store.view !== 'rules') return prompt.send({ type: 'lifetime.next' });
      return onRule(store, rule => {
        const lifetime = nextLifetime(rule, store.now());
        void store.send(
          { type: 'rule.edit', id: rule.id, lifetime },
          `The rule now lives ${lifetimeWords(lifetime, store.now())}.`,
        );
      });
    case 'mark':
      return markSelected(store);
    case 'fold':
      return fold(store);
    case 'why':
      return openWhy(store);
    case 'open':
      return openCurrent(store);
    case 'delete':
      return onRule(store, rule => openOverlay(store, 'confirm', `delete ${rule.id}`));
    case 'enable':
      return onRule(store, rule => {
        const enabled = !rule.enabled;
        void store.send(
          { type: 'rule.enable', id: rule.id, enabled },
          enabled ? 'The rule is on.' : 'The rule is off: it decides nothing.',
        );
      });
    case 'verdict':
      return onRule(store, rule => openOverlay(store, 'confirm', `${rule.verdict === 'permit' ? 'block' : 'permit'} ${rule.id}`));
    case 'note':
      return onRule(store, rule => {
        store.note = rule.note ?? '';
        openOverlay(store, 'note', rule.id);
      });
    case 'undo':
      return prompt.send({ type: 'undo' });
    case 'stop':
    case 'terminate':
    case 'kill':
      return openOverlay(store, 'confirm', `signal ${signals[command]}`);
    case 'filter':
      return shell.send({ type: 'filter.open' });
    case 'palette':
      store.choice = 0;
      return shell.send({ type: 'command.open' });
    case 'help':
      store.scroll = 0;
      return shell.send({ type: 'help.toggle' });
    case 'inbox':
    case 'activity':
    case 'rules':
    case 'filters':
    case 'output':
      if (shell.getSnapshot().matches('helping')) shell.send({ type: 'help.toggle' });
      return shell.send({ type: 'view.to', view: command });
    case 'next-view':
      return shell.send({ type: 'view.next' });
    case 'previous-view':
      return shell.send({ type: 'view.previous' });
    case 'back':
      return back(store);
    case 'yes':
      return yes(store);
    case 'no':
      return no(store);
    case 'quit':
      return shell.send({ type: 'quit' });
    case 'leave':
      return leave(store);
    case 'redraw':
      return store.terminal.redraw();
    case 'suspend':
      return store.terminal.suspend();
    case 'down':
    case 'edit-down':
      return moveBy(store, 1);
    case 'up':
    case 'edit-up':
      return moveBy(store, -1);
    case 'page-down':
      return moveBy(store, store.page);
    case 'page-up':
      return moveBy(store, -store.page);
    case 'half-down':
      return moveBy(store, Math.ceil(store.page / 2));
    case 'half-up':
      return moveBy(store, -Math.ceil(store.page / 2));
    case 'first':
      return moveTo(store, 'first');
    case 'last':
      return moveTo(store, 'last');
    default:
      // Keys of text being typed are handled where the text is.
      return;
  }
}

function markSelected(store: Store) {
  const row = store.inboxRows[rowOf(store.inboxRows, store.selected)];
  store.prompt.send({ type: row?.kind === 'group' ? 'mark.program' : 'mark.toggle' });
  const ids = selectable(store.inboxRows);
  const next = ids[ids.indexOf(store.selected ?? -1) + 1];
  if (next !== undefined) store.prompt.send({ type: 'select.to', id: next });
}

/** Ctrl-C: asks as `q` does; pressed again it leaves without waiting for an answer. */
function leave(store: Store) {
  const shell = store.shell.getSnapshot();
  if (store.quitting) store.terminal.exit();
  else if (shell.matches('quitting')) store.shell.send({ type: 'quit.confirm' });
  else {
    if (shell.matches('filtering')) store.shell.send({ type: 'filter.cancel' });
    if (shell.matches('commanding')) store.shell.send({ type: 'command.cancel' });
    if (shell.matches('helping')) store.shell.send({ type: 'help.toggle' });
    if (shell.matches('overlaid')) store.shell.send({ type: 'view.to', view: store.view });
    store.shell.send({ type: 'quit' });
  }
}

/** Commands that `:` offers where one is, by name. */
export const paletteCommands = (store: Store): readonly Command[] =>
  (Object.keys(COMMANDS) as Command[]).filter(command => {
    const info: { palette?: false; where: readonly string[] } = COMMANDS[command];
    return info.palette !== false && info.where.includes(store.view);
  });

export { VIEWS };
