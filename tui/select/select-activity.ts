import { stripVTControlCharacters } from 'node:util';
import type { ActivityEntry, GuardSnapshot, OutputLine } from '../../machines/guard-client.ts';
import type { Line, Span } from '../text/paint.ts';
import type { SourceWords } from './source-words.ts';
import {
  commandText,
  countOf,
  pidWords,
  programName,
  protocolName,
  shortCommand,
  targetText,
  timeOfDay,
  tookWords,
  verdictSpan,
} from './words.ts';

/** What decided, in a few words. */
export function decidedBy(entry: ActivityEntry): string {
  const { by } = entry;
  switch (by.kind) {
    case 'person':
      return entry.ruleId ? 'you, a rule' : 'you';
    case 'rule':
      return `rule ${by.ruleId.slice(0, 8)}`;
    case 'filter':
      return `filter ${by.filterId}`;
    case 'default':
      return by.reason === 'timeout' ? 'nobody answered' : by.reason === 'no-person' ? 'nobody was there' : 'an error';
    case 'no-match':
      return 'no filter matched';
  }
}

const entryText = (entry: ActivityEntry): string =>
  `${entry.verdict} ${programName(entry.attempt.identity)} ${commandText(entry.attempt.identity)} ${targetText(entry.attempt)} ${entry.attempt.remote?.address ?? ''} ${decidedBy(entry)} ${entry.result ?? ''}`;

/** What was asked and decided, newest first. */
export function activityRows(activity: readonly ActivityEntry[], query: string): readonly ActivityEntry[] {
  const wanted = query.toLowerCase();
  const rows: ActivityEntry[] = [];
  for (let i = activity.length - 1; i >= 0; i--) {
    const entry = activity[i]!;
    if (!wanted || entryText(entry).toLowerCase().includes(wanted)) rows.push(entry);
  }
  return rows;
}

/** One decided attempt as a row; what it came to stands last, because it is learned last. */
export function activityRow(entry: ActivityEntry): { readonly left: Line; readonly right: Line } {
  return {
    left: [
      [` ${timeOfDay(entry.at)} `, 'muted'],
      verdictSpan(entry.verdict),
      ['  '],
      [programName(entry.attempt.identity)],
      [' → ', 'muted'],
      [targetText(entry.attempt)],
      [` ${protocolName(entry.attempt.protocol).toLowerCase()}`, 'muted'],
    ],
    right: [
      ['  '],
      [decidedBy(entry).padEnd(15), entry.by.kind === 'default' ? 'warning' : 'muted'],
      [tookWords(entry.waited).padStart(7), 'muted'],
      [` ${(entry.result ?? '').padEnd(7)} `, entry.result && entry.result !== 'ok' ? 'warning' : 'muted'],
    ],
  };
}

const label = (text: string): Line[number] => [` ${text.padEnd(10)}`, 'muted'];

/** A person's answer that became a rule. */
const isAnswer = (entry: ActivityEntry): boolean => entry.by.kind === 'person' && entry.ruleId !== undefined;

/** When an answer's rule first decided something after it; undefined: nothing came yet. */
const retryOf = (activity: readonly ActivityEntry[], { ruleId, seq }: ActivityEntry): ActivityEntry | undefined =>
  activity.find(other => other.seq > seq && other.by.kind === 'rule' && other.by.ruleId === ruleId);

function retryText(activity: readonly ActivityEntry[], entry: ActivityEntry): Span {
  const retry = retryOf(activity, entry);
  return retry ? [`came at ${timeOfDay(retry.at)}: ${retry.verdict}`] : ['not seen yet', 'muted'];
}

/** How many of the answers were followed by another try, where an answer is for the next one; empty before the first answer. */
export function retriesLine(activity: readonly ActivityEntry[]): Line {
  const answers = activity.filter(isAnswer);
  const came = answers.filter(entry => retryOf(activity, entry) !== undefined).length;
  return answers.length === 0
    ? []
    : [[`   ${countOf(came, 'next try', 'next tries')} of ${countOf(answers.length, 'answer')} came.`, 'muted']];
}

/** Everything about one line of activity. */
export function aboutEntry(
  entry: ActivityEntry,
  { rules, activity }: Pick<GuardSnapshot, 'rules' | 'activity'>,
  words: SourceWords,
): readonly Line[] {
  const { identity, remote, names } = entry.attempt;
  return [
    [verdictSpan(entry.verdict), [`  ${programName(identity)} → ${targetText(entry.attempt)}`, 'title']],
    [],
    [
      label('decided'),
      [`${decidedBy(entry)} at ${timeOfDay(entry.at)}`],
      [entry.waited ? `, after ${tookWords(entry.waited)}` : '', 'muted'],
    ],
    [label('result'), [entry.result ?? 'not known']],
    ...(words.tellsRetries && isAnswer(entry) ? [[label('next try'), retryText(activity, entry)] as Line] : []),
    [label('filter'), [entry.filterId ?? 'none']],
    [label('rule'), [entry.ruleId ? (rules.find(rule => rule.id === entry.ruleId)?.id ?? `${entry.ruleId} (gone)`) : 'none']],
    [label('layer'), [`${entry.attempt.layer}_${entry.attempt.family.toUpperCase()}`]],
    [label('program'), [identity.path ?? 'path not known']],
    [label('command'), [commandText(identity)]],
    ...identity.parents.map(
      (parent, i): Line => [label(i ? '' : 'parents'), [`${parent.pid} `, 'muted'], [shortCommand(parent)]],
    ),
    [label('address'), [remote ? `${remote.address} port ${remote.port}` : 'none']],
    [label('names'), [names.map(evidence => `${evidence.name} (${evidence.kind})`).join(', ') || words.unnamed[1]]],
    [label('user'), [identity.user ?? identity.sid ?? 'not known'], [`  ${pidWords(identity)}`, 'muted']],
  ];
}

/** Lines of the command's output that hold `query`. */
export function outputRows(output: readonly OutputLine[], query: string): readonly OutputLine[] {
  const wanted = query.toLowerCase();
  return wanted ? output.filter(line => line.text.toLowerCase().includes(wanted)) : output;
}

export const outputRow = (line: OutputLine): Line => [
  [line.stream === 'stderr' ? ' ! ' : '   ', 'warning'],
  [stripVTControlCharacters(line.text), line.stream === 'stderr' ? 'warning' : 'text'],
];
