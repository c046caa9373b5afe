import { WfpError } from '../model/error.ts';
import type { FilterEngine } from '../model/filter-engine.ts';
import { type Filter, OBJECT_FLAG } from '../model/objects.ts';
import { compileRule, contextKeyOf, filterKeyOf, isLasting } from './compile.ts';
import type { EngineForm } from './conditions.ts';
import { describeRule } from './describe.ts';
import { encodeRecord } from './record.ts';
import type { Rule } from './rule.ts';
import { RuleError } from './rule-error.ts';
import { canonicalScope } from './scope.ts';
import { RULE_LAYERS, SALLYPORT_PROVIDER } from './well-known.ts';

/** Where rules are kept. Without a dynamic session only lasting rules can be written. */
export interface RuleStore extends EngineForm {
  readonly engine: FilterEngine;
  readonly dynamic?: FilterEngine;
}

/** What to do to the rules. A rule in `put` replaces the one with its id. */
export interface RuleChange {
  readonly remove?: readonly Rule[];
  readonly put?: readonly Rule[];
}

const missing = new Set(['FWP_E_FILTER_NOT_FOUND', 'FWP_E_PROVIDER_CONTEXT_NOT_FOUND', 'FWP_E_NOT_FOUND']);

async function deleted(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof WfpError && missing.has(error.codeName))) throw error;
  }
}

async function erase(session: FilterEngine, rule: Rule): Promise<void> {
  for (const layer of RULE_LAYERS) await deleted(session.filterDeleteByKey(filterKeyOf(rule, layer)));
  await deleted(session.providerContextDeleteByKey(contextKeyOf(rule)));
}

async function write(session: FilterEngine, rule: Rule, form: EngineForm): Promise<readonly Filter[]> {
  if (rule.lifetime.kind === 'once') return [];
  if (!rule.enabled) {
    await session.providerContextAdd({
      providerContextKey: contextKeyOf(rule),
      displayData: { name: `disabled: ${describeRule(rule)}`.slice(0, 250) },
      flags: isLasting(rule.lifetime) ? OBJECT_FLAG.PERSISTENT : 0,
      providerKey: SALLYPORT_PROVIDER,
      dataBuffer: encodeRecord({ ...rule, scope: canonicalScope(rule.scope) }),
    });
    return [];
  }
  const filters: Filter[] = [];
  for (const filter of compileRule(rule, form)) filters.push(await session.filterAdd(filter));
  if (filters.length === 0) throw new RuleError(`"${describeRule(rule)}" can never match anything: no layer sees such traffic.`);
  return filters;
}

/**
 * Changes rules, each session in one transaction: all of it happens or nothing does. A rule whose lifetime moves it from one session to
 * the other is written at its new place before it is deleted at the old one, so there is no moment without it.
 * Returns the filters that were added, by rule id.
 * @param current the rules as they stand, to know where each one lives
 * @throws RuleError, WfpError; then nothing is changed in the session that failed
 */
export async function writeRules(
  store: RuleStore,
  current: readonly Rule[],
  change: RuleChange,
): Promise<ReadonlyMap<string, readonly Filter[]>> {
  const before = new Map(current.map(rule => [rule.id, rule]));
  const put = change.put ?? [];
  const ends = new Set((change.remove ?? []).map(rule => rule.id));
  const doomed = [
    ...put.map(rule => before.get(rule.id)),
    ...(change.remove ?? []).map(rule => before.get(rule.id) ?? rule),
  ].filter(rule => rule !== undefined);
  const added = new Map<string, readonly Filter[]>();
  const inSession = async (session: FilterEngine, lasting: boolean, late: boolean) => {
    const here = (rule: Rule) => isLasting(rule.lifetime) === lasting;
    const moved = (rule: Rule) =>
      put.some(next => next.id === rule.id && isLasting(next.lifetime) !== lasting) && !ends.has(rule.id);
    const erased = doomed.filter(rule => here(rule) && moved(rule) === late);
    const written = late ? [] : put.filter(here);
    if (erased.length === 0 && written.length === 0) return;
    await session.transaction(async () => {
      for (const rule of erased) await erase(session, rule);
      for (const rule of written) added.set(rule.id, await write(session, rule, store));
    });
  };
  const dynamic = store.dynamic;
  if (!dynamic && [...put, ...doomed].some(rule => !isLasting(rule.lifetime))) {
    throw new RuleError(
      'A rule that ends with a process or with Sallyport needs a running guard. Give it a duration or make it permanent.',
    );
  }
  await inSession(store.engine, true, false);
  if (dynamic) {
    await inSession(dynamic, false, false);
    await inSession(dynamic, false, true);
  }
  await inSession(store.engine, true, true);
  return added;
}
