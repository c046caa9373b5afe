import { LAYER_KEY } from '../model/keys.ts';
import type { FilterCondition, Layer } from '../model/objects.ts';
import type { FwpConditionValue, FwpValue } from '../model/value.ts';
import { fieldName } from './condition.ts';

/** Bits that a field has in an automatic weight: the lowest, and the number that an exact condition stores there. */
interface Place {
  readonly shift: number;
  readonly scale: number;
}

const AUTO_WEIGHT_BITS = 60;

/** Fields of one degree of specificity: which, the bits they get, and whether they share them (those that rarely stand together do). */
interface Degree {
  readonly pattern: RegExp;
  readonly bits: (v6: boolean) => number;
  readonly shared: boolean;
}
const degree = (pattern: RegExp, bits: number | ((v6: boolean) => number), shared: boolean): Degree => ({
  pattern,
  bits: typeof bits === 'number' ? () => bits : bits,
  shared,
});
const addressBits = (v6: boolean) => (v6 ? 8 : 6);

/** Order of specificity: what stands earlier weighs more than everything after it together. */
const ORDER: readonly Degree[] = [
  degree(
    /^(IP_(REMOTE|DESTINATION)_ADDRESS(_V[46])?|EMBEDDED_REMOTE_ADDRESS|MAC_(REMOTE|DESTINATION)_ADDRESS)$/,
    addressBits,
    false,
  ),
  degree(/^(IP_(LOCAL|SOURCE)_ADDRESS(_V[46])?|MAC_(LOCAL|SOURCE)_ADDRESS|INTERFACE_MAC_ADDRESS)$/, addressBits, false),
  degree(/^(IP_LOCAL_INTERFACE|IP_(FORWARD|ARRIVAL|NEXTHOP)_INTERFACE|IP_PHYSICAL_.*)$/, 1, false),
  degree(/^(IP|EMBEDDED|RPC)_PROTOCOL$|^ETHER_TYPE$|^RPC_IF_UUID$/, 3, false),
  degree(/^((IP|EMBEDDED)_(LOCAL|SOURCE)_PORT|ORIGINAL_ICMP_TYPE)$/, 5, true),
  degree(/^((IP|EMBEDDED)_(REMOTE|DESTINATION)_PORT)$/, 3, true),
  degree(/^(ALE_(ORIGINAL_)?APP_ID|ALE_PACKAGE_ID|ALE_PACKAGE_FAMILY_NAME|IMAGE_NAME|PIPE)$/, 1, true),
  degree(/^(ALE_USER_ID|ALE_REMOTE_USER_ID|ALE_REMOTE_MACHINE_ID|REMOTE_USER_TOKEN|CLIENT_TOKEN|REMOTE_ID)$/, 1, true),
  degree(/^(FLAGS|L2_FLAGS|RPC_EP_FLAGS)$/, 1, false),
  degree(/TUNNEL_TYPE$|INTERFACE_TYPE$|INTERFACE_INDEX$|ADDRESS_TYPE$|SYSTEM_PORT$/, 1, true),
  degree(/^(ORIGINAL|CURRENT)_PROFILE_ID$/, 1, true),
];

/**
 * Places seen on a machine of the newer builds; they are a fact about Windows that is documented nowhere and moves with the build, so
 * only the order is promised. Layers that are not here get the same order from ORDER.
 */
const OBSERVED: { readonly [layer: string]: { readonly [field: string]: readonly [shift: number, scale: number] } } = {
  [LAYER_KEY.ALE_AUTH_CONNECT_V4]: {
    IP_REMOTE_ADDRESS: [53, 32],
    IP_LOCAL_ADDRESS: [52, 1],
    IP_LOCAL_INTERFACE: [51, 1],
    IP_ARRIVAL_INTERFACE: [50, 1],
    IP_NEXTHOP_INTERFACE: [50, 1],
    IP_PROTOCOL: [47, 7],
    IP_LOCAL_PORT: [42, 16],
    IP_REMOTE_PORT: [39, 7],
    ALE_APP_ID: [38, 1],
    ALE_ORIGINAL_APP_ID: [38, 1],
    ALE_PACKAGE_ID: [38, 1],
    ALE_PACKAGE_FAMILY_NAME: [38, 1],
    ALE_USER_ID: [37, 1],
    FLAGS: [36, 1],
    TUNNEL_TYPE: [31, 1],
    ARRIVAL_TUNNEL_TYPE: [31, 1],
    NEXTHOP_TUNNEL_TYPE: [31, 1],
    ORIGINAL_PROFILE_ID: [8, 7],
    CURRENT_PROFILE_ID: [4, 15],
  },
  [LAYER_KEY.ALE_AUTH_RECV_ACCEPT_V4]: {
    IP_REMOTE_ADDRESS: [54, 32],
    IP_LOCAL_ADDRESS: [53, 1],
    IP_LOCAL_INTERFACE: [52, 1],
    IP_ARRIVAL_INTERFACE: [51, 1],
    IP_NEXTHOP_INTERFACE: [51, 1],
    IP_PROTOCOL: [49, 3],
    IP_LOCAL_PORT: [43, 32],
    ORIGINAL_ICMP_TYPE: [43, 32],
    IP_REMOTE_PORT: [40, 7],
    ALE_APP_ID: [39, 1],
    ALE_PACKAGE_ID: [39, 1],
    ALE_PACKAGE_FAMILY_NAME: [39, 1],
    ALE_USER_ID: [38, 1],
    FLAGS: [35, 1],
    ALE_SIO_FIREWALL_SYSTEM_PORT: [34, 1],
    INTERFACE_TYPE: [30, 1],
    ARRIVAL_INTERFACE_TYPE: [30, 1],
    NEXTHOP_INTERFACE_TYPE: [30, 1],
    TUNNEL_TYPE: [29, 1],
    ARRIVAL_TUNNEL_TYPE: [29, 1],
    NEXTHOP_TUNNEL_TYPE: [29, 1],
    ORIGINAL_PROFILE_ID: [8, 7],
    CURRENT_PROFILE_ID: [4, 15],
  },
};

