import { boundLifetime, lifetimeOf, scopeOf } from '../../machines/sentence.ts';
import type { Command, Mode } from '../keys/commands.ts';
import { aboutEntry } from '../select/select-activity.ts';
import { ruleSentence } from '../select/select-answer.ts';
import { aboutFilter } from '../select/select-filters.ts';
import { aboutRule } from '../select/select-rules.ts';
import type { Store } from '../state/store.ts';
import { refusal } from '../state/when.ts';
import type { Line } from '../text/paint.ts';
import { helpOf } from './footer.ts';

const gone: readonly Line[] = [[['   It is gone. Esc goes back.', 'muted']]];

/** What lies over the view as text: why, everything about one filter, rule or line of activity. */
export function overlayLines(store: Store): readonly Line[] {
  const overlay = store.overlay!;
  const about = overlay.about ?? '';
  const { rules, activity } = store.snapshot;
  switch (overlay.name) {
    case 'why':
      return [[['   This can not be explained any more. Esc goes back.', 'muted']]];
    case 'filter': {
      const filter = store.index.machine.dump.filters.find(other => other.filterKey === about);
      return filter ? aboutFilter(filter, store.index) : gone;
    }
    case 'rule': {
      const rule = rules.find(other => other.id === about);
      return rule ? aboutRule(rule) : gone;
    }
    default: {
      const entry = activity.find(other => String(other.seq) === about);
      return entry ? aboutEntry(entry, store.snapshot, store.words) : gone;
    }
  }
}

/** Keys of the view under the help, and why those that can do nothing now can not. */
export function helpLines(store: Store): readonly Line[] {
  const mode: Mode = store.view;
  const modes: readonly Mode[] = mode === 'inbox' ? ['inbox', 'edit'] : [mode];
  const seen = new Set<Command>();
  return modes.flatMap(each =>
    helpOf(
      store.keymap,
      each,
      each === 'edit' ? ' While the answer is edited (Tab)' : ` Keys of this view: ${each}`,
      seen,
      command => (each === mode ? refusal(store, command) : undefined),
    ),
  );
}

const yesNo: Line = [['   y', 'key'], [' yes   '], ['n', 'key'], [' no, the safe answer']];

/** The question that waits for yes or no, under the list. */
export function confirmLines(store: Store): readonly Line[] {
  const { snapshot, words } = store;
  if (store.shell.getSnapshot().matches('quitting')) {
    const waiting = snapshot.requests.length;
    const runs = snapshot.status.kind === 'run' && snapshot.status.phase === 'running';
    return [
      [[` Quit? `, 'title'], [runs ? `The command still runs: quitting stops it (${snapshot.status.title}).` : '']],
      [[waiting ? `   ${words.leaving(waiting, snapshot.status)}` : '', 'warning']],
      yesNo,
    ];
  }
  const [what, id] = (store.overlay?.about ?? '').split(' ');
  if (what === 'signal') return [[[` Send ${id} to the command? `, 'title'], [snapshot.status.title]], [], yesNo];
  if (what === 'delete') {
    const rule = snapshot.rules.find(other => other.id === id);
    return [[[' Delete this rule? ', 'title'], ...(rule ? ruleSentence(rule) : [])], [[`   ${words.deleting}`, 'muted']], yesNo];
  }
  if (what === 'permit' || what === 'block') {
    const rule = snapshot.rules.find(other => other.id === id);
    if (!rule) return [[[' The rule is gone.', 'muted']], [], yesNo];
    return [
      [[' Change this rule? ', 'title'], ...ruleSentence({ ...rule, verdict: what })],
      [[`   It ${rule.verdict}s now.${rule.enabled ? '' : ' It is off, and stays so.'}`, 'muted']],
      yesNo,
    ];
  }
  const { sentence, confirming } = store.prompt.getSnapshot().context;
  if (!sentence || !confirming) return [];
  const preview = store.preview(sentence);
  const settles = new Set([...preview.settles, ...sentence.requests]).size;
  return [
    [
      [' For the whole program? ', 'title'],
      ...ruleSentence({
        verdict: confirming,
        scope: scopeOf(sentence),
        lifetime: boundLifetime(lifetimeOf(sentence), store.now()),
      }),
    ],
    [[`   ${words.covers(settles)}; would have matched ${preview.matched} of the last ${preview.of}`, 'muted']],
    yesNo,
  ];
}
