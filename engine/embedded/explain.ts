import type { ClassifyTrace, ClassifyValues, ConditionTrace, FilterTrace, SubLayerTrace } from '../model/classify.ts';
import type { Guid } from '../model/guid.ts';
import type { Filter } from '../model/objects.ts';
import type { FwpValue } from '../model/value.ts';
import { type CalloutState, type Carried, descend, mergeAll, NOTHING, type Step, type SubLayerOutcomes } from './arbitration.ts';
import { compileCondition, fieldName, type Match, NO, needsOf, UNKNOWN, YES } from './condition.ts';
import type { Entry } from './entry.ts';
import { endBlocked, type LayerState, type LayerSubLayer, yieldsOf } from './layer-state.ts';
import { decidersOf, resultOf } from './result.ts';

const WORD = { [NO]: 'not-matched', [YES]: 'matched', [UNKNOWN]: 'unknown' } as const;

function traceConditions(filter: Filter, values: ClassifyValues): readonly ConditionTrace[] {
  return filter.filterCondition.map((condition, index) => {
    const value: FwpValue | undefined = values[fieldName(condition.fieldKey)];
    const match: Match = value === undefined ? UNKNOWN : compileCondition(condition)(value);
    return match === UNKNOWN ? { index, outcome: 'unknown', needs: needsOf(condition, value) } : { index, outcome: WORD[match] };
  });
}

/** What would settle whether a filter matches: the unknown conditions of the fields that no other condition settles. */
function needsOfFilter(filter: Filter, conditions: readonly ConditionTrace[]): readonly string[] {
  const settled = new Set(
    conditions.filter(({ outcome }) => outcome === 'matched').map(({ index }) => filter.filterCondition[index]!.fieldKey),
  );
  return conditions.flatMap(({ index, needs }) =>
    needs === undefined || settled.has(filter.filterCondition[index]!.fieldKey) ? [] : [needs],
  );
}

function traceFilter(step: Step, values: ClassifyValues): FilterTrace {
  const { entry, match, outcomes } = step;
  const conditions = traceConditions(entry.filter, values);
  const base = { filter: entry.filter, outcome: WORD[match], conditions };
  const only = outcomes.length === 1 ? outcomes[0] : undefined;
  const note = outcomes.find(outcome => outcome.note !== undefined)?.note;
  return {
    ...base,
    ...(only && { yields: only.action }),
    ...(only && only.action !== 'continue' && { hard: only.hard }),
    ...(note !== undefined && { note }),
  };
}

const one = <T>(values: readonly T[]): T | undefined => (new Set(values).size === 1 ? values[0] : undefined);

function traceSubLayer(
  { subLayer }: LayerSubLayer,
  entries: readonly Entry[],
  result: SubLayerOutcomes,
  states: readonly Carried[],
  values: ClassifyValues,
): SubLayerTrace {
  const rest = entries
    .slice(result.steps.length)
    .map(entry => ({ filter: entry.filter, outcome: 'not-evaluated', conditions: [] }) as const);
  const action = one(result.decisions.map(decision => (decision.action === 'permit' ? 'permit' : 'block')));
  const decider = one(result.decisions.map(decision => decision.entry.filter.filterId));
  const yields = result.decisions.length === 0 ? 'none' : action !== undefined && !result.none ? action : 'unknown';
  const carried = one(states.map(state => state.action));
  const filterId = one(states.map(state => state.entry?.filter.filterId));
  const { subLayerKey, weight, displayData } = subLayer;
  return {
    subLayer: { subLayerKey, weight, displayData },
    filters: [...result.steps.map(step => traceFilter(step, values)), ...rest],
    yields,
    ...(yields !== 'none' && yields !== 'unknown' && decider !== undefined && { decidedBy: decider }),
    carried: {
      action: carried ?? 'unknown',
      hard: states.every(state => state.hard),
      ...(filterId !== undefined && { filterId }),
    },
  };
}

/** Arbitration once more, keeping everything. The layer's values are loaded. */
export function explainLayer(
  layerKey: Guid,
  layer: LayerState,
  values: ClassifyValues,
  callouts: ReadonlyMap<Guid, CalloutState>,
): ClassifyTrace {
  const yields = yieldsOf(layer, values, callouts);
  const traces: SubLayerTrace[] = [];
  const ended: Carried[] = [];
  let states: readonly Carried[] = [NOTHING];
  for (const subLayer of layer.subLayers) {
    if (states.length === 0) break;
    const entries = subLayer.index.all();
    let first: SubLayerOutcomes | undefined;
    states = mergeAll(states, right => {
      const result = descend(entries, entry => subLayer.index.match(entry), yields(right));
      // With and without the right to write a callout may answer differently: the trace shows the way that goes further down.
      if (first === undefined || result.steps.length > first.steps.length) first = result;
      return result;
    });
    traces.push(traceSubLayer(subLayer, entries, first!, states, values));
    if (layer.waterfall) states = endBlocked(states, ended);
  }
  const all = [...ended, ...states];
  const result = resultOf(all, layer);
  return {
    ...result,
    layerKey,
    subLayers: traces,
    needs: result.action === 'unknown' ? needsOfResult(all, layer, traces, callouts) : [],
  };
}

function needsOfResult(
  states: readonly Carried[],
  layer: LayerState,
  traces: readonly SubLayerTrace[],
  callouts: ReadonlyMap<Guid, CalloutState>,
): readonly string[] {
  const deciders = new Set(decidersOf(states, layer).map(entry => entry.filter.filterId));
  const collect = (relevant: (filter: Filter) => boolean) =>
    traces.flatMap(trace =>
      trace.filters.flatMap(({ filter, outcome, conditions }) => {
        if (!relevant(filter) || outcome === 'not-matched' || outcome === 'not-evaluated') return [];
        const key = filter.action.calloutKey;
        const opaque = key !== undefined && callouts.get(key) === 'opaque' ? [`what the callout ${key} answers`] : [];
        return outcome === 'unknown' ? [...needsOfFilter(filter, conditions), ...opaque] : opaque;
      }),
    );
  const needs = collect(filter => deciders.has(filter.filterId));
  return [...new Set(needs.length > 0 ? needs : collect(() => true))];
}