const layouts = new WeakMap<Layer, ReadonlyMap<string, Place>>();

function layoutOf(layer: Layer): ReadonlyMap<string, Place> {
  const known = layouts.get(layer);
  if (known !== undefined) return known;
  const layout = new Map<string, Place>();
  const observed = OBSERVED[layer.layerKey];
  if (observed !== undefined) for (const [field, [shift, scale]] of Object.entries(observed)) layout.set(field, { shift, scale });
  let top = AUTO_WEIGHT_BITS;
  for (const { pattern, bits, shared } of observed === undefined ? ORDER : []) {
    let place: Place | undefined;
    for (const { name, dataType } of layer.fields) {
      if (layout.has(name) || !pattern.test(name)) continue;
      if (place === undefined || !shared) {
        const width = Math.min(bits(dataType === 'FWP_BYTE_ARRAY16_TYPE'), top - 1);
        if (width < 1) continue;
        top -= width;
        place = { shift: top, scale: width >= 5 ? 2 ** (width - 1) : 2 ** width - 1 };
      }
      layout.set(name, place);
    }
  }
  // What is left is least specific and shares the lowest bit.
  for (const { name } of layer.fields) if (!layout.has(name)) layout.set(name, { shift: 0, scale: 1 });
  layouts.set(layer, layout);
  return layout;
}

const BITS: { readonly [type: string]: number } = {
  FWP_UINT8: 8,
  FWP_UINT16: 16,
  FWP_UINT32: 32,
  FWP_UINT64: 64,
  FWP_BYTE_ARRAY16_TYPE: 128,
};

function integerOf(value: FwpValue): bigint | undefined {
  if (value.type === 'FWP_BYTE_ARRAY16_TYPE') return value.value.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return BITS[value.type] === undefined ? undefined : BigInt((value as { value: number | bigint }).value);
}

/** Logarithm to base 2 of how many values a condition covers; 0 for one. */
function widthOf(value: FwpConditionValue): number {
  if (value.type === 'FWP_V4_ADDR_MASK') return 32 - value.value.mask.toString(2).replace(/[^1]/g, '').length;
  if (value.type === 'FWP_V6_ADDR_MASK') return 128 - value.value.prefixLength;
  if (value.type !== 'FWP_RANGE_TYPE') return 0;
  const low = integerOf(value.value.low);
  const high = integerOf(value.value.high);
  return low === undefined || high === undefined ? 0 : Math.log2(Number(high - low + 1n));
}

function unitsOf(condition: FilterCondition, { scale }: Place): number {
  const value = condition.conditionValue;
  if (condition.matchType.startsWith('FWP_MATCH_FLAGS')) return scale;
  if (value.type === 'FWP_V4_ADDR_MASK' || value.type === 'FWP_V6_ADDR_MASK') {
    const bits = value.type === 'FWP_V4_ADDR_MASK' ? 32 : 128;
    return Math.floor((scale * (bits - widthOf(value))) / bits);
  }
  if (value.type === 'FWP_RANGE_TYPE') {
    const bits = BITS[value.value.low.type] ?? 64;
    const width = widthOf(value);
    return width === bits ? 0 : Math.max(1, Math.round(scale * (1 - width / bits)));
  }
  const ordered = /GREATER|LESS/.test(condition.matchType);
  return ordered ? 1 : scale;
}

/**
 * The automatic part of a filter's weight, in [0, 2^60): the more specific its conditions, the higher. Alternatives on one field count
 * as their mean, as on the machines seen (ranges of 12, 8 and 28 bits there count as a prefix of (20 + 24 + 4) / 3 = 16); a range of
 * everything counts nothing, and a filter without conditions has 0.
 * https://learn.microsoft.com/windows/win32/fwp/filter-weight-assignment
 */
export function automaticWeight(layer: Layer, conditions: readonly FilterCondition[]): bigint {
  const layout = layoutOf(layer);
  const units = new Map<string, number[]>();
  for (const condition of conditions) {
    const field = fieldName(condition.fieldKey);
    const place = layout.get(field);
    if (place === undefined) continue;
    const counts = units.get(field);
    if (counts === undefined) units.set(field, [unitsOf(condition, place)]);
    else counts.push(unitsOf(condition, place));
  }
  let weight = 0n;
  for (const [field, counts] of units) {
    const mean = Math.floor(counts.reduce((sum, count) => sum + count, 0) / counts.length);
    weight |= BigInt(mean) << BigInt(layout.get(field)!.shift);
  }
  return weight;
}

/** The weight that arbitration uses; undefined when the one asked for is none (FWP_E_INVALID_WEIGHT). */
export function effectiveWeight(layer: Layer, weight: FwpValue, conditions: readonly FilterCondition[]): bigint | undefined {
  switch (weight.type) {
    case 'FWP_EMPTY':
      return automaticWeight(layer, conditions);
    case 'FWP_UINT8':
      if (!Number.isInteger(weight.value) || weight.value < 0 || weight.value > 15) return undefined;
      return (BigInt(weight.value) << 60n) | automaticWeight(layer, conditions);
    case 'FWP_UINT64':
      return weight.value >= 0n && weight.value < 1n << 64n ? weight.value : undefined;
    default:
      return undefined;
  }
}
