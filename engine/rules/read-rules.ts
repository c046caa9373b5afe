import type { FilterEngine } from '../model/filter-engine.ts';
import type { Filter } from '../model/objects.ts';
import { ruleLayersOf } from './compile.ts';
import { decodeRecord, recordOfFilter } from './record.ts';
import type { Rule } from './rule.ts';
import { RULE_LAYERS, SALLYPORT_PROVIDER } from './well-known.ts';

/** FWPM_FILTER_ENUM_FLAG_INCLUDE_DISABLED */
const INCLUDE_DISABLED = 0x10;

export interface RulesRead {
  /** Oldest first. */
  readonly rules: readonly Rule[];
  /** Sentences about what could not be read or is not whole. */
  readonly problems: readonly string[];
}

/** Filters of ours that carry no record: those that ask and the permits of the set-up. */
const isBase = (filter: Filter): boolean => !filter.providerData || filter.providerData.length === 0;

/**
 * Rebuilds the rules from the engine's objects alone: enabled ones from their filters, disabled ones from their provider contexts.
 * What others wrote, or what is broken, is left out and told; nothing is changed.
 */
export async function readRules(engine: FilterEngine): Promise<RulesRead> {
  const rules = new Map<string, { readonly rule: Rule; readonly layers: Set<string> }>();
  const problems: string[] = [];
  for (const layer of RULE_LAYERS) {
    const filters = await engine.filterEnum({
      providerKey: SALLYPORT_PROVIDER,
      layerKey: layer.layerKey,
      flags: INCLUDE_DISABLED,
    });
    for (const filter of filters) {
      if (isBase(filter)) continue;
      const rule = recordOfFilter(filter);
      if (typeof rule === 'string') {
        problems.push(
          `Filter ${filter.filterId} at ${layer.name} ${rule}. It still decides; delete it by its key ${filter.filterKey}.`,
        );
        continue;
      }
      const seen = rules.get(rule.id);
      if (seen) seen.layers.add(layer.layerKey);
      else rules.set(rule.id, { rule, layers: new Set([layer.layerKey]) });
    }
  }
  for (const { rule, layers } of rules.values()) {
    const names = ruleLayersOf(rule.scope).flatMap(layer => (layers.has(layer.layerKey) ? [] : layer.name));
    if (names.length > 0)
      problems.push(`Rule ${rule.id} has no filter at ${names.join(', ')}: it covers less than it says. Save it again.`);
  }
  for (const context of await engine.providerContextEnum({ providerKey: SALLYPORT_PROVIDER })) {
    const rule = decodeRecord(context.dataBuffer);
    if (typeof rule === 'string') problems.push(`Provider context ${context.providerContextKey} ${rule}. It decides nothing.`);
    else if (!rules.has(rule.id)) rules.set(rule.id, { rule: { ...rule, enabled: false }, layers: new Set() });
  }
  const all = Array.from(rules.values(), entry => entry.rule);
  return { rules: all.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)), problems };
}

/** The rules alone. */
export const rulesFromEngine = async (engine: FilterEngine): Promise<readonly Rule[]> => (await readRules(engine)).rules;
