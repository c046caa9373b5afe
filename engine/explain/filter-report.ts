import type { DumpFilter } from '../dumps/dump.ts';
import { shownKey } from '../dumps/key-names.ts';
import { conditionText, valueText } from './condition-text.ts';
import type { Machine } from './machine.ts';

/** A condition for output. */
export interface ConditionReport {
  readonly field: string;
  readonly fieldKey: string;
  readonly matchType: string;
  readonly type: string;
  readonly value: string;
  /** The whole condition as a sentence. */
  readonly text: string;
}

/** A filter for output: names, 64-bit numbers as decimal text. Stable; new members may be added. */
export interface FilterReport {
  readonly filterId: string;
  readonly filterKey: string;
  readonly name: string;
  readonly description?: string;
  /** What made it, where the dump tells. */
  readonly origin?: string;
  readonly layer: string;
  readonly layerKey: string;
  readonly subLayer: string;
  readonly subLayerKey: string;
  readonly provider: string;
  readonly providerKey?: string;
  readonly action: 'permit' | 'block' | 'callout';
  readonly actionType: string;
  readonly callout?: string;
  readonly flags: readonly string[];
  readonly weight: string;
  readonly effectiveWeight: string;
  readonly conditions: readonly ConditionReport[];
  readonly rawContext?: string;
  readonly providerContextKey?: string;
  readonly unknown?: readonly string[];
}

/** What a filter does, in one word. */
export function actionWord(filter: DumpFilter): FilterReport['action'] {
  if (filter.action.type === 'FWP_ACTION_PERMIT') return 'permit';
  return filter.action.type === 'FWP_ACTION_BLOCK' ? 'block' : 'callout';
}

export function filterReport(machine: Machine, filter: DumpFilter): FilterReport {
  const { names } = machine.dump;
  const { weight } = filter;
  return {
    filterId: String(filter.filterId),
    filterKey: filter.filterKey,
    name: filter.displayData.name,
    ...(filter.displayData.description ? { description: filter.displayData.description } : undefined),
    ...(filter.origin ? { origin: filter.origin } : undefined),
    layer: machine.layerName(filter.layerKey),
    layerKey: filter.layerKey,
    subLayer: machine.subLayerName(filter.subLayerKey),
    subLayerKey: filter.subLayerKey,
    provider: machine.providerName(filter.providerKey),
    ...(filter.providerKey ? { providerKey: filter.providerKey } : undefined),
    action: actionWord(filter),
    actionType: filter.action.type,
    ...(filter.action.calloutKey ? { callout: shownKey('callout', filter.action.calloutKey, names) } : undefined),
    flags: filter.flagNames,
    weight:
      weight.type === 'FWP_EMPTY'
        ? 'auto'
        : weight.type === 'FWP_UINT8'
          ? `range ${weight.value}`
          : `exact ${'value' in weight ? weight.value : ''}`,
    effectiveWeight: String(filter.effectiveWeight),
    conditions: filter.filterCondition.map(condition => {
      const field = shownKey('condition', condition.fieldKey, names);
      return {
        field,
        fieldKey: condition.fieldKey,
        matchType: condition.asFound === undefined ? condition.matchType.replace('FWP_MATCH_', '') : 'UNREADABLE',
        type: condition.conditionValue.type,
        value: condition.asFound ?? valueText(field, condition.conditionValue),
        text: conditionText(condition, names),
      };
    }),
    ...(filter.rawContext ? { rawContext: String(filter.rawContext) } : undefined),
    ...(filter.providerContextKey ? { providerContextKey: filter.providerContextKey } : undefined),
    ...(filter.unknown ? { unknown: filter.unknown } : undefined),
  };
}
