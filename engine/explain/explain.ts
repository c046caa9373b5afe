import type { DumpFilter } from '../dumps/dump.ts';
import type { ClassifyTrace, ClassifyValues, ConditionTrace, FilterTrace } from '../model/classify.ts';
import { CONDITION_KEY } from '../model/keys.ts';
import type { Layer } from '../model/objects.ts';
import { chooseApp } from './app-id.ts';
import { fieldText, valueText } from './condition-text.ts';
import { type FilterReport, filterReport } from './filter-report.ts';
import { type Flow, FlowError, flowValues, layerOf, settledFlags } from './flow.ts';
import type { Machine } from './machine.ts';

export interface FilterTraceReport {
  readonly filter: FilterReport;
  readonly outcome: FilterTrace['outcome'];
  readonly yields?: 'permit' | 'block' | 'continue';
  readonly hard?: boolean;
  readonly note?: string;
  /** In the order of `filter.conditions`; empty when the filter was not evaluated. */
  readonly conditions: readonly { readonly text: string; readonly outcome: ConditionTrace['outcome']; readonly needs?: string }[];
}

export interface SubLayerReport {
  readonly name: string;
  readonly subLayerKey: string;
  readonly weight: number;
  readonly weightFrom: string;
  readonly yields: 'permit' | 'block' | 'none' | 'unknown';
  readonly decidedBy?: string;
  readonly carried: { readonly action: string; readonly hard: boolean; readonly filterId?: string };
  readonly filters: readonly FilterTraceReport[];
}

/** Why traffic is permitted or blocked. */
export interface ExplainReport {
  readonly layer: string;
  readonly verdict: 'permit' | 'block' | 'unknown';
  /** The verdicts that remain possible. */
  readonly possible: readonly ('permit' | 'block')[];
  /** The deciding filter; absent when none matched (which permits) or more than one is possible. */
  readonly filter?: FilterReport;
  /** With unknowns: the filters that could decide, best first. */
  readonly candidates: readonly FilterReport[];
  /** What would settle an unknown verdict. */
  readonly needs: readonly string[];
  /** How the question was understood. */
  readonly notes: readonly string[];
  /** What is known of the traffic, by field. */
  readonly values: Readonly<Record<string, string>>;
  /** Fields that filters of this layer ask for and that are not known. */
  readonly unknownFields: readonly string[];
  /** Sublayers in the order they are visited. */
  readonly subLayers: readonly SubLayerReport[];
}

/** Bits of FLAGS that some filter of the layer asks for. */
export function askedFlags(filters: readonly DumpFilter[]): number {
  let bits = 0;
  for (const { filterCondition } of filters) {
    for (const { fieldKey, conditionValue } of filterCondition) {
      if (fieldKey === CONDITION_KEY.FLAGS) bits |= conditionValue.type === 'FWP_UINT32' ? conditionValue.value : -1;
    }
  }
  return bits >>> 0;
}

/** The classification of a flow, before it is put into words. */
export interface FlowTrace {
  readonly layer: Layer;
  readonly values: ClassifyValues;
  readonly trace: ClassifyTrace;
  readonly notes: readonly string[];
  /** Set when the program's name fits several programs whose verdicts differ. */
  readonly apart?: readonly { readonly app: string; readonly verdict: 'permit' | 'block' | 'unknown' }[];
}

/** Classifies a flow on a machine. @throws FlowError when the question makes no sense */
export function traceFlow(machine: Machine, flow: Flow): FlowTrace {
  const named = layerOf(flow.layer, [flow.remote, flow.local]);
  const layer = machine.layer(named.layerKey) ?? named;
  const filters = machine.filtersAt(layer.layerKey);
  const classifier = machine.classifier(layer.layerKey);
  const asked = askedFlags(filters);
  const choice = flow.app === undefined ? undefined : chooseApp(flow.app, filters);
  const notes = choice?.note === undefined ? [] : [choice.note];
  if (flow.protocol !== undefined && !layer.fields.some(each => each.name === 'IP_PROTOCOL'))
    notes.push(`${layer.name} does not look at the protocol`);
  if (flow.remote !== undefined && !layer.fields.some(each => each.name === 'IP_REMOTE_ADDRESS'))
    throw new FlowError(`${layer.name} knows no remote address: leave it out or take another layer`);
  if (flow.newConnection && flow.flags === undefined && settledFlags(flow, asked) !== undefined && asked !== 0) {
    notes.push('flags are taken as those of a new connection (--flags says otherwise)');
  }
  const paths: (string | undefined)[] = choice ? [...choice.paths] : [undefined];
  const all = paths.map(path => {
    const values = flowValues(flow, layer, path, asked);
    return { path, values, trace: classifier.explain(layer.layerKey, values) };
  });
  const first = all[0]!;
  const base = { layer, values: first.values, trace: first.trace, notes };
  const outcome = (trace: ClassifyTrace) => `${trace.action} ${trace.filter?.filterId}`;
  if (all.every(each => outcome(each.trace) === outcome(first.trace))) return base;
  return { ...base, apart: all.map(each => ({ app: each.path ?? '', verdict: each.trace.action })) };
}

