import { Document, isMap, isSeq, LineCounter, parseDocument } from 'yaml';
import { describeLifetime, describeRule } from './describe.ts';
import { fromEntry, toEntry } from './exchange-entry.ts';
import type { Rule } from './rule.ts';
import { RuleError } from './rule-error.ts';

/** The most that is read from a stranger's file. */
export const FILE_MAX = 32 * 1024 * 1024;
export const RULES_MAX = 200_000;
const FORMAT = 1;

const order = ({ scope, verdict, id }: Rule): string =>
  [
    scope.direction,
    scope.app ?? '',
    JSON.stringify(scope.remote),
    String(scope.port?.from ?? 0).padStart(5, '0'),
    verdict,
    id,
  ].join('\0');

/** The order in which rules are written: by what they are about, so that a change of one rule is one change of the file. */
const sorted = (rules: readonly Rule[]): readonly Rule[] =>
  rules
    .map(rule => ({ rule, key: order(rule) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ rule }) => rule);

/** Builtin rules come with each run and answers given once are no rules: neither is written. */
const written = (rules: readonly Rule[]): readonly Rule[] =>
  sorted(rules.filter(rule => rule.origin !== 'builtin' && rule.lifetime.kind !== 'once'));

/** Rules as JSON: the same rules give the same text. */
export const exportJson = (rules: readonly Rule[]): string =>
  `${JSON.stringify({ sallyport: FORMAT, rules: written(rules).map(toEntry) }, null, 2)}\n`;

/** Rules as YAML, each under a sentence that says what it does. */
export function exportYaml(rules: readonly Rule[]): string {
  const all = written(rules);
  const document = new Document({ sallyport: FORMAT, rules: all.map(toEntry) });
  document.commentBefore = ' Sallyport rules. Read back with: sallyport rules import FILE';
  const items = document.get('rules');
  if (isSeq(items)) {
    for (const [index, rule] of all.entries()) {
      const item = items.items[index];
      if (isMap(item))
        item.commentBefore = ` ${describeRule(rule)}, ${describeLifetime(rule.lifetime)}${rule.enabled ? '' : ' (disabled)'}`;
    }
  }
  return document.toString({ lineWidth: 0 });
}

interface Source {
  readonly value: unknown;
  /** Where the rule of this index stands, for a message. */
  readonly where: (index: number) => string;
}

function readJson(text: string, name: string): Source {
  try {
    return { value: JSON.parse(text), where: index => `${name}, rule ${index + 1}` };
  } catch (error) {
    throw new RuleError(
      `${name} is not JSON: ${error instanceof Error ? error.message : String(error)}. Correct it and try again.`,
    );
  }
}

function readYaml(text: string, name: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const [problem] = document.errors;
  if (problem)
    throw new RuleError(`${name}, line ${lines.linePos(problem.pos[0]).line}: ${problem.message} Correct it and try again.`);
  const items = document.get('rules');
  const lineOf = (index: number) => {
    const item = isSeq(items) ? items.items[index] : undefined;
    const at = isMap(item) ? item.range?.[0] : undefined;
    return at === undefined ? '' : `, line ${lines.linePos(at).line}`;
  };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // Aliases are resolved only here: one that points nowhere, or too many of them.
    throw new RuleError(`${name}: ${(error as Error).message}. Write the values out instead of using aliases.`);
  }
  return { value, where: index => `${name}${lineOf(index)}, rule ${index + 1}` };
}

function rulesOf(value: unknown, name: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null || !('rules' in value) || !Array.isArray(value.rules)) {
    throw new RuleError(
      `${name} holds no rules: it must have the members "sallyport: ${FORMAT}" and "rules", as \`sallyport rules export\` writes them.`,
    );
  }
  const format = 'sallyport' in value ? value.sallyport : FORMAT;
  if (format !== FORMAT)
    throw new RuleError(`${name} has format ${String(format)}: this Sallyport reads format ${FORMAT}. Use a newer one.`);
  if (value.rules.length > RULES_MAX)
    throw new RuleError(`${name} has ${value.rules.length} rules: ${RULES_MAX} are possible in one file. Split it.`);
  return value.rules;
}

/**
 * Reads rules from JSON or YAML; which of them is seen from the text.
 * @param name of the file, for messages
 * @param now for rules that do not say when they were made, milliseconds since the epoch
 * @throws RuleError: file, line or number of the rule, what is wrong. Then nothing was taken.
 */
export function importRules(text: string, name: string, now: number): readonly Rule[] {
  if (text.length > FILE_MAX) throw new RuleError(`${name} has ${text.length} characters: ${FILE_MAX} are possible. Split it.`);
  const { value, where } = text.trimStart().startsWith('{') ? readJson(text, name) : readYaml(text, name);
  const ids = new Map<string, number>();
  return rulesOf(value, name).map((item, index) => {
    let rule: Rule;
    try {
      rule = fromEntry(item, now);
    } catch (error) {
      throw new RuleError(`${where(index)}: ${error instanceof Error ? error.message : String(error)}`);
    }
    const first = ids.get(rule.id);
    if (first !== undefined)
      throw new RuleError(`${where(index)}: it has the same id as rule ${first + 1}. Remove one of the two ids, or one rule.`);
    ids.set(rule.id, index);
    return rule;
  });
}
