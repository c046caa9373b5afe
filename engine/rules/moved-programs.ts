import { CONDITION_KEY } from '../model/keys.gen.ts';
import type { Filter } from '../model/objects.ts';
import { compileRule } from './compile.ts';
import { textOfBlob } from './conditions.ts';
import { readRules } from './read-rules.ts';
import type { Rule } from './rule.ts';
import { RuleError } from './rule-error.ts';
import { RULE_LAYERS, SALLYPORT_PROVIDER } from './well-known.ts';
import { type RuleStore, writeRules } from './write-rules.ts';

/** Rules whose filters do not name the rule's program as the engine names it today. */
export interface MovedPrograms {
  /** Volumes are numbered anew when disks change, and filters keep the number: these would be other filters if they were written now. */
  readonly moved: readonly Rule[];
  /** No filter can be made of these now: their drive is not there. Their filters stay as they are. */
  readonly lost: readonly Rule[];
}

type Program = Pick<Filter, 'filterCondition'>;

function appIdIn({ filterCondition }: Program): string | undefined {
  for (const { fieldKey, conditionValue } of filterCondition)
    if (fieldKey === CONDITION_KEY.ALE_APP_ID && conditionValue.type === 'FWP_BYTE_BLOB_TYPE')
      return textOfBlob(conditionValue.value);
  return undefined;
}

/** Compares the rules' filters with what their records would become today. Changes nothing. */
export async function movedPrograms(store: RuleStore): Promise<MovedPrograms> {
  const { engine } = store;
  if (!store.appIdOf) return { moved: [], lost: [] };
  const filters = new Map<string, Filter>();
  for (const { layerKey } of RULE_LAYERS)
    for (const filter of await engine.filterEnum({ providerKey: SALLYPORT_PROVIDER, layerKey }))
      filters.set(filter.filterKey, filter);
  const moved: Rule[] = [];
  const lost: Rule[] = [];
  for (const rule of (await readRules(engine)).rules) {
    if (rule.scope.app === undefined || !rule.enabled) continue;
    try {
      const differs = compileRule(rule, store).some(made => {
        const stands = filters.get(made.filterKey ?? '');
        return stands !== undefined && appIdIn(stands) !== appIdIn(made);
      });
      if (differs) moved.push(rule);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      lost.push(rule);
    }
  }
  return { moved, lost };
}

/** Writes the filters of moved programs anew, all or none. Returns what was found. @throws WfpError; nothing is changed then */
export async function renewPrograms(store: RuleStore): Promise<MovedPrograms> {
  const found = await movedPrograms(store);
  if (found.moved.length > 0) await writeRules(store, found.moved, { put: found.moved });
  return found;
}
