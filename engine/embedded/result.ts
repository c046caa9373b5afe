import type { ClassifyResult } from '../model/classify.ts';
import type { Carried } from './arbitration.ts';
import { compareEntries, type Entry } from './entry.ts';
import type { LayerState } from './layer-state.ts';

const PERMIT = ['permit'] as const;
const BLOCK = ['block'] as const;
const BOTH = ['permit', 'block'] as const;

/** No filter matched. No Microsoft page says so in words; every default-deny product adds a block filter of its own, so it permits. */
export const NO_MATCH: ClassifyResult = { action: 'permit', pend: false, veto: false, possible: PERMIT, candidates: [] };

/** The result of one state that something decided. */
export function resultOfOne(state: Carried): ClassifyResult {
  if (state.entry === undefined || state.action === 'none') return NO_MATCH;
  return {
    action: state.action,
    filter: state.entry.filter,
    pend: state.pend,
    veto: state.veto,
    possible: state.action === 'permit' ? PERMIT : BLOCK,
    candidates: NO_MATCH.candidates,
  };
}

/** The filters that decide in one of the states: in the order of their sublayers, then by rank. */
export function decidersOf(states: readonly Carried[], layer: LayerState): readonly Entry[] {
  const position = new Map(layer.subLayers.map(({ subLayer }, at) => [subLayer.subLayerKey, at]));
  const at = (entry: Entry) => position.get(entry.filter.subLayerKey)!;
  return [...new Set(states.flatMap(state => state.entry ?? []))].sort((a, b) => at(a) - at(b) || compareEntries(a, b));
}

/**
 * The result of every state that is possible. When they agree on the action but not on the filter, the action is known, `filter` is
 * absent and `candidates` lists the filters.
 */
export function resultOf(states: readonly Carried[], layer: LayerState): ClassifyResult {
  if (states.length === 1) return resultOfOne(states[0]!);
  const permit = states.some(state => state.action !== 'block');
  const block = states.some(state => state.action === 'block');
  const deciders = decidersOf(states, layer);
  const only = deciders.length === 1 && states.every(state => state.entry !== undefined);
  return {
    action: permit && block ? 'unknown' : permit ? 'permit' : 'block',
    ...(only && !(permit && block) && { filter: deciders[0]!.filter }),
    pend: states.every(state => state.pend),
    veto: states.every(state => state.veto),
    possible: permit && block ? BOTH : permit ? PERMIT : BLOCK,
    candidates: only && !(permit && block) ? [] : deciders.map(entry => entry.filter),
  };
}
