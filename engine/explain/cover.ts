import type { DumpCondition, DumpFilter } from '../dumps/dump.ts';
import { compareBytes, compareValues } from '../embedded/bytes.ts';
import { compileCondition, YES } from '../embedded/condition.ts';
import type { Guid } from '../model/guid.ts';
import type { FwpConditionValue, FwpRange, FwpValue } from '../model/value.ts';

/** Conditions by field: alternatives inside a field, all fields together. */
export type Groups = ReadonlyMap<Guid, readonly DumpCondition[]>;

export function groupsOf(filter: DumpFilter): Groups {
  const groups = new Map<Guid, DumpCondition[]>();
  for (const condition of filter.filterCondition) {
    const group = groups.get(condition.fieldKey);
    if (group) group.push(condition);
    else groups.set(condition.fieldKey, [condition]);
  }
  return groups;
}

function sameValue(a: FwpConditionValue, b: FwpConditionValue): boolean {
  if (a.type !== b.type) return false;
  if (a.type === 'FWP_EMPTY') return true;
  const [x, y] = [a.value, (b as typeof a).value];
  if (x instanceof Uint8Array && y instanceof Uint8Array) return compareBytes(x, y) === 0;
  if (typeof x !== 'object') return x === y;
  return JSON.stringify(x, plainValue) === JSON.stringify(y, plainValue);
}
const plainValue = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;

/** A condition on an address or a number as the range that it stands for; undefined for anything else. */
function rangeOf({ matchType, conditionValue: value }: DumpCondition): FwpRange | undefined {
  if (matchType === 'FWP_MATCH_RANGE' && value.type === 'FWP_RANGE_TYPE') return value.value;
  if (matchType !== 'FWP_MATCH_EQUAL') return undefined;
  if (value.type === 'FWP_V4_ADDR_MASK') {
    const { addr, mask } = value.value;
    const free = ~mask >>> 0;
    if ((free & (free + 1)) !== 0) return undefined;
    const low = (addr & mask) >>> 0;
    return { low: { type: 'FWP_UINT32', value: low }, high: { type: 'FWP_UINT32', value: (low | free) >>> 0 } };
  }
  if (value.type === 'FWP_V6_ADDR_MASK') {
    const low = value.value.addr.slice();
    const high = low.slice();
    for (let bit = value.value.prefixLength; bit < 128; bit++) {
      low[bit >> 3]! &= ~(0x80 >> (bit & 7));
      high[bit >> 3]! |= 0x80 >> (bit & 7);
    }
    return { low: { type: 'FWP_BYTE_ARRAY16_TYPE', value: low }, high: { type: 'FWP_BYTE_ARRAY16_TYPE', value: high } };
  }
  const single = value as FwpValue;
  return compareValues(single, single) === 0 ? { low: single, high: single } : undefined;
}

/** Whether everything that `inner` matches, `outer` matches too. False where it cannot be shown. */
function implies(inner: DumpCondition, outer: DumpCondition): boolean {
  if (inner.asFound !== undefined || outer.asFound !== undefined) return false;
  if (inner.matchType === outer.matchType && sameValue(inner.conditionValue, outer.conditionValue)) return true;
  const a = rangeOf(inner);
  if (a) {
    const b = rangeOf(outer);
    if (b) {
      const low = compareValues(a.low, b.low);
      const high = compareValues(a.high, b.high);
      return low !== undefined && high !== undefined && low >= 0 && high <= 0;
    }
    // A single value satisfies any comparison that can be computed.
    return compareValues(a.low, a.high) === 0 && compileCondition(outer)(a.low) === YES;
  }
  if (inner.matchType === 'FWP_MATCH_EQUAL' && inner.conditionValue.type === 'FWP_SID')
    return compileCondition(outer)(inner.conditionValue) === YES;
  const [x, y] = [inner.conditionValue, outer.conditionValue];
  if (inner.matchType === outer.matchType && x.type === 'FWP_UINT32' && y.type === 'FWP_UINT32') {
    if (inner.matchType === 'FWP_MATCH_FLAGS_ALL_SET' || inner.matchType === 'FWP_MATCH_FLAGS_NONE_SET')
      return (x.value & y.value) >>> 0 === y.value;
    if (inner.matchType === 'FWP_MATCH_FLAGS_ANY_SET') return (x.value & y.value) >>> 0 === x.value;
  }
  return false;
}

/** Whether all traffic that `inner` matches is matched by `outer` as well. False where it cannot be shown. */
export function covers(outer: Groups, inner: Groups): boolean {
  for (const [field, alternatives] of outer) {
    const own = inner.get(field);
    if (!own?.every(condition => alternatives.some(each => implies(condition, each)))) return false;
  }
  return true;
}

/** A range with its ends the wrong way round, which nothing is in. */
export const isEmptyRange = ({ matchType, conditionValue: value }: DumpCondition): boolean =>
  matchType === 'FWP_MATCH_RANGE' &&
  value.type === 'FWP_RANGE_TYPE' &&
  (compareValues(value.value.low, value.value.high) ?? 0) > 0;
