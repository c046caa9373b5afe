import type { ClassifyValues } from '../model/classify.ts';
import type { Guid } from '../model/guid.ts';
import type { SubLayer } from '../model/objects.ts';
import { type CalloutState, type Carried, type Outcome, outcomesOf } from './arbitration.ts';
import type { Entry } from './entry.ts';
import type { LayerFields } from './layer-fields.ts';
import type { SubLayerIndex } from './sublayer-index.ts';

export interface LayerSubLayer {
  subLayer: SubLayer;
  readonly index: SubLayerIndex;
}

export interface LayerState {
  readonly fields: LayerFields;
  /** Heaviest first. */
  subLayers: LayerSubLayer[];
  readonly waterfall: boolean;
  /** Filters that are not indexed yet. */
  readonly waiting: Entry[];
}

/** Heavier sublayers are visited first; equal weights cannot come from the engine, only from a list put together by hand. */
export const bySubLayerWeight = (a: LayerSubLayer, b: LayerSubLayer): number =>
  b.subLayer.weight - a.subLayer.weight || (a.subLayer.subLayerKey < b.subLayer.subLayerKey ? -1 : 1);

/** Stands for a sublayer that filters name but nobody described. */
export const placeholder = (key: Guid): SubLayer => ({ subLayerKey: key, displayData: { name: key }, flags: 0, weight: 0 });

/** What a matching filter of this layer yields. In a strict waterfall there is no right to write, so nothing is hard. */
export function yieldsOf(
  layer: LayerState,
  values: ClassifyValues,
  callouts: ReadonlyMap<Guid, CalloutState>,
): (right: boolean) => (entry: Entry) => readonly Outcome[] {
  return right => entry => {
    const outcomes = outcomesOf(entry, callouts, values, right || layer.waterfall);
    return layer.waterfall ? outcomes.map(outcome => ({ ...outcome, hard: false })) : outcomes;
  };
}

/** In a strict waterfall what is blocked is shown to nobody else: such states go to `ended`, the others stay. */
export function endBlocked(states: readonly Carried[], ended: Carried[]): readonly Carried[] {
  ended.push(...states.filter(state => state.action === 'block'));
  return states.filter(state => state.action !== 'block');
}
