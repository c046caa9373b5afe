import { type Guid, NULL_GUID, parseGuid } from '../model/guid.ts';
import { CALLOUT_KEY, CONDITION_KEY, PROVIDER_KEY, SUBLAYER_KEY } from '../model/keys.ts';
import { layerByKey } from '../model/layers.ts';
import { FILTER_FLAG, type FilterAction } from '../model/objects.ts';
import { UNREADABLE_CALLOUT } from '../model/unreadable.ts';
import { parseU64 } from './address.ts';
import { auditConditions, type MatchTexts, splitConditions } from './audit-conditions.ts';
import type { AuditEvent } from './audit-event.ts';
import type { DumpCondition, DumpFilter } from './dump.ts';
import type { Keeper } from './keep.ts';

/** Message-table ids and the words that they stand for in an English rendering. */
const CODES: Readonly<Record<string, readonly string[]>> = {
  add: ['%%16384', 'add'],
  delete: ['%%16385', 'delete'],
  boot: ['%%16386', 'boot-time', 'boottime'],
  persistent: ['%%16387', 'persistent'],
  transient: ['%%16388', 'not persistent', 'run-time'],
  block: ['%%16389', 'block'],
  permit: ['%%16390', 'permit'],
  callout: ['%%16391', 'callout'],
  in: ['%%14592', 'inbound'],
  out: ['%%14593', 'outbound'],
};

/** Whether a coded field says this. */
export const says = (text: string | undefined, code: keyof typeof CODES & string): boolean =>
  text !== undefined && (CODES[code] ?? []).includes(text.trim().toLowerCase());

const EDGE_CALLOUTS: ReadonlySet<Guid> = new Set(
  Object.entries(CALLOUT_KEY)
    .filter(([name]) => /^(EDGE_TRAVERSAL|TEREDO)_/.test(name))
    .map(([, key]) => key),
);
const TUNNEL_FIELDS: ReadonlySet<Guid> = new Set([CONDITION_KEY.ARRIVAL_TUNNEL_TYPE, CONDITION_KEY.NEXTHOP_TUNNEL_TYPE]);
const INTERFACE_FIELDS: ReadonlySet<Guid> = new Set([CONDITION_KEY.ARRIVAL_INTERFACE_TYPE, CONDITION_KEY.NEXTHOP_INTERFACE_TYPE]);
const OF_PROVIDER: ReadonlyMap<Guid, Guid> = new Map([
  [PROVIDER_KEY.MPSSVC_WSH, SUBLAYER_KEY.MPSSVC_WSH],
  [PROVIDER_KEY.MPSSVC_EDP, SUBLAYER_KEY.MPSSVC_EDP],
  [PROVIDER_KEY.MPSSVC_TENANT_RESTRICTIONS, SUBLAYER_KEY.MPSSVC_TENANT_RESTRICTIONS],
  [PROVIDER_KEY.MPSSVC_APP_ISOLATION, SUBLAYER_KEY.MPSSVC_APP_ISOLATION],
]);

/**
 * The sublayer of a filter, which the events do not tell. The firewall service keeps one for each of its jobs; which job a filter does
 * shows in provider, callout, fields and in names that are not translated (the same rules hold for every filter of the dumps seen).
 * Undefined for another provider: its sublayer is not known.
 */
export function subLayerOf(
  providerKey: Guid | undefined,
  calloutKey: Guid | undefined,
  conditions: readonly DumpCondition[],
  name: string,
): Guid | undefined {
  if (providerKey !== PROVIDER_KEY.MPSSVC_WF) return providerKey === undefined ? undefined : OF_PROVIDER.get(providerKey);
  if (calloutKey && EDGE_CALLOUTS.has(calloutKey)) return SUBLAYER_KEY.TEREDO;
  const fields = new Set(conditions.map(each => each.fieldKey));
  if (fields.has(CONDITION_KEY.INTERFACE_QUARANTINE_EPOCH) || /^quarantine /i.test(name)) return SUBLAYER_KEY.MPSSVC_QUARANTINE;
  if (name === 'AppContainerLoopback') return SUBLAYER_KEY.MPSSVC_APP_ISOLATION;
  const tunnel = conditions.filter(each => TUNNEL_FIELDS.has(each.fieldKey));
  const interfaceType = conditions.some(each => INTERFACE_FIELDS.has(each.fieldKey));
  if (interfaceType && tunnel.length === 0) return SUBLAYER_KEY.MPSSVC_QUARANTINE;
  if (interfaceType && tunnel.some(each => each.conditionValue.type === 'FWP_UINT32' && each.conditionValue.value === 1))
    return SUBLAYER_KEY.TEREDO;
  return SUBLAYER_KEY.MPSSVC_WF;
}

/** A filter as events 5441 and 5447 describe it. `subLayerKey` is NULL_GUID where it is not known. */
export function auditFilter(event: AuditEvent, texts: MatchTexts, keep: Keeper): DumpFilter | undefined {
  const { fields } = event;
  const filterId = parseU64(fields['FilterId'] ?? '');
  const layerKey = parseGuid(fields['LayerKey'] ?? '');
  if (filterId === undefined || layerKey === undefined) return undefined;
  const key = (name: string): Guid | undefined => {
    const guid = parseGuid(fields[name] ?? '');
    return guid === undefined || guid === NULL_GUID ? undefined : keep.text(guid);
  };
  const calloutKey = key('CalloutKey');
  const providerKey = key('ProviderKey');
  const conditions = auditConditions(splitConditions(fields['Conditions'] ?? ''), layerByKey(layerKey), texts, keep);
  const name = keep.text(fields['FilterName'] ?? '');
  const isCallout = says(fields['Action'], 'callout') || calloutKey !== undefined;
  const plain = says(fields['Action'], 'permit')
    ? 'FWP_ACTION_PERMIT'
    : says(fields['Action'], 'block')
      ? 'FWP_ACTION_BLOCK'
      : undefined;
  // The events do not tell the kind of callout, so it may permit, block or go on.
  const action: FilterAction =
    plain && !isCallout ? { type: plain } : { type: 'FWP_ACTION_CALLOUT_UNKNOWN', calloutKey: calloutKey ?? UNREADABLE_CALLOUT };
  const flagNames = says(fields['FilterType'], 'boot')
    ? ['BOOTTIME']
    : says(fields['FilterType'], 'persistent')
      ? ['PERSISTENT']
      : [];
  const weight = parseU64(fields['Weight'] ?? '') ?? 0n;
  return {
    filterKey: key('FilterKey') ?? NULL_GUID,
    displayData: { name },
    flags: flagNames[0] === 'BOOTTIME' ? FILTER_FLAG.BOOTTIME : flagNames[0] === 'PERSISTENT' ? FILTER_FLAG.PERSISTENT : 0,
    ...(providerKey ? { providerKey } : undefined),
    layerKey: keep.text(layerKey),
    subLayerKey: subLayerOf(providerKey, calloutKey, conditions, name) ?? NULL_GUID,
    weight: { type: 'FWP_UINT64', value: weight },
    filterCondition: conditions,
    action,
    filterId,
    effectiveWeight: weight,
    flagNames,
    line: event.line,
    column: 0,
  };
}
