import { WfpError } from '../model/error.ts';
import type { Guid } from '../model/guid.ts';
import { type LayerSet, layerByKey } from '../model/layers.ts';
import type { Callout, Filter, FilterInput } from '../model/objects.ts';
import { ACTION_TYPE, FILTER_FLAG, OBJECT_FLAG } from '../model/objects.ts';
import type { Kind, Lifetime, ObjectRecord, ObjectView } from './object-table.ts';
import { conditionFault } from './validate-condition.ts';
import { effectiveWeight } from './weight.ts';

const NOT_FOUND = {
  provider: 'FWP_E_PROVIDER_NOT_FOUND',
  providerContext: 'FWP_E_PROVIDER_CONTEXT_NOT_FOUND',
  sublayer: 'FWP_E_SUBLAYER_NOT_FOUND',
  callout: 'FWP_E_CALLOUT_NOT_FOUND',
  filter: 'FWP_E_FILTER_NOT_FOUND',
} as const;

/** Looks up or throws the error that the kind has for a missing object. */
export function mustGet<K extends Kind>(call: string, view: ObjectView, kind: K, key: Guid): ObjectRecord<K> {
  const record = view.get(kind, key);
  if (record === undefined) throw new WfpError(call, NOT_FOUND[kind], key);
  return record;
}

/** What an add has in common for every kind. */
export interface NewObject {
  readonly kind: Kind;
  readonly key: Guid;
  readonly displayData: { readonly name: string };
  readonly providerKey?: Guid;
  readonly lifetime: Lifetime;
  readonly sessionKey?: Guid;
}

/**
 * An object may not refer to one that can go away before it does, and a persistent one not to what belongs to another provider, whose
 * objects may be left out at the next start. https://learn.microsoft.com/windows/win32/fwp/object-management
 */
export function checkReference(call: string, from: NewObject, to: ObjectRecord): void {
  const mismatch = (why: string) => new WfpError(call, 'FWP_E_LIFETIME_MISMATCH', why);
  const lasting = from.lifetime === 'persistent' || from.lifetime === 'boottime';
  switch (to.lifetime) {
    case 'dynamic':
      if (from.lifetime !== 'dynamic' || from.sessionKey !== to.sessionKey)
        throw mismatch(`${to.kind} ${to.key} goes away with its session`);
      return;
    case 'static':
      if (lasting) throw mismatch(`${to.kind} ${to.key} is not persistent`);
      return;
    case 'persistent': {
      const owner = to.kind === 'provider' ? undefined : (to.object as { providerKey?: Guid }).providerKey;
      if (lasting && owner !== undefined && owner !== from.providerKey)
        throw mismatch(`${to.kind} ${to.key} belongs to another provider`);
      return;
    }
    default:
  }
}

/** Checks that hold for every kind: a name, a free key, a provider that lives long enough. */
export function checkNew(call: string, view: ObjectView, object: NewObject): void {
  if (typeof object.displayData?.name !== 'string' || object.displayData.name === '')
    throw new WfpError(call, 'FWP_E_NULL_DISPLAY_NAME', `${object.kind} without a display name`);
  if (view.get(object.kind, object.key) !== undefined) throw new WfpError(call, 'FWP_E_ALREADY_EXISTS', object.key);
  if (object.providerKey !== undefined) checkReference(call, object, mustGet(call, view, 'provider', object.providerKey));
}

/** Only the bits in `allowed` may be set. */
export function checkFlags(call: string, flags: number, allowed: number): void {
  if (!Number.isInteger(flags) || flags < 0 || (flags & ~allowed) !== 0)
    throw new WfpError(call, 'FWP_E_INVALID_FLAGS', `0x${(flags & ~allowed).toString(16)}`);
}

/** DISABLED is output only, 0x1000 to 0x4000 are reserved. */
const FILTER_FLAGS = 0xfff & ~FILTER_FLAG.DISABLED;
const CALLOUT_ACTION = 0x4000;

function checkAction(call: string, view: ObjectView, filter: FilterInput, object: NewObject): Callout | undefined {
  const number = ACTION_TYPE[filter.action.type];
  if (number === undefined || filter.action.type.startsWith('FWP_ACTION_NONE'))
    throw new WfpError(call, 'FWP_E_INVALID_ACTION_TYPE', String(filter.action.type));
  const decides = filter.action.type === 'FWP_ACTION_CALLOUT_TERMINATING' || filter.action.type === 'FWP_ACTION_CALLOUT_UNKNOWN';
  if (((filter.flags ?? 0) & FILTER_FLAG.PERMIT_IF_CALLOUT_UNREGISTERED) !== 0 && !decides)
    throw new WfpError(call, 'FWP_E_INVALID_FLAGS', 'PERMIT_IF_CALLOUT_UNREGISTERED goes with a callout that decides');
  if ((number & CALLOUT_ACTION) === 0) return undefined;
  if (filter.action.calloutKey === undefined) throw new WfpError(call, 'FWP_E_CALLOUT_NOT_FOUND', 'the action names no callout');
  const record = mustGet(call, view, 'callout', filter.action.calloutKey);
  if (record.object.applicableLayer !== filter.layerKey)
    throw new WfpError(call, 'FWP_E_INCOMPATIBLE_LAYER', `callout ${record.key} is for layer ${record.object.applicableLayer}`);
  checkReference(call, object, record);
  return record.object;
}

