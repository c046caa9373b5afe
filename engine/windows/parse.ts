import type { ObjectChange } from '../model/filter-engine.ts';
import { type Guid, NULL_GUID } from '../model/guid.ts';
import { nameOfKey } from '../model/keys.ts';
import {
  ACTION_TYPE,
  type ActionType,
  type Callout,
  type DisplayData,
  FILTER_FLAG,
  type Filter,
  type FilterAction,
  type FilterCondition,
  type Layer,
  type LayerField,
  type Provider,
  type ProviderContext,
  type Session,
  type SubLayer,
} from '../model/objects.ts';
import * as layout from './layouts.ts';
import { guidFromBytes, type Pointer, readBytes, readString16, Struct } from './memory.ts';
import {
  BrokenStructureError,
  parseBlob,
  parseDataType,
  parseMatchType,
  parseSid,
  parseSingle,
  parseValue,
} from './parse-value.ts';
import type { SecurityCodec } from './security.ts';

const actionTypes = new Map<number, ActionType>(Object.entries(ACTION_TYPE).map(([name, code]) => [code, name as ActionType]));
/** FWP_ACTION_FLAG_CALLOUT: the GUID beside the type is a callout's. */
const ACTION_FLAG_CALLOUT = 0x4000;
const LAYER_FLAGS = [
  'FWPM_LAYER_FLAG_KERNEL',
  'FWPM_LAYER_FLAG_BUILTIN',
  'FWPM_LAYER_FLAG_CLASSIFY_MOSTLY',
  'FWPM_LAYER_FLAG_BUFFERED',
];
const FIELD_TYPES = ['FWPM_FIELD_RAW_DATA', 'FWPM_FIELD_IP_ADDRESS', 'FWPM_FIELD_FLAGS'] as const;

const optionalString = (address: Pointer): string | undefined => (address === 0n ? undefined : readString16(address));
const optionalGuid = (address: Pointer): Guid | undefined => (address === 0n ? undefined : guidFromBytes(readBytes(address, 16)));

function parseDisplay(source: Struct): DisplayData {
  const name = optionalString(source.bigint('displayData.name')) ?? '';
  const description = optionalString(source.bigint('displayData.description'));
  return description === undefined ? { name } : { name, description };
}

/** displayData, flags and providerData, which every object has; and providerKey for those with one. */
export function parseCommon(source: Struct, withProvider: boolean) {
  const providerKey = withProvider ? optionalGuid(source.bigint('providerKey')) : undefined;
  const providerData = parseBlob(source.member(layout.FWP_BYTE_BLOB, 'providerData'));
  return {
    displayData: parseDisplay(source),
    flags: source.number('flags'),
    ...(providerKey !== undefined && { providerKey }),
    ...(providerData !== undefined && { providerData }),
  };
}

/** FWPM_FILTER_CONDITION0. */
export function parseCondition(source: Struct, security: SecurityCodec): FilterCondition {
  return {
    fieldKey: source.guid('fieldKey'),
    matchType: parseMatchType(source.number('matchType')),
    conditionValue: parseValue(source.member(layout.FWP_CONDITION_VALUE0, 'conditionValue'), security),
  };
}

function parseConditions(address: Pointer, count: number, security: SecurityCodec): FilterCondition[] {
  if (count === 0) return [];
  if (address === 0n || count > 65536) throw new BrokenStructureError(`a filter with ${count} conditions`);
  const size = layout.FWPM_FILTER_CONDITION0.size;
  const list = new Struct(layout.FWPM_FILTER_CONDITION0, readBytes(address, count * size));
  return Array.from({ length: count }, (_, index) => parseCondition(list.element(index), security));
}

export function parseAction(source: Struct): FilterAction {
  const code = source.number('action.type');
  const type = actionTypes.get(code);
  if (!type) throw new BrokenStructureError(`a filter with the action 0x${code.toString(16)}`);
  return code & ACTION_FLAG_CALLOUT ? { type, calloutKey: source.guid('action.calloutKey') } : { type };
}

/** FWPM_FILTER0 as the engine keeps it. */
export function parseFilter(address: Pointer, security: SecurityCodec): Filter {
  const source = Struct.at(layout.FWPM_FILTER0, address);
  const hasContext = (source.number('flags') & FILTER_FLAG.HAS_PROVIDER_CONTEXT) !== 0;
  const rawContext = hasContext ? 0n : source.bigint('context.rawContext');
  const effective = parseSingle(source.member(layout.FWP_VALUE0, 'effectiveWeight'), security);
  return {
    filterKey: source.guid('filterKey'),
    ...parseCommon(source, true),
    layerKey: source.guid('layerKey'),
    subLayerKey: source.guid('subLayerKey'),
    weight: parseSingle(source.member(layout.FWP_VALUE0, 'weight'), security),
    filterCondition: parseConditions(source.bigint('filterCondition'), source.number('numFilterConditions'), security),
    action: parseAction(source),
    ...(rawContext !== 0n && { rawContext }),
    ...(hasContext && { providerContextKey: source.guid('context.providerContextKey') }),
    filterId: source.bigint('filterId'),
    effectiveWeight: effective.type === 'FWP_UINT64' ? effective.value : 0n,
  };
}

