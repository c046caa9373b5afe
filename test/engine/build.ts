import type { ClassifyValues } from '../../engine/model/classify.ts';
import type { FilterEngine } from '../../engine/model/filter-engine.ts';
import { newGuid } from '../../engine/model/guid.ts';
import { CONDITION_KEY, type ConditionName, LAYER_KEY, type LayerName } from '../../engine/model/keys.ts';
import type { ActionType, Filter, FilterCondition, FilterInput } from '../../engine/model/objects.ts';
import { FILTER_FLAG } from '../../engine/model/objects.ts';
import type { FwpConditionValue, FwpValue, MatchType } from '../../engine/model/value.ts';

/** Short ways to write filters and traffic in tests. */

export const u8 = (value: number): FwpValue => ({ type: 'FWP_UINT8', value });
export const u16 = (value: number): FwpValue => ({ type: 'FWP_UINT16', value });
export const u32 = (value: number): FwpValue => ({ type: 'FWP_UINT32', value });
export const u64 = (value: bigint): FwpValue => ({ type: 'FWP_UINT64', value });
export const EMPTY: FwpValue = { type: 'FWP_EMPTY' };
/** An ALE_APP_ID: the path in UTF-16LE with its closing NUL. */
export const app = (path: string): FwpValue => ({
  type: 'FWP_BYTE_BLOB_TYPE',
  value: new Uint8Array(Buffer.from(`${path}\0`, 'utf16le')),
});

export const when = (
  field: ConditionName,
  conditionValue: FwpConditionValue,
  matchType: MatchType = 'FWP_MATCH_EQUAL',
): FilterCondition => ({
  fieldKey: CONDITION_KEY[field],
  matchType,
  conditionValue,
});

export interface FilterSpec {
  readonly layer: LayerName;
  readonly subLayerKey?: string;
  readonly action: 'permit' | 'block' | { readonly callout: string; readonly type?: 'TERMINATING' | 'INSPECTION' | 'UNKNOWN' };
  readonly when?: readonly FilterCondition[];
  readonly weight?: FwpValue;
  /** CLEAR_ACTION_RIGHT. */
  readonly hard?: boolean;
  readonly flags?: number;
}

export function filterInput({
  layer,
  subLayerKey,
  action,
  when: conditions = [],
  weight,
  hard,
  flags = 0,
}: FilterSpec): FilterInput {
  const type: ActionType =
    typeof action === 'object'
      ? `FWP_ACTION_CALLOUT_${action.type ?? 'TERMINATING'}`
      : action === 'permit'
        ? 'FWP_ACTION_PERMIT'
        : 'FWP_ACTION_BLOCK';
  return {
    displayData: { name: 'test filter' },
    layerKey: LAYER_KEY[layer],
    ...(subLayerKey !== undefined && { subLayerKey }),
    action: typeof action === 'object' ? { type, calloutKey: action.callout } : { type },
    filterCondition: conditions,
    flags: flags | (hard ? FILTER_FLAG.CLEAR_ACTION_RIGHT : 0),
    ...(weight !== undefined && { weight }),
  };
}

export const addFilter = (session: FilterEngine, spec: FilterSpec): Promise<Filter> => session.filterAdd(filterInput(spec));

export async function addSubLayer(session: FilterEngine, weight: number, flags = 0): Promise<string> {
  const subLayerKey = newGuid();
  await session.subLayerAdd({ subLayerKey, displayData: { name: `sublayer ${weight}` }, flags, weight });
  return subLayerKey;
}

export async function addCallout(session: FilterEngine, layer: LayerName, flags = 0): Promise<string> {
  const calloutKey = newGuid();
  await session.calloutAdd({ calloutKey, displayData: { name: 'test callout' }, flags, applicableLayer: LAYER_KEY[layer] });
  return calloutKey;
}

export const traffic = (values: { readonly [field in ConditionName]?: FwpValue }): ClassifyValues => values;
