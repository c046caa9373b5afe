import type { FilterEnumTemplate, SessionOptions } from '../model/filter-engine.ts';
import { type Guid, NULL_GUID } from '../model/guid.ts';
import {
  ACTION_TYPE,
  type Callout,
  type DisplayData,
  FILTER_FLAG,
  type FilterCondition,
  type FilterInput,
  OBJECT_FLAG,
  type Provider,
  type ProviderContext,
  type SubLayer,
} from '../model/objects.ts';
import { MATCH_TYPE } from '../model/value.ts';
import { type ComposeContext, composeBlob, composeValue } from './compose-value.ts';
import * as layout from './layouts.ts';
import type { Pointer, Struct } from './memory.ts';

/** FWPM_PROVIDER_CONTEXT_TYPE: the one whose data is a blob of the provider's own. */
export const FWPM_GENERAL_CONTEXT = 8;

/** What every object has in common. A missing name is written as NULL and refused by the engine (FWP_E_NULL_DISPLAY_NAME). */
interface Common {
  readonly displayData: DisplayData;
  readonly flags?: number;
  readonly providerKey?: Guid;
  readonly providerData?: Uint8Array;
}

function composeDisplay(
  { arena }: ComposeContext,
  target: Struct,
  display: { name: string; description?: string } | undefined,
): void {
  target.setBigint('displayData.name', display?.name ? arena.string16(display.name) : 0n);
  target.setBigint('displayData.description', display?.description !== undefined ? arena.string16(display.description) : 0n);
}

function composeCommon(context: ComposeContext, target: Struct, object: Common): void {
  composeDisplay(context, target, object.displayData);
  target.setNumber('flags', (object.flags ?? 0) >>> 0);
  composeBlob(context.arena, target.member(layout.FWP_BYTE_BLOB, 'providerData'), object.providerData);
}

/** An array of FWPM_FILTER_CONDITION0; NULL when there are none. */
export function composeConditions(context: ComposeContext, conditions: readonly FilterCondition[]): Pointer {
  if (conditions.length === 0) return 0n;
  const { address, struct } = context.arena.struct(layout.FWPM_FILTER_CONDITION0, conditions.length);
  conditions.forEach((condition, index) => {
    const target = struct.element(index);
    target.setGuid('fieldKey', condition.fieldKey);
    target.setNumber('matchType', MATCH_TYPE[condition.matchType]);
    composeValue(context, target.member(layout.FWP_CONDITION_VALUE0, 'conditionValue'), condition.conditionValue);
  });
  return address;
}

/** FWPM_FILTER0. The flag HAS_PROVIDER_CONTEXT follows from the key, since it chooses the union's meaning. */
export function composeFilter(context: ComposeContext, filter: FilterInput): Pointer {
  const { address, struct } = context.arena.struct(layout.FWPM_FILTER0);
  struct.setGuid('filterKey', filter.filterKey ?? NULL_GUID);
  composeCommon(context, struct, filter);
  if (filter.providerContextKey) struct.setNumber('flags', ((filter.flags ?? 0) | FILTER_FLAG.HAS_PROVIDER_CONTEXT) >>> 0);
  struct.setBigint('providerKey', context.arena.guid(filter.providerKey));
  struct.setGuid('layerKey', filter.layerKey);
  struct.setGuid('subLayerKey', filter.subLayerKey ?? NULL_GUID);
  composeValue(context, struct.member(layout.FWP_VALUE0, 'weight'), filter.weight ?? { type: 'FWP_EMPTY' });
  struct.setNumber('numFilterConditions', filter.filterCondition.length);
  struct.setBigint('filterCondition', composeConditions(context, filter.filterCondition));
  struct.setNumber('action.type', ACTION_TYPE[filter.action.type]);
  struct.setGuid('action.calloutKey', filter.action.calloutKey ?? NULL_GUID);
  if (filter.providerContextKey) struct.setGuid('context.providerContextKey', filter.providerContextKey);
  else struct.setBigint('context.rawContext', filter.rawContext ?? 0n);
  return address;
}

