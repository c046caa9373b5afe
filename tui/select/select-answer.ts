import { describeScope } from '../../engine/rules/describe.ts';
import type { Lifetime, Rule } from '../../engine/rules/rule.ts';
import type { GuardClient } from '../../machines/guard-client.ts';
import { lifetimeOf, type PartKey, partViews, type Sentence } from '../../machines/sentence.ts';
import { clean, cutMiddle } from '../text/clean.ts';
import { type Line, lineCells, type Span } from '../text/paint.ts';
import type { SourceWords } from './source-words.ts';
import { grouped, lifetimeWords } from './words.ts';

/** What stands before a part in the answer's sentence. */
const before: Readonly<Record<PartKey, string>> = {
  program: '  ',
  user: ' of ',
  remote: ' to ',
  port: ' port ',
  protocol: ' over ',
  lifetime: '  ',
};

/**
 * `Answer  ‹curl› to ‹telemetry.example› port ‹443› over ‹tcp›  ‹for ever›`. The focused part stands in brackets; a part that has only one
 * option has no mark. The user is named only when it is chosen or looked at.
 */
export function answerLine(sentence: Sentence, focus: PartKey | undefined, width = Number.POSITIVE_INFINITY): Line {
  const views = partViews(sentence).filter(({ key, canWiden }) => key !== 'user' || key === focus || canWiden);
  const make = (short: boolean, most: number): Line => [
    [short ? ' ' : ' Answer', 'heading'],
    [sentence.requests.length > 1 ? ` ${sentence.requests.length} marked` : '', 'waiting'],
    ...views.flatMap(({ key, label, canWiden, canNarrow }): Line => {
      const to = sentence.direction === 'in' ? ' from ' : ' to ';
      const word = key === 'remote' ? to : key === 'port' && label === 'any port' ? ' ' : before[key];
      const text = cutMiddle(clean(label), most);
      const span: Span =
        key === focus ? [`[${text}]`, 'partActive'] : canWiden || canNarrow ? [`‹${text}›`, 'part'] : [text, 'text'];
      return [[short && key !== 'remote' ? ' ' : word], span];
    }),
  ];
  // Every part stays in sight: first the words between them give way, then the middle of long names.
  let line = make(false, 200);
  if (lineCells(line) > width) line = make(true, 200);
  for (let most = 40; lineCells(line) > width && most >= 5; most--) line = make(true, most);
  return line;
}

/** While a part is edited: all its steps from narrow to wide, the chosen one marked. */
export function stepsLine(sentence: Sentence, focus: PartKey, width: number): Line {
  const { steps, at } = sentence[focus];
  const from = (first: number): Line => [
    [`   ${focus.padEnd(9)}`, 'muted'],
    [first > 0 ? '… < ' : '', 'muted'],
    ...steps.slice(first).flatMap(
      (step, i): Line => [
        [i ? ' < ' : '', 'muted'],
        [first + i === at ? `[${step.label}]` : step.label, first + i === at ? 'partActive' : 'muted'],
      ],
    ),
  ];
  // The chosen step and the one wider than it are always seen.
  let first = 0;
  while (first < at && lineCells(from(first).slice(0, 2 + 2 * (Math.min(at + 1, steps.length - 1) - first + 1))) > width) first++;
  return from(first);
}

/** What an answer would do, as the guard computed it: how many requests it answers, what it would have matched. */
export function coverLine(sentence: Sentence, preview: ReturnType<GuardClient['preview']>, words: SourceWords): Line {
  const once = lifetimeOf(sentence).kind === 'once';
  const settles = once ? sentence.requests.length : new Set([...preview.settles, ...sentence.requests]).size;
  if (once) return [[`   ${words.once(settles)}`, 'muted']];
  const past = preview.of > 0 ? `; would have matched ${preview.matched} of the last ${grouped(preview.of)}` : '';
  return [[`   ${words.covers(settles)}${past}`, 'muted']];
}

/** A rule as one sentence: `block curl → telemetry.example port 443 over tcp, for ever`. */
export const ruleSentence = (rule: Pick<Rule, 'verdict' | 'scope'> & { readonly lifetime: Lifetime }, now?: number): Line => [
  [rule.verdict, rule.verdict === 'permit' ? 'permit' : 'block'],
  [` ${describeScope(rule.scope)}, ${lifetimeWords(rule.lifetime, now)}`],
];
