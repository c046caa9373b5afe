import type { ActivityEntry } from '../../machines/guard-client.ts';
import { isPicked } from '../inspect/pick-keys.ts';
import { changed } from '../inspect/trace-state.ts';
import type { Command } from '../keys/commands.ts';
import { current } from './go-to.ts';
import type { Store } from './store.ts';

const needsSelection: readonly Command[] = [
  'permit',
  'block',
  'permit-program',
  'block-program',
  'part-next',
  'part-previous',
  'mark',
];

/** Why a command can do nothing now, in one sentence; undefined when it can. Footer, help, palette and handling ask here. */
export function refusal(store: Store, command: Command): string | undefined {
  const { snapshot, view } = store;
  const running = snapshot.status.kind === 'run' && snapshot.status.phase === 'running';
  if (needsSelection.includes(command)) {
    if (store.selected === undefined) return 'There is nothing to answer.';
    if (command !== 'mark' && !store.sentence) return 'The marked requests go in different directions: no one rule covers them.';
  }
  switch (command) {
    case 'permit-program':
    case 'block-program':
      return store.sentence?.program.steps[0]?.value === undefined
        ? 'Which program asks is not known, or there are several.'
        : undefined;
    case 'undo':
      return snapshot.canUndo ? undefined : 'There is no decision to undo.';
    case 'stop':
    case 'terminate':
    case 'kill':
      return running ? undefined : 'No command runs.';
    case 'delete':
    case 'enable':
    case 'note':
    case 'verdict':
      return snapshot.rules.length === 0 ? 'There is no rule.' : undefined;
    case 'lifetime':
      return view === 'rules'
        ? snapshot.rules.length === 0
          ? 'There is no rule.'
          : undefined
        : store.sentence
          ? undefined
          : 'There is nothing to answer.';
    case 'why':
      if (view === 'activity') return snapshot.activity.length === 0 ? 'Nothing was decided yet.' : undefined;
      return store.selected === undefined ? 'There is nothing to explain.' : undefined;
    case 'decider':
      return view === 'activity' && !store.overlay && current<ActivityEntry>(store, 'activity')?.filterId === undefined
        ? 'No single filter decided this.'
        : undefined;
    case 'field-restore':
      return store.trace && changed(store.trace).length > 0 ? undefined : 'Nothing was changed: this is the traffic as it was.';
    case 'facet-clear':
      return store.query || isPicked(store.pick) ? undefined : 'All filters are shown.';
    case 'fold':
      return store.groups.length === 0 ? 'There is nothing to fold.' : undefined;
    default:
      return undefined;
  }
}
