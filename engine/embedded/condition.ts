import { nameOfKey } from '../model/keys.ts';
import type { FilterCondition } from '../model/objects.ts';
import type { FwpConditionValue, FwpValue, TokenInformation } from '../model/value.ts';
import { accessCheck } from './access-check.ts';
import { compareBytes, compareValues, endsWithBlob } from './bytes.ts';
import { parseSddl, type SecurityDescriptor } from './sddl.ts';

/** Outcome of a comparison in three-valued logic. */
export const NO = 0;
export const YES = 1;
export const UNKNOWN = 2;
export type Match = typeof NO | typeof YES | typeof UNKNOWN;

/** Compares a known value of the field; an absent value never gets here. */
export type Test = (value: FwpValue) => Match;

/** Name of a condition's field in ClassifyValues: its name in fwpmu.h, or the GUID of a field that is not known. */
export const fieldName = (fieldKey: string): string => nameOfKey('condition', fieldKey) ?? fieldKey;

/** FWP_EMPTY is known and equal to nothing but FWP_EMPTY; a value of another type than the condition's cannot be compared. */
const otherType = (value: FwpValue): Match => (value.type === 'FWP_EMPTY' ? NO : UNKNOWN);
const always =
  (match: Match): Test =>
  () =>
    match;

const descriptors = new Map<string, SecurityDescriptor | undefined>();

/** Descriptors repeat over many filters, so each text is parsed once; the cache is bounded. */
function descriptorOf(sddl: string): SecurityDescriptor | undefined {
  if (descriptors.has(sddl)) return descriptors.get(sddl);
  if (descriptors.size >= 10_000) descriptors.clear();
  const parsed = parseSddl(sddl);
  descriptors.set(sddl, parsed);
  return parsed;
}

function tokenOf(value: FwpValue): TokenInformation | undefined {
  if (value.type === 'FWP_TOKEN_ACCESS_INFORMATION_TYPE' || value.type === 'FWP_TOKEN_INFORMATION_TYPE') return value.value;
  return value.type === 'FWP_SID' ? { sids: [value.value], partial: true } : undefined;
}

function sidTest(sid: string): Test {
  const wanted = sid.toUpperCase();
  return value => {
    if (value.type === 'FWP_SID') return value.value.toUpperCase() === wanted ? YES : NO;
    const token = tokenOf(value);
    if (token === undefined) return otherType(value);
    return token.sids.includes(wanted) ? YES : token.partial ? UNKNOWN : NO;
  };
}

function descriptorTest(sddl: string): Test {
  let parsed: SecurityDescriptor | undefined;
  let read = false;
  return value => {
    const token = tokenOf(value);
    if (token === undefined) return otherType(value);
    if (!read) {
      parsed = descriptorOf(sddl);
      read = true;
    }
    const granted = parsed && accessCheck(parsed, token).granted;
    return granted === undefined ? UNKNOWN : granted ? YES : NO;
  };
}

function equalTest(wanted: FwpConditionValue): Test {
  switch (wanted.type) {
    case 'FWP_EMPTY':
      return value => (value.type === 'FWP_EMPTY' ? YES : NO);
    case 'FWP_BYTE_ARRAY16_TYPE':
    case 'FWP_BYTE_ARRAY6_TYPE':
    case 'FWP_BYTE_BLOB_TYPE':
      return value =>
        value.type === wanted.type ? (compareBytes(value.value, wanted.value) === 0 ? YES : NO) : otherType(value);
    case 'FWP_SID':
      return sidTest(wanted.value);
    case 'FWP_SECURITY_DESCRIPTOR_TYPE':
      return descriptorTest(wanted.value);
    case 'FWP_V4_ADDR_MASK': {
      const { addr, mask } = wanted.value;
      const net = (addr & mask) >>> 0;
      return value => (value.type === 'FWP_UINT32' ? ((value.value & mask) >>> 0 === net ? YES : NO) : otherType(value));
    }
    case 'FWP_V6_ADDR_MASK': {
      const { addr, prefixLength } = wanted.value;
      const whole = prefixLength >> 3;
      const rest = prefixLength & 7 ? (0xff00 >> (prefixLength & 7)) & 0xff : 0;
      return value => {
        if (value.type !== 'FWP_BYTE_ARRAY16_TYPE') return otherType(value);
        for (let at = 0; at < whole; at++) if (value.value[at] !== addr[at]) return NO;
        return rest === 0 || ((value.value[whole]! ^ addr[whole]!) & rest) === 0 ? YES : NO;
      };
    }
    case 'FWP_RANGE_TYPE':
    case 'FWP_TOKEN_INFORMATION_TYPE':
    case 'FWP_TOKEN_ACCESS_INFORMATION_TYPE':
      return always(UNKNOWN);
    default: {
      const { type, value: want } = wanted;
      return value => (value.type === type ? (value.value === want ? YES : NO) : otherType(value));
    }
  }
}

