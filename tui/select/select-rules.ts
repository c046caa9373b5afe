import { describeScope } from '../../engine/rules/describe.ts';
import type { Rule } from '../../engine/rules/rule.ts';
import type { Line } from '../text/paint.ts';
import { lifetimeWords, timeOfDay, verdictSpan } from './words.ts';

const origins = { prompt: 'asked', command: 'command', import: 'import', builtin: 'built in' } as const;

const ruleText = (rule: Rule): string =>
  `${rule.verdict} ${describeScope(rule.scope, { fullPath: true })} ${lifetimeWords(rule.lifetime)} ${rule.note ?? ''}`;

/** Rules, newest first; `query` keeps those that hold its text. */
export function ruleRows(rules: readonly Rule[], query: string): readonly Rule[] {
  const wanted = query.toLowerCase();
  return rules
    .filter(rule => !wanted || ruleText(rule).toLowerCase().includes(wanted))
    .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1));
}

/** One rule as a row. What never changes stands left. */
export function ruleRow(rule: Rule): { readonly left: Line; readonly right: Line } {
  return {
    left: [
      [rule.enabled ? ' on  ' : ' off ', rule.enabled ? 'text' : 'warning'],
      verdictSpan(rule.verdict),
      ['  '],
      [describeScope(rule.scope), rule.enabled ? 'text' : 'muted'],
      [rule.note ? `  “${rule.note}”` : '', 'muted'],
    ],
    right: [[`  ${lifetimeWords(rule.lifetime)} `, rule.lifetime.kind === 'permanent' ? 'muted' : 'waiting']],
  };
}

const label = (text: string): Line[number] => [` ${text.padEnd(10)}`, 'muted'];

/** Everything about one rule. */
export const aboutRule = (rule: Rule): readonly Line[] => [
  [[' Rule  ', 'title'], verdictSpan(rule.verdict), [`  ${describeScope(rule.scope)}`]],
  [],
  [label('program'), [rule.scope.app ?? 'any program']],
  [label('covers'), [describeScope(rule.scope, { fullPath: true })]],
  [label('lifetime'), [lifetimeWords(rule.lifetime)]],
  [label('state'), [rule.enabled ? 'enabled' : 'disabled', rule.enabled ? 'text' : 'warning']],
  [label('note'), [rule.note ?? 'none']],
  [
    label('origin'),
    [`${origins[rule.origin]}, ${new Date(rule.createdAt).toISOString().slice(0, 10)} ${timeOfDay(rule.createdAt)}`],
  ],
  [label('id'), [rule.id]],
];
