import type { GuardSnapshot, GuardStatus } from '../../machines/guard-client.ts';
import { VIEWS, type ViewName } from '../../machines/shell-machine.ts';
import type { Line } from '../text/paint.ts';
import { wordsOf } from './source-words.ts';
import { grouped } from './words.ts';

/** The first deadline among what waits; undefined when nothing waits or nothing has one. */
export function firstDeadline(snapshot: GuardSnapshot): number | undefined {
  let first: number | undefined;
  for (const { deadline } of snapshot.requests)
    if (deadline !== undefined && (first === undefined || deadline < first)) first = deadline;
  return first;
}

const failWords = {
  closed: 'fails closed',
  open: 'fails open',
  none: 'recorded: nothing is enforced',
} as const;

function guarded({ phase, title }: GuardStatus): string {
  return phase === 'failed' || phase === 'starting' ? `${title} ${phase}` : title;
}

/** `ended, exit code 0`; undefined while it goes on. */
function ending({ phase, exit }: GuardStatus): string | undefined {
  if (phase !== 'ended') return undefined;
  const { code, signal } = exit ?? { code: null, signal: null };
  return `ended${signal ? ` by ${signal}` : code === null ? '' : `, exit code ${code}`}`;
}

export interface StatusModel {
  readonly left: Line;
  /** Changes fastest, so it stands last on the line. */
  readonly right: Line;
}

/** The status line: what is guarded, how many are open, fail policy, what becomes of what nobody answers. Every part true at `now`. */
export function selectStatus(snapshot: GuardSnapshot, now: number, columns = 80): StatusModel {
  const { status } = snapshot;
  const left: Line = [[' sallyport', 'title'], ['  '], [guarded(status), status.phase === 'failed' ? 'error' : 'text']];
  if (status.kind === 'idle') return { left, right: [['nothing is guarded ', 'muted']] };
  const waiting = snapshot.requests.length;
  const deadline = firstDeadline(snapshot);
  // The narrow screen keeps what is urgent; how it fails is said in words where there is room, always when it is not closed.
  const fails: Line =
    columns < 72 && status.failPolicy === 'closed'
      ? []
      : [[failWords[status.failPolicy], status.failPolicy === 'closed' ? 'muted' : 'warning'], ['  ']];
  const ended = ending(status);
  // What the command left behind may still wait; when nothing does, nobody has to answer any more.
  if (ended !== undefined && waiting === 0)
    return { left, right: [...fails, [`${ended} `, status.exit?.code === 0 ? 'muted' : 'warning']] };
  const words = wordsOf(status.kind);
  const nobody = words.unanswered(status, deadline === undefined ? undefined : deadline - now, columns >= 72);
  const urgent = deadline !== undefined && deadline - now <= 5000;
  return {
    left,
    right: [
      ...fails,
      [words.open(waiting), waiting > 0 ? 'waiting' : 'muted'],
      ['  '],
      [`${nobody} `, urgent ? 'urgent' : waiting > 0 && status.timeout !== undefined ? 'text' : 'muted'],
    ],
  };
}

export type View = ViewName;
const titles: Readonly<Record<View, string>> = {
  inbox: 'Inbox',
  activity: 'Activity',
  rules: 'Rules',
  filters: 'Filters',
  output: 'Output',
};

/** The line of tabs: ` 1 Inbox 3   2 Activity   3 Rules 14…`. */
export function selectTabs(snapshot: GuardSnapshot, view: View, columns = 80): Line {
  const narrow = columns < 66;
  const counts: Partial<Record<View, number>> = {
    inbox: snapshot.requests.length,
    rules: snapshot.rules.length,
    filters: snapshot.filters.length,
  };
  return VIEWS.flatMap((name, i): Line => {
    const count = counts[name];
    const text = `${i + 1} ${titles[name]}${count && (!narrow || name === 'inbox') ? ` ${grouped(count)}` : ''}`;
    return [
      [view === name ? '[' : ' ', view === name ? 'text' : 'muted'],
      [text, view === name ? 'tabActive' : 'muted'],
      [`${view === name ? ']' : ' '}${narrow ? '' : ' '}`, view === name ? 'text' : 'muted'],
    ];
  });
}
