import type { FilterCondition } from '../model/objects.ts';
import type { FwpConditionValue, FwpValue } from '../model/value.ts';
import { accessCheck } from './access-check.ts';
import { encode } from './codec.ts';
import { parseSddl } from './sddl.ts';

/** Values that a condition lets through, as closed intervals of integers. */
type Intervals = readonly (readonly [low: bigint, high: bigint])[];

const BITS: { readonly [type: string]: number } = {
  FWP_UINT8: 8,
  FWP_UINT16: 16,
  FWP_UINT32: 32,
  FWP_UINT64: 64,
  FWP_BYTE_ARRAY16_TYPE: 128,
};
const bytesToInteger = (bytes: Uint8Array) => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

function integer(value: FwpConditionValue | FwpValue): bigint | undefined {
  if (value.type === 'FWP_BYTE_ARRAY16_TYPE') return bytesToInteger(value.value);
  return BITS[value.type] === undefined ? undefined : BigInt((value as { value: number | bigint }).value);
}

function netOf(value: FwpConditionValue): readonly [bigint, bigint] | undefined {
  if (value.type === 'FWP_V4_ADDR_MASK') {
    const { addr, mask } = value.value;
    return [BigInt((addr & mask) >>> 0), BigInt((addr | ~mask) >>> 0)];
  }
  if (value.type !== 'FWP_V6_ADDR_MASK') return undefined;
  const host = (1n << BigInt(128 - value.value.prefixLength)) - 1n;
  const addr = bytesToInteger(value.value.addr);
  return [addr & ~host, addr | host];
}

/** undefined: not a set of integers (blobs, SIDs, flags). */
function intervalsOf({ matchType, conditionValue: value }: FilterCondition): Intervals | undefined {
  const net = netOf(value);
  const point = integer(value);
  const top = value.type === 'FWP_V4_ADDR_MASK' ? 32 : value.type === 'FWP_V6_ADDR_MASK' ? 128 : BITS[value.type];
  const span = net ?? (point === undefined ? undefined : ([point, point] as const));
  if (matchType === 'FWP_MATCH_RANGE') {
    const low = value.type === 'FWP_RANGE_TYPE' ? integer(value.value.low) : undefined;
    const high = value.type === 'FWP_RANGE_TYPE' ? integer(value.value.high) : undefined;
    return low === undefined || high === undefined ? undefined : [[low, high]];
  }
  if (span === undefined || top === undefined) return undefined;
  const last = (1n << BigInt(top)) - 1n;
  const [low, high] = span;
  const all: Intervals | undefined = {
    FWP_MATCH_EQUAL: [[low, high] as const],
    FWP_MATCH_GREATER: [[high + 1n, last] as const],
    FWP_MATCH_GREATER_OR_EQUAL: [[low, last] as const],
    FWP_MATCH_LESS: [[0n, low - 1n] as const],
    FWP_MATCH_LESS_OR_EQUAL: [[0n, high] as const],
    FWP_MATCH_NOT_EQUAL: [[0n, low - 1n] as const, [high + 1n, last] as const],
  }[matchType as string];
  return all?.filter(([from, to]) => from <= to);
}

const same = (a: FilterCondition, b: FilterCondition) =>
  a.matchType === b.matchType && encode(a.conditionValue) === encode(b.conditionValue);

/** A template names a SID where filters have a descriptor: it fits when the descriptor may let that SID through. */
function sidFits(filter: FilterCondition, template: FilterCondition): boolean | undefined {
  const sid = template.conditionValue;
  const sddl = filter.conditionValue;
  if (sid.type !== 'FWP_SID' || sddl.type !== 'FWP_SECURITY_DESCRIPTOR_TYPE') return undefined;
  const descriptor = parseSddl(sddl.value);
  return descriptor === undefined || accessCheck(descriptor, { sids: [sid.value] }).granted !== false;
}

function overlaps(filter: FilterCondition, template: FilterCondition): boolean {
  const a = intervalsOf(filter);
  const b = intervalsOf(template);
  if (a !== undefined && b !== undefined) return a.some(([low, high]) => b.some(([from, to]) => low <= to && from <= high));
  const exact = filter.matchType === 'FWP_MATCH_EQUAL' && template.matchType === 'FWP_MATCH_EQUAL';
  return sidFits(filter, template) ?? (exact ? same(filter, template) : true);
}

function within(filter: FilterCondition, template: FilterCondition): boolean {
  const a = intervalsOf(filter);
  const b = intervalsOf(template);
  if (a !== undefined && b !== undefined) return a.every(([low, high]) => b.some(([from, to]) => from <= low && high <= to));
  return same(filter, template);
}

const onField = (conditions: readonly FilterCondition[], key: string) =>
  conditions.filter(condition => condition.fieldKey === key);

/** FWP_FILTER_ENUM_OVERLAPPING: some traffic could satisfy both. What cannot be compared counts as overlapping. */
export function conditionsOverlap(filter: readonly FilterCondition[], template: readonly FilterCondition[]): boolean {
  return template.every(wanted => {
    const own = onField(filter, wanted.fieldKey);
    return own.length === 0 || own.some(condition => overlaps(condition, wanted));
  });
}

/** FWP_FILTER_ENUM_FULLY_CONTAINED: all traffic of the filter satisfies the template. What cannot be compared does not. */
export function conditionsContained(filter: readonly FilterCondition[], template: readonly FilterCondition[]): boolean {
  return template.every(wanted => {
    const own = onField(filter, wanted.fieldKey);
    return own.length > 0 && own.every(condition => within(condition, wanted));
  });
}
