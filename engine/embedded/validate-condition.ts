import type { FwpErrorName } from '../model/error.ts';
import type { FilterCondition, Layer, LayerField } from '../model/objects.ts';
import type { FwpConditionValue, FwpValue } from '../model/value.ts';
import { compareValues } from './bytes.ts';
import { parseSddl, parseSid } from './sddl.ts';

/** ERROR_INVALID_SECURITY_DESCR and ERROR_INVALID_SID of winerror.h. */
const INVALID_SECURITY_DESCR = 1338;
const INVALID_SID = 1337;

/** What is wrong with an object: an FWP_E_* name or a Win32 error, and a few words. */
export interface Fault {
  readonly code: FwpErrorName | number;
  readonly detail: string;
}

const TOP: { readonly [type: string]: bigint } = {
  FWP_UINT8: 0xffn,
  FWP_UINT16: 0xffffn,
  FWP_UINT32: 0xffffffffn,
  FWP_UINT64: 0xffffffffffffffffn,
};
const BOTTOM: { readonly [type: string]: bigint } = {
  FWP_INT8: -128n,
  FWP_INT16: -32768n,
  FWP_INT32: -(2n ** 31n),
  FWP_INT64: -(2n ** 63n),
};
const isInteger = (type: string) => TOP[type] !== undefined || BOTTOM[type] !== undefined;
const isSortable = (type: string) =>
  isInteger(type) || type === 'FWP_BYTE_ARRAY16_TYPE' || type === 'FWP_BYTE_BLOB_TYPE' || type === 'FWP_UNICODE_STRING_TYPE';
const LENGTH: { readonly [type: string]: number } = { FWP_BYTE_ARRAY16_TYPE: 16, FWP_BYTE_ARRAY6_TYPE: 6 };

/** Whether a value is what its tag says. */
function valueFault(value: FwpValue): Fault | undefined {
  const bad = (detail: string): Fault => ({ code: 'FWP_E_OUT_OF_BOUNDS', detail });
  const mismatch = (): Fault => ({ code: 'FWP_E_TYPE_MISMATCH', detail: `the value is no ${value.type}` });
  if (isInteger(value.type)) {
    const { value: number } = value as { value: number | bigint };
    const wide = value.type.endsWith('64');
    if (wide ? typeof number !== 'bigint' : typeof number !== 'number' || !Number.isInteger(number)) return mismatch();
    const low = BOTTOM[value.type] ?? 0n;
    const high = TOP[value.type] ?? -low - 1n;
    return BigInt(number) < low || BigInt(number) > high ? bad(`${number} does not fit ${value.type}`) : undefined;
  }
  const length = LENGTH[value.type];
  if (length !== undefined || value.type === 'FWP_BYTE_BLOB_TYPE') {
    const { value: bytes } = value as { value: Uint8Array };
    if (!(bytes instanceof Uint8Array)) return mismatch();
    return length !== undefined && bytes.length !== length ? bad(`${value.type} has ${bytes.length} bytes`) : undefined;
  }
  if (value.type === 'FWP_SID' && parseSid(value.value) === undefined)
    return { code: INVALID_SID, detail: `${value.value} is no SID` };
  if (value.type === 'FWP_SECURITY_DESCRIPTOR_TYPE' && parseSddl(value.value) === undefined)
    return { code: INVALID_SECURITY_DESCR, detail: `cannot read the security descriptor ${value.value}` };
  return undefined;
}

/** Type of the field that a condition value can be compared with; undefined for ranges whose ends differ. */
function comparedType(value: FwpConditionValue): string | undefined {
  if (value.type === 'FWP_V4_ADDR_MASK') return 'FWP_UINT32';
  if (value.type === 'FWP_V6_ADDR_MASK') return 'FWP_BYTE_ARRAY16_TYPE';
  if (value.type !== 'FWP_RANGE_TYPE') return value.type;
  return value.value.low.type === value.value.high.type ? value.value.low.type : undefined;
}

function typeFault(field: LayerField, value: FwpConditionValue, enumerating: boolean): Fault | undefined {
  const mismatch: Fault = {
    code: 'FWP_E_TYPE_MISMATCH',
    detail: `${field.name} is ${field.dataType}, the condition ${value.type}`,
  };
  if (value.type === 'FWP_EMPTY') return undefined;
  const token = field.dataType === 'FWP_TOKEN_ACCESS_INFORMATION_TYPE' || field.dataType === 'FWP_TOKEN_INFORMATION_TYPE';
  if (token)
    return value.type === 'FWP_SECURITY_DESCRIPTOR_TYPE' || (enumerating && value.type === 'FWP_SID') ? undefined : mismatch;
  const mask = value.type === 'FWP_V4_ADDR_MASK' || value.type === 'FWP_V6_ADDR_MASK';
  if (mask && field.type !== 'FWPM_FIELD_IP_ADDRESS') return mismatch;
  return comparedType(value) === field.dataType ? undefined : mismatch;
}

