import { boundLifetime, lifetimeOf, scopeOf } from '../../machines/sentence.ts';
import { keyLabel } from '../keymap.ts';
import { type Command, commandInfo, type Mode } from '../keys/commands.ts';
import { aboutEntry } from '../select/select-activity.ts';
import { ruleSentence } from '../select/select-answer.ts';
import { aboutFilter } from '../select/select-filters.ts';
import { aboutRule } from '../select/select-rules.ts';
import { whyLines } from '../select/select-why.ts';
import { countOf } from '../select/words.ts';
import type { Store } from '../state/store.ts';
import { refusal } from '../state/when.ts';
import type { Line } from '../text/paint.ts';

const gone: readonly Line[] = [[['   It is gone. Esc goes back.', 'muted']]];

const whyMemo = new WeakMap<Store, { about: string; filters: unknown; lines: readonly Line[] }>();

/** Computed again when the filters changed, so that what it says is true now. */
function why(store: Store, about: string): readonly Line[] {
  const { filters, layers, requests, activity } = store.snapshot;
  const known = whyMemo.get(store);
  if (known?.about === about && known.filters === filters) return known.lines;
  const [kind, id] = about.split(' ');
  const attempt =
    kind === 'request'
      ? requests.find(request => request.id === Number(id))?.attempt
      : activity.find(entry => entry.seq === Number(id))?.attempt;
  if (!attempt) return known?.about === about ? known.lines : gone;
  let lines: readonly Line[];
  try {
    lines = whyLines(attempt, store.client.explain(attempt), layers);
  } catch (error) {
    lines = [[[`   This can not be explained: ${error instanceof Error ? error.message : String(error)}`, 'warning']]];
  }
  whyMemo.set(store, { about, filters, lines });
  return lines;
}

/** What lies over the view as text: why, everything about one filter, rule or line of activity. */
export function overlayLines(store: Store): readonly Line[] {
  const overlay = store.overlay!;
  const about = overlay.about ?? '';
  const { filters, rules, activity } = store.snapshot;
  switch (overlay.name) {
    case 'why':
      return why(store, about);
    case 'filter': {
      const filter = filters.find(other => other.filterKey === about);
      return filter ? aboutFilter(filter, store.snapshot) : gone;
    }
    case 'rule': {
      const rule = rules.find(other => other.id === about);
      return rule ? aboutRule(rule) : gone;
    }
    default: {
      const entry = activity.find(other => String(other.seq) === about);
      return entry ? aboutEntry(entry, rules) : gone;
    }
  }
}

/** Keys of the view under the help, and why those that can do nothing now can not. */
export function helpLines(store: Store): readonly Line[] {
  const mode: Mode = store.view;
  const modes: readonly Mode[] = mode === 'inbox' ? ['inbox', 'edit'] : [mode];
  const seen = new Set<Command>();
  return modes.flatMap((each): readonly Line[] => [
    [[each === 'edit' ? ' While the answer is edited (Tab)' : ` Keys of this view: ${each}`, 'heading']],
    ...store.keymap
      .inMode(each)
      .filter(command => store.keymap.keys(command).length > 0 && !seen.has(command) && seen.add(command))
      .map((command): Line => {
        const why = each === mode ? refusal(store, command) : undefined;
        const keys = store.keymap.keys(command).map(keyLabel).join(' ');
        return [
          [`   ${keys.padEnd(16)} `, 'key'],
          [commandInfo(command).title, why ? 'muted' : 'text'],
          [why ? `   not now: ${why}` : '', 'muted'],
        ];
      }),
    [],
  ]);
}

const yesNo: Line = [['   y', 'key'], [' yes   '], ['n', 'key'], [' no, the safe answer']];

/** The question that waits for yes or no, under the list. */
export function confirmLines(store: Store): readonly Line[] {
  const { snapshot } = store;
  if (store.shell.getSnapshot().matches('quitting')) {
    const waiting = snapshot.requests.length;
    const runs = snapshot.status.kind === 'run' && snapshot.status.phase === 'running';
    return [
      [[` Quit? `, 'title'], [runs ? `The command still runs: quitting stops it (${snapshot.status.title}).` : '']],
      [
        [
          waiting
            ? `   ${countOf(waiting, 'request')} ${waiting === 1 ? 'waits' : 'wait'} and will be ${snapshot.status.failPolicy === 'open' ? 'permitted' : 'blocked'}.`
            : '',
          'warning',
        ],
      ],
      yesNo,
    ];
  }
  const [what, id] = (store.overlay?.about ?? '').split(' ');
  if (what === 'signal') return [[[` Send ${id} to the command? `, 'title'], [snapshot.status.title]], [], yesNo];
  if (what === 'delete') {
    const rule = snapshot.rules.find(other => other.id === id);
    return [
      [[' Delete this rule? ', 'title'], ...(rule ? ruleSentence(rule) : [])],
      [['   What it decided is asked again from then on.', 'muted']],
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
    [
      [
        `   settles ${countOf(settles, 'waiting request')}; would have matched ${preview.matched} of the last ${preview.of}`,
        'muted',
      ],
    ],
    yesNo,
  ];
}