function flagsTest(condition: FilterCondition): Test {
  const wanted = condition.conditionValue;
  if (wanted.type !== 'FWP_UINT8' && wanted.type !== 'FWP_UINT16' && wanted.type !== 'FWP_UINT32' && wanted.type !== 'FWP_UINT64')
    return always(UNKNOWN);
  const bits = BigInt(wanted.value);
  return value => {
    if (value.type !== wanted.type) return otherType(value);
    const common = BigInt(value.value as number | bigint) & bits;
    if (condition.matchType === 'FWP_MATCH_FLAGS_ALL_SET') return common === bits ? YES : NO;
    return (common !== 0n) === (condition.matchType === 'FWP_MATCH_FLAGS_ANY_SET') ? YES : NO;
  };
}

function orderTest(wanted: FwpConditionValue, good: (order: number) => boolean): Test {
  return value => {
    if (wanted.type !== value.type) return otherType(value);
    const order = compareValues(value, wanted as FwpValue);
    return order === undefined ? UNKNOWN : good(order) ? YES : NO;
  };
}

const negated =
  (test: Test): Test =>
  value => {
    const match = test(value);
    return value.type === 'FWP_EMPTY' && match === NO ? NO : match === UNKNOWN ? UNKNOWN : match === YES ? NO : YES;
  };

/**
 * The comparison that a condition asks for. What WFP does not define (or a newer build may have added) is UNKNOWN, never a match.
 * An absent field (FWP_EMPTY) matches only EQUAL FWP_EMPTY; NOT_EQUAL of a value does not match it either.
 */
export function compileCondition(condition: FilterCondition): Test {
  const wanted = condition.conditionValue;
  switch (condition.matchType) {
    case 'FWP_MATCH_EQUAL':
      return equalTest(wanted);
    case 'FWP_MATCH_NOT_EQUAL':
      return wanted.type === 'FWP_EMPTY' ? value => (value.type === 'FWP_EMPTY' ? NO : YES) : negated(equalTest(wanted));
    case 'FWP_MATCH_GREATER':
      return orderTest(wanted, order => order > 0);
    case 'FWP_MATCH_LESS':
      return orderTest(wanted, order => order < 0);
    case 'FWP_MATCH_GREATER_OR_EQUAL':
      return orderTest(wanted, order => order >= 0);
    case 'FWP_MATCH_LESS_OR_EQUAL':
      return orderTest(wanted, order => order <= 0);
    case 'FWP_MATCH_RANGE': {
      if (wanted.type !== 'FWP_RANGE_TYPE') return always(UNKNOWN);
      const low = orderTest(wanted.value.low, order => order >= 0);
      const high = orderTest(wanted.value.high, order => order <= 0);
      return value => {
        const above = low(value);
        return above === YES ? high(value) : above;
      };
    }
    case 'FWP_MATCH_FLAGS_ALL_SET':
    case 'FWP_MATCH_FLAGS_ANY_SET':
    case 'FWP_MATCH_FLAGS_NONE_SET':
      return flagsTest(condition);
    case 'FWP_MATCH_EQUAL_CASE_INSENSITIVE': {
      if (wanted.type !== 'FWP_UNICODE_STRING_TYPE') return always(UNKNOWN);
      const folded = wanted.value.toLowerCase();
      return value => (value.type === wanted.type ? (value.value.toLowerCase() === folded ? YES : NO) : otherType(value));
    }
    case 'FWP_MATCH_PREFIX':
    case 'FWP_MATCH_NOT_PREFIX': {
      if (wanted.type !== 'FWP_BYTE_BLOB_TYPE' && wanted.type !== 'FWP_UNICODE_STRING_TYPE') return always(UNKNOWN);
      const test: Test = value => {
        if (value.type !== wanted.type) return otherType(value);
        if (value.type === 'FWP_BYTE_BLOB_TYPE') return endsWithBlob(value.value, wanted.value as Uint8Array) ? YES : NO;
        return String(value.value).endsWith(String(wanted.value)) ? YES : NO;
      };
      return condition.matchType === 'FWP_MATCH_PREFIX' ? test : negated(test);
    }
    default:
      return always(UNKNOWN);
  }
}

/** What would settle a comparison that came out UNKNOWN. */
export function needsOf(condition: FilterCondition, value: FwpValue | undefined): string {
  const name = fieldName(condition.fieldKey);
  if (value === undefined) return `the value of ${name}`;
  const wanted = condition.conditionValue;
  const token = tokenOf(value);
  if (token !== undefined && wanted.type === 'FWP_SID') return `whether the token of ${name} holds ${wanted.value}`;
  if (token !== undefined && wanted.type === 'FWP_SECURITY_DESCRIPTOR_TYPE') {
    const parsed = descriptorOf(wanted.value);
    if (parsed === undefined) return `what the security descriptor ${wanted.value} means`;
    return accessCheck(parsed, token).needs ?? `the value of ${name}`;
  }
  const low = wanted.type === 'FWP_RANGE_TYPE' ? wanted.value.low.type : wanted.type;
  const type = low === 'FWP_V4_ADDR_MASK' ? 'FWP_UINT32' : low === 'FWP_V6_ADDR_MASK' ? 'FWP_BYTE_ARRAY16_TYPE' : low;
  if (value.type !== type) return `the value of ${name} as ${type} (it was given as ${value.type})`;
  return `how ${condition.matchType} compares ${wanted.type}`;
}
