import { describeLifetime, describeScope } from '../../../engine/rules/describe.ts';
import { toEntry } from '../../../engine/rules/exchange-entry.ts';
import type { Rule } from '../../../engine/rules/rule.ts';
import { textTable } from '../table.ts';

/** Rules as a table for people. */
export function rulesTable(rules: readonly Rule[], now: number): string {
  if (rules.length === 0) return 'no rules: answers given for ever, or `sallyport rules add`, make them\n';
  return textTable(
    ['ID', 'VERDICT', 'RULE', 'LIFETIME', 'STATE', 'NOTE'],
    rules.map(rule => [
      rule.id.slice(0, 8),
      rule.verdict,
      describeScope(rule.scope, { fullPath: true }),
      describeLifetime(rule.lifetime, now),
      rule.enabled ? 'on' : 'off',
      rule.note ?? '',
    ]),
  );
}

/** One rule in stable JSON: the same members as in an export. */
export const ruleJson = (rule: Rule): unknown => toEntry(rule);
