import type { ClassifyTrace } from '../../engine/model/classify.ts';
import { CONDITION_KEY } from '../../engine/model/keys.ts';
import type { Filter, FilterCondition, Layer, SubLayer } from '../../engine/model/objects.ts';
import type { Rule } from '../../engine/rules/rule.ts';
import { NOON } from './scripted-client.ts';

/** A layer with the fields that the tests' conditions name. */
export const LAYER: Layer = {
  layerKey: 'c38d57d1-05a7-4c33-904f-7fbceee60e82',
  name: 'ALE_AUTH_CONNECT_V4',
  layerId: 48,
  flags: [],
  defaultSubLayerKey: 'eebecc03-ced4-4380-819a-2734397b2b74',
  fields: [
    { fieldKey: CONDITION_KEY.ALE_APP_ID, name: 'ALE_APP_ID', type: 'FWPM_FIELD_RAW_DATA', dataType: 'FWP_BYTE_BLOB_TYPE' },
    {
      fieldKey: CONDITION_KEY.IP_REMOTE_ADDRESS,
      name: 'IP_REMOTE_ADDRESS',
      type: 'FWPM_FIELD_IP_ADDRESS',
      dataType: 'FWP_UINT32',
    },
    { fieldKey: CONDITION_KEY.IP_REMOTE_PORT, name: 'IP_REMOTE_PORT', type: 'FWPM_FIELD_RAW_DATA', dataType: 'FWP_UINT16' },
  ],
};

export const SUBLAYER: SubLayer = {
  subLayerKey: '5a11f0b7-6b1e-4d53-9d0c-2f6c3e7a2001',
  displayData: { name: 'Sallyport' },
  flags: 0,
  weight: 0x9000,
};

const blob = (text: string) => new Uint8Array(Buffer.from(`${text}\0`, 'utf16le'));
const ip = (text: string) => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

export function aFilter(id: bigint, action: 'permit' | 'block', app: string, address?: string, port?: number): Filter {
  const conditions: FilterCondition[] = [
    {
      fieldKey: CONDITION_KEY.ALE_APP_ID,
      matchType: 'FWP_MATCH_EQUAL',
      conditionValue: { type: 'FWP_BYTE_BLOB_TYPE', value: blob(app) },
    },
  ];
  if (address)
    conditions.push({
      fieldKey: CONDITION_KEY.IP_REMOTE_ADDRESS,
      matchType: 'FWP_MATCH_EQUAL',
      conditionValue: { type: 'FWP_UINT32', value: ip(address) },
    });
  if (port)
    conditions.push({
      fieldKey: CONDITION_KEY.IP_REMOTE_PORT,
      matchType: 'FWP_MATCH_EQUAL',
      conditionValue: { type: 'FWP_UINT16', value: port },
    });
  return {
    filterKey: `filter-${id}`,
    displayData: { name: `${action} ${app}` },
    flags: 1,
    layerKey: LAYER.layerKey,
    subLayerKey: SUBLAYER.subLayerKey,
    weight: { type: 'FWP_UINT8', value: 8 },
    filterCondition: conditions,
    action: { type: action === 'permit' ? 'FWP_ACTION_PERMIT' : 'FWP_ACTION_BLOCK' },
    filterId: id,
    effectiveWeight: 0x8000000000000000n + id,
  };
}

/** A decision in which the first filter decided, the second did not match at its first condition, and others were not known. */
export const aTrace = (filters: readonly Filter[]): ClassifyTrace => ({
  action: 'block',
  filter: filters[0]!,
  pend: false,
  veto: false,
  possible: ['block'],
  candidates: [],
  layerKey: LAYER.layerKey,
  needs: ['the value of ALE_USER_ID'],
  subLayers: [
    {
      subLayer: SUBLAYER,
      yields: 'block',
      decidedBy: filters[0]!.filterId,
      carried: { action: 'block', hard: false, filterId: filters[0]!.filterId },
      filters: filters.map((filter, i) => ({
        filter,
        outcome: i === 0 ? 'matched' : i === 1 ? 'not-matched' : 'unknown',
        conditions: filter.filterCondition.map((_, index) => ({
          index,
          outcome: i === 0 ? 'matched' : i === 1 ? 'not-matched' : 'unknown',
          ...(i > 1 ? { needs: 'the value of ALE_USER_ID' } : {}),
        })),
        ...(i === 0 ? { yields: 'block' as const } : {}),
      })),
    },
  ],
});

export const aRule = (id: string, more: Partial<Rule> = {}): Rule => ({
  id: `0000000${id}-0000-4000-8000-000000000000`,
  verdict: 'permit',
  scope: {
    app: '/usr/bin/node',
    remote: { kind: 'name', name: 'packages.example', subdomains: false },
    port: { from: 443, to: 443 },
    protocol: 6,
    direction: 'out',
  },
  lifetime: { kind: 'permanent' },
  enabled: true,
  origin: 'prompt',
  createdAt: NOON - Number(id),
  ...more,
});
