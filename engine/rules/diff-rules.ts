import type { Filter } from '../model/objects.ts';
import { readRules } from './read-rules.ts';
import type { Rule } from './rule.ts';
import { scopeKey } from './scope.ts';
import { type RuleStore, writeRules } from './write-rules.ts';

/** What separates the rules as they are from the rules as they should be. */
export interface RuleDiff {
  readonly add: readonly Rule[];
  readonly change: readonly { readonly from: Rule; readonly to: Rule }[];
  readonly remove: readonly Rule[];
  readonly same: readonly Rule[];
}

const content = ({ verdict, scope, lifetime, enabled, note, origin }: Rule): string =>
  JSON.stringify([verdict, scopeKey(scope), lifetime, enabled, note ?? '', origin]);

/**
 * Compares rules by id, and those that have no partner by scope: a rule from a file that covers what an existing one covers is a change of that,
 * not a second rule. Builtin rules are left alone. `remove` holds what is only in `current`; a caller that merges ignores it.
 */
export function diffRules(current: readonly Rule[], wanted: readonly Rule[]): RuleDiff {
  const mine = current.filter(rule => rule.origin !== 'builtin');
  const byId = new Map(mine.map(rule => [rule.id, rule]));
  const wantedIds = new Set(wanted.map(rule => rule.id));
  const byScope = new Map(mine.filter(rule => !wantedIds.has(rule.id)).map(rule => [scopeKey(rule.scope), rule]));
  const left = new Set(mine);
  const add: Rule[] = [];
  const change: { from: Rule; to: Rule }[] = [];
  const same: Rule[] = [];
  for (const rule of wanted) {
    const partner = byId.get(rule.id) ?? byScope.get(scopeKey(rule.scope));
    if (!partner || !left.delete(partner)) {
      add.push(rule);
      continue;
    }
    const to = { ...rule, id: partner.id, createdAt: partner.createdAt };
    if (content(partner) === content(to)) same.push(partner);
    else change.push({ from: partner, to });
  }
  return { add, change, remove: [...left], same };
}

/**
 * Makes the rules so: adds, changes and removes in one transaction per session; all of it happens or nothing does.
 * Returns the filters that were added, by rule id.
 */
export async function applyRules(
  store: RuleStore,
  diff: Pick<RuleDiff, 'add' | 'change' | 'remove'>,
): Promise<ReadonlyMap<string, readonly Filter[]>> {
  const { rules } = await readRules(store.engine);
  return writeRules(store, rules, { put: [...diff.add, ...diff.change.map(({ to }) => to)], remove: diff.remove });
}