/** Answers "why": the verdict, the deciding filter and everything that led to it. */
export function explainFlow(machine: Machine, flow: Flow): ExplainReport {
  const { layer, values, trace, notes, apart } = traceFlow(machine, flow);
  const found = (id: bigint) => machine.filter(id);
  const report = (each: { readonly filterId: bigint }) => filterReport(machine, found(each.filterId) ?? (each as DumpFilter));
  const common = {
    layer: layer.name,
    notes: [...notes, ...weightNotes(machine, trace)],
    values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ? valueText(name, value) : ''])),
    unknownFields: askedFields(machine, layer).filter(name => values[name] === undefined),
    subLayers: trace.subLayers.map(subLayer => ({
      name: machine.subLayerName(subLayer.subLayer.subLayerKey),
      subLayerKey: subLayer.subLayer.subLayerKey,
      weight: subLayer.subLayer.weight,
      weightFrom: machine.subLayer(subLayer.subLayer.subLayerKey)?.weightFrom ?? 'unknown',
      yields: subLayer.yields,
      ...(subLayer.decidedBy === undefined ? undefined : { decidedBy: String(subLayer.decidedBy) }),
      carried: {
        action: subLayer.carried.action,
        hard: subLayer.carried.hard,
        ...(subLayer.carried.filterId === undefined ? undefined : { filterId: String(subLayer.carried.filterId) }),
      },
      filters: subLayer.filters.map(each => filterTrace(machine, each)),
    })),
  };
  if (apart) {
    const possible = (['permit', 'block'] as const).filter(verdict =>
      apart.some(each => each.verdict === verdict || each.verdict === 'unknown'),
    );
    return {
      ...common,
      verdict: possible.length === 1 ? possible[0]! : 'unknown',
      possible,
      candidates: [],
      needs: [`the whole path of the program: ${apart.map(each => `${each.app} (${each.verdict})`).join(', ')}`],
    };
  }
  return {
    ...common,
    verdict: trace.action,
    possible: trace.possible,
    ...(trace.filter ? { filter: report(trace.filter) } : undefined),
    candidates: trace.candidates.map(report),
    needs: trace.needs,
  };
}

function filterTrace(machine: Machine, each: FilterTrace): FilterTraceReport {
  const filter = filterReport(machine, machine.filter(each.filter.filterId) ?? (each.filter as DumpFilter));
  return {
    filter,
    outcome: each.outcome,
    ...(each.yields ? { yields: each.yields } : undefined),
    ...(each.hard === undefined ? undefined : { hard: each.hard }),
    ...(each.note ? { note: each.note } : undefined),
    conditions: each.conditions.map(({ index, outcome, needs }) => ({
      text: filter.conditions[index]?.text ?? '',
      outcome,
      ...(needs ? { needs } : undefined),
    })),
  };
}

/** Which fields the filters of a layer ask for. */
export function askedFields(machine: Machine, layer: Layer): readonly string[] {
  const keys = new Set(machine.filtersAt(layer.layerKey).flatMap(filter => filter.filterCondition.map(each => each.fieldKey)));
  return layer.fields.filter(field => keys.has(field.fieldKey)).map(field => field.name);
}

function weightNotes(machine: Machine, trace: ClassifyTrace): string[] {
  const guessed = trace.subLayers.filter(each => machine.subLayer(each.subLayer.subLayerKey)?.weightFrom === 'unknown');
  return guessed.map(
    each =>
      `the dump does not tell the weight of sublayer ${machine.subLayerName(each.subLayer.subLayerKey)}; it is taken as above Windows' own`,
  );
}

/** Fields in words, for a list of what is not known. */
export const fieldList = (names: readonly string[]): string => names.map(fieldText).join(', ');