function checkContext(
  call: string,
  view: ObjectView,
  filter: FilterInput,
  object: NewObject,
  callout: Callout | undefined,
): void {
  const flags = filter.flags ?? 0;
  if (filter.providerContextKey === undefined) {
    if ((flags & FILTER_FLAG.HAS_PROVIDER_CONTEXT) !== 0)
      throw new WfpError(call, 'FWP_E_PROVIDER_CONTEXT_NOT_FOUND', 'HAS_PROVIDER_CONTEXT is set without a key');
    return;
  }
  if (filter.rawContext !== undefined)
    throw new WfpError(call, 'FWP_E_INVALID_PARAMETER', 'rawContext and providerContextKey share one place');
  checkReference(call, object, mustGet(call, view, 'providerContext', filter.providerContextKey));
  if (callout !== undefined && (callout.flags & OBJECT_FLAG.CALLOUT_USES_PROVIDER_CONTEXT) === 0)
    throw new WfpError(call, 'FWP_E_PROVIDER_CONTEXT_MISMATCH', `callout ${callout.calloutKey} uses no provider context`);
}

/** Everything FwpmFilterAdd0 checks. Returns the weight that arbitration will use. */
export function checkFilter(
  call: string,
  view: ObjectView,
  set: LayerSet,
  filter: FilterInput & Pick<Filter, 'subLayerKey' | 'weight'>,
  object: NewObject,
): bigint {
  const flags = filter.flags ?? 0;
  checkFlags(call, flags, FILTER_FLAGS);
  if ((flags & FILTER_FLAG.PERSISTENT) !== 0 && (flags & FILTER_FLAG.BOOTTIME) !== 0)
    throw new WfpError(call, 'FWP_E_INVALID_FLAGS', 'PERSISTENT and BOOTTIME exclude each other: add two filters');
  checkNew(call, view, object);
  const layer = layerByKey(filter.layerKey, set);
  if (layer === undefined) throw new WfpError(call, 'FWP_E_LAYER_NOT_FOUND', filter.layerKey);
  if ((flags & FILTER_FLAG.BOOTTIME) !== 0 && !layer.flags.includes('FWPM_LAYER_FLAG_KERNEL'))
    throw new WfpError(call, 'FWP_E_INCOMPATIBLE_LAYER', `${layer.name} is not a kernel layer, so it has no boot-time filters`);
  checkReference(call, object, mustGet(call, view, 'sublayer', filter.subLayerKey));
  const callout = checkAction(call, view, filter, object);
  checkContext(call, view, filter, object, callout);
  for (const condition of filter.filterCondition) {
    const fault = conditionFault(layer, condition);
    if (fault !== undefined) throw new WfpError(call, fault.code, fault.detail);
  }
  const weight = effectiveWeight(layer, filter.weight, filter.filterCondition);
  if (weight === undefined) throw new WfpError(call, 'FWP_E_INVALID_WEIGHT', 'FWP_EMPTY, FWP_UINT8 0 to 15 or FWP_UINT64');
  return weight;
}

/** Whether something in the view refers to the object. */
export function isReferenced(view: ObjectView, record: ObjectRecord): boolean {
  const { kind, key } = record;
  if (kind === 'filter') return false;
  for (const { object } of view.all('filter')) {
    if (kind === 'provider' && object.providerKey === key) return true;
    if (kind === 'sublayer' && object.subLayerKey === key) return true;
    if (kind === 'callout' && object.action.calloutKey === key) return true;
    if (kind === 'providerContext' && object.providerContextKey === key) return true;
  }
  if (kind !== 'provider') return false;
  for (const other of ['sublayer', 'callout', 'providerContext'] as const)
    for (const { object } of view.all(other)) if (object.providerKey === key) return true;
  return false;
}

/** Everything a delete checks. */
export function checkDelete(call: string, view: ObjectView, record: ObjectRecord, dynamicSession: Guid | undefined): void {
  if (record.lifetime === 'builtin') throw new WfpError(call, 'FWP_E_BUILTIN_OBJECT', record.key);
  if (dynamicSession !== undefined && record.lifetime !== 'dynamic')
    throw new WfpError(
      call,
      'FWP_E_DYNAMIC_SESSION_IN_PROGRESS',
      `${record.kind} ${record.key} was not added by this dynamic session`,
    );
  if (dynamicSession !== undefined && record.sessionKey !== dynamicSession)
    throw new WfpError(call, 'FWP_E_WRONG_SESSION', `${record.kind} ${record.key} belongs to another dynamic session`);
  if (isReferenced(view, record)) throw new WfpError(call, 'FWP_E_IN_USE', `${record.kind} ${record.key}`);
}