function matchFault({ matchType, conditionValue: value }: FilterCondition): Fault | undefined {
  const type = comparedType(value) ?? value.type;
  const mask = value.type === 'FWP_V4_ADDR_MASK' || value.type === 'FWP_V6_ADDR_MASK';
  const range = value.type === 'FWP_RANGE_TYPE';
  const good = (() => {
    switch (matchType) {
      case 'FWP_MATCH_EQUAL':
        return !range;
      case 'FWP_MATCH_NOT_EQUAL':
        return !range && (isSortable(type) || type === 'FWP_SID' || type === 'FWP_EMPTY');
      case 'FWP_MATCH_RANGE':
        return range && isSortable(type);
      case 'FWP_MATCH_GREATER':
      case 'FWP_MATCH_LESS':
      case 'FWP_MATCH_GREATER_OR_EQUAL':
      case 'FWP_MATCH_LESS_OR_EQUAL':
        return !range && !mask && isSortable(type);
      case 'FWP_MATCH_FLAGS_ALL_SET':
      case 'FWP_MATCH_FLAGS_ANY_SET':
      case 'FWP_MATCH_FLAGS_NONE_SET':
        return !range && !mask && TOP[type] !== undefined;
      case 'FWP_MATCH_EQUAL_CASE_INSENSITIVE':
        return type === 'FWP_UNICODE_STRING_TYPE' && !range;
      case 'FWP_MATCH_PREFIX':
      case 'FWP_MATCH_NOT_PREFIX':
        return (type === 'FWP_BYTE_BLOB_TYPE' || type === 'FWP_UNICODE_STRING_TYPE') && !range;
      default:
        return false;
    }
  })();
  return good ? undefined : { code: 'FWP_E_MATCH_TYPE_MISMATCH', detail: `${matchType} does not go with ${value.type}` };
}

function rangeFault({ matchType, conditionValue: value }: FilterCondition): Fault | undefined {
  switch (value.type) {
    case 'FWP_RANGE_TYPE': {
      const ends = valueFault(value.value.low) ?? valueFault(value.value.high);
      if (ends !== undefined) return ends;
      const order = compareValues(value.value.low, value.value.high);
      return order !== undefined && order > 0
        ? { code: 'FWP_E_INVALID_RANGE', detail: 'the low end is above the high one' }
        : undefined;
    }
    case 'FWP_V4_ADDR_MASK': {
      const fits = [value.value.addr, value.value.mask].every(part => Number.isInteger(part) && part >= 0 && part <= 0xffffffff);
      return fits ? undefined : { code: 'FWP_E_INVALID_NET_MASK', detail: 'address and mask are unsigned 32-bit integers' };
    }
    case 'FWP_V6_ADDR_MASK': {
      const { addr, prefixLength } = value.value;
      const fits =
        addr instanceof Uint8Array &&
        addr.length === 16 &&
        Number.isInteger(prefixLength) &&
        prefixLength >= 0 &&
        prefixLength <= 128;
      return fits ? undefined : { code: 'FWP_E_INVALID_NET_MASK', detail: `prefix length ${prefixLength}` };
    }
    default: {
      const fault = valueFault(value);
      if (fault !== undefined || !isInteger(value.type)) return fault;
      const number = BigInt((value as { value: number | bigint }).value);
      const never =
        (matchType === 'FWP_MATCH_GREATER' && number === (TOP[value.type] ?? -BOTTOM[value.type]! - 1n)) ||
        (matchType === 'FWP_MATCH_LESS' && number === (BOTTOM[value.type] ?? 0n));
      return never ? { code: 'FWP_E_NEVER_MATCH', detail: `no value is ${matchType} ${number}` } : undefined;
    }
  }
}

/**
 * Whether a condition can be tested at a layer. `enumerating`: it stands in an enumeration template, where a token field takes a SID.
 * https://learn.microsoft.com/windows/win32/api/fwptypes/ne-fwptypes-fwp_match_type
 */
export function conditionFault(layer: Layer, condition: FilterCondition, enumerating = false): Fault | undefined {
  const field = layer.fields.find(candidate => candidate.fieldKey === condition.fieldKey);
  if (field === undefined)
    return { code: 'FWP_E_CONDITION_NOT_FOUND', detail: `${layer.name} has no field ${condition.fieldKey}` };
  return typeFault(field, condition.conditionValue, enumerating) ?? matchFault(condition) ?? rangeFault(condition);
}