export function parseProvider(address: Pointer): Provider {
  const source = Struct.at(layout.FWPM_PROVIDER0, address);
  const serviceName = optionalString(source.bigint('serviceName'));
  return {
    providerKey: source.guid('providerKey'),
    ...parseCommon(source, false),
    ...(serviceName !== undefined && { serviceName }),
  };
}

export function parseProviderContext(address: Pointer): ProviderContext {
  const source = Struct.at(layout.FWPM_PROVIDER_CONTEXT0, address);
  const data = source.bigint('dataBuffer');
  return {
    providerContextKey: source.guid('providerContextKey'),
    ...parseCommon(source, true),
    dataBuffer: (data === 0n ? undefined : parseBlob(Struct.at(layout.FWP_BYTE_BLOB, data))) ?? new Uint8Array(0),
    providerContextId: source.bigint('providerContextId'),
  };
}

export function parseSubLayer(address: Pointer): SubLayer {
  const source = Struct.at(layout.FWPM_SUBLAYER0, address);
  return { subLayerKey: source.guid('subLayerKey'), ...parseCommon(source, true), weight: source.number('weight') };
}

export function parseCallout(address: Pointer): Callout {
  const source = Struct.at(layout.FWPM_CALLOUT0, address);
  return {
    calloutKey: source.guid('calloutKey'),
    ...parseCommon(source, true),
    applicableLayer: source.guid('applicableLayer'),
    calloutId: source.number('calloutId'),
  };
}

/** FWPM_LAYER0. A field whose data type this version does not know is left out: no condition of ours can use it. */
export function parseLayer(address: Pointer): Layer {
  const source = Struct.at(layout.FWPM_LAYER0, address);
  const layerKey = source.guid('layerKey');
  const count = source.number('numFields');
  const fields = source.bigint('field');
  if (count > 1024 || (count > 0 && fields === 0n))
    throw new BrokenStructureError(`a layer with ${count} fields${fields === 0n ? ' at NULL' : ''}`);
  const list = new Struct(layout.FWPM_FIELD0, readBytes(fields, count * layout.FWPM_FIELD0.size));
  const flags = source.number('flags');
  return {
    layerKey,
    name: nameOfKey('layer', layerKey) ?? layerKey,
    layerId: source.number('layerId'),
    flags: LAYER_FLAGS.filter((_, bit) => flags & (1 << bit)),
    fields: Array.from({ length: count }, (_, index) => parseField(list.element(index))).filter(field => field !== undefined),
    defaultSubLayerKey: source.guid('defaultSubLayerKey'),
  };
}

function parseField(source: Struct): LayerField | undefined {
  const fieldKey = optionalGuid(source.bigint('fieldKey')) ?? NULL_GUID;
  try {
    return {
      fieldKey,
      name: nameOfKey('condition', fieldKey) ?? fieldKey,
      type: FIELD_TYPES[source.number('type')] ?? 'FWPM_FIELD_RAW_DATA',
      dataType: parseDataType(source.number('dataType')),
    };
  } catch (error) {
    if (error instanceof BrokenStructureError) return undefined;
    throw error;
  }
}

export function parseSession(address: Pointer): Session {
  const source = Struct.at(layout.FWPM_SESSION0, address);
  const sid = source.bigint('sid');
  const username = optionalString(source.bigint('username'));
  return {
    sessionKey: source.guid('sessionKey'),
    displayData: parseDisplay(source),
    flags: source.number('flags'),
    txnWaitTimeoutInMSec: source.number('txnWaitTimeoutInMSec'),
    processId: source.number('processId'),
    ...(sid !== 0n && { sid: parseSid(sid) }),
    ...(username !== undefined && { username }),
    kernelMode: source.number('kernelMode') !== 0,
  };
}

/** Layout of a change and the member that holds the key and, where there is one, the run-time id. */
const CHANGES = {
  filter: { type: layout.FWPM_FILTER_CHANGE0, key: 'filterKey', id: 'filterId' },
  provider: { type: layout.FWPM_PROVIDER_CHANGE0, key: 'providerKey', id: undefined },
  sublayer: { type: layout.FWPM_SUBLAYER_CHANGE0, key: 'subLayerKey', id: undefined },
  callout: { type: layout.FWPM_CALLOUT_CHANGE0, key: 'calloutKey', id: 'calloutId' },
  providerContext: { type: layout.FWPM_PROVIDER_CONTEXT_CHANGE0, key: 'providerContextKey', id: 'providerContextId' },
} as const;

/** FWPM_CHANGE_ADD, FWPM_CHANGE_DELETE. */
const CHANGE_TYPE: { readonly [code: number]: 'add' | 'delete' } = { 1: 'add', 2: 'delete' };

/** FWPM_*_CHANGE0. Only valid during the callback, so everything is copied here. */
export function parseChange(object: ObjectChange['object'], address: Pointer): ObjectChange {
  const { type, key, id } = CHANGES[object];
  const source = Struct.at(type, address);
  const what = CHANGE_TYPE[source.number('changeType')];
  if (!what) throw new BrokenStructureError(`the change ${source.number('changeType')} of a ${object}`);
  const change = { object, change: what, key: source.guid(key) } as const;
  if (id === undefined) return change;
  return { ...change, id: object === 'callout' ? BigInt(source.number(id)) : source.bigint(id) };
}