export function composeProvider(context: ComposeContext, provider: Provider): Pointer {
  const { address, struct } = context.arena.struct(layout.FWPM_PROVIDER0);
  struct.setGuid('providerKey', provider.providerKey);
  composeCommon(context, struct, provider);
  struct.setBigint('serviceName', provider.serviceName === undefined ? 0n : context.arena.string16(provider.serviceName));
  return address;
}

export function composeProviderContext(context: ComposeContext, value: Omit<ProviderContext, 'providerContextId'>): Pointer {
  const { address, struct } = context.arena.struct(layout.FWPM_PROVIDER_CONTEXT0);
  struct.setGuid('providerContextKey', value.providerContextKey);
  composeCommon(context, struct, value);
  struct.setBigint('providerKey', context.arena.guid(value.providerKey));
  struct.setNumber('type', FWPM_GENERAL_CONTEXT);
  const blob = context.arena.struct(layout.FWP_BYTE_BLOB);
  composeBlob(context.arena, blob.struct, value.dataBuffer);
  struct.setBigint('dataBuffer', blob.address);
  return address;
}

export function composeSubLayer(context: ComposeContext, subLayer: SubLayer): Pointer {
  if (!Number.isInteger(subLayer.weight) || subLayer.weight < 0 || subLayer.weight > 0xffff) {
    throw new RangeError(`${subLayer.weight} is no weight of a sublayer (0 to 65535)`);
  }
  const { address, struct } = context.arena.struct(layout.FWPM_SUBLAYER0);
  struct.setGuid('subLayerKey', subLayer.subLayerKey);
  composeCommon(context, struct, subLayer);
  struct.setBigint('providerKey', context.arena.guid(subLayer.providerKey));
  struct.setNumber('weight', subLayer.weight);
  return address;
}

export function composeCallout(context: ComposeContext, callout: Omit<Callout, 'calloutId'>): Pointer {
  const { address, struct } = context.arena.struct(layout.FWPM_CALLOUT0);
  struct.setGuid('calloutKey', callout.calloutKey);
  composeCommon(context, struct, callout);
  struct.setBigint('providerKey', context.arena.guid(callout.providerKey));
  struct.setGuid('applicableLayer', callout.applicableLayer);
  return address;
}

export function composeSession(context: ComposeContext, session: SessionOptions): Pointer {
  const { address, struct } = context.arena.struct(layout.FWPM_SESSION0);
  struct.setGuid('sessionKey', session.sessionKey ?? NULL_GUID);
  composeDisplay(context, struct, session.displayData);
  struct.setNumber('flags', session.dynamic ? OBJECT_FLAG.SESSION_DYNAMIC : 0);
  struct.setNumber('txnWaitTimeoutInMSec', session.txnWaitTimeoutInMSec ?? 0);
  return address;
}

/** Ignore the filters' actions. Zero would match none (A:ns-fwpmtypes-fwpm_filter_enum_template0). */
const ANY_ACTION = 0xffffffff;

export function composeFilterTemplate(context: ComposeContext, template: FilterEnumTemplate): Pointer {
  const { address, struct } = context.arena.struct(layout.FWPM_FILTER_ENUM_TEMPLATE0);
  const conditions = template.filterCondition ?? [];
  struct.setBigint('providerKey', context.arena.guid(template.providerKey));
  struct.setGuid('layerKey', template.layerKey);
  struct.setNumber('enumType', template.enumType === 'FWP_FILTER_ENUM_FULLY_CONTAINED' ? 0 : 1);
  struct.setNumber('flags', template.flags ?? 0);
  struct.setNumber('numFilterConditions', conditions.length);
  struct.setBigint('filterCondition', composeConditions(context, conditions));
  struct.setNumber('actionMask', template.actionMask ?? ANY_ACTION);
  struct.setBigint('calloutKey', context.arena.guid(template.calloutKey));
  return address;
}
