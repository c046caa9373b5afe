import type { FwpConditionValue, FwpValue } from '../model/value.ts';
import { parseU64, parseUnsigned, parseV4, parseV6 } from './address.ts';
import type { Keeper } from './keep.ts';
import { child, childText, type XmlNode } from './xml-node.ts';

const smallTypes: Record<string, readonly [element: string, max: number]> = {
  FWP_UINT8: ['uint8', 0xff],
  FWP_UINT16: ['uint16', 0xffff],
  FWP_UINT32: ['uint32', 0xffffffff],
};

/** Bounds of the signed types, as bigints. */
const signedTypes: Record<string, readonly [element: string, limit: bigint]> = {
  FWP_INT8: ['int8', 0x80n],
  FWP_INT16: ['int16', 0x8000n],
  FWP_INT32: ['int32', 0x80000000n],
  FWP_INT64: ['int64', 0x8000000000000000n],
};

function signed(type: string, text: string, limit: bigint): FwpValue | undefined {
  if (!/^-?\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text);
  if (value < -limit || value >= limit) return undefined;
  return type === 'FWP_INT64' ? { type, value } : { type: type as 'FWP_INT32', value: Number(value) };
}

/** A blob's bytes: `data` in hexadecimal, which is the truth; `asString` is only for the eye. */
export function readBlob(node: XmlNode | undefined, keep: Keeper): Uint8Array | undefined {
  if (!node) return undefined;
  const data = child(node, 'data');
  if (data) return keep.hex(data.text);
  return node.children.length === 0 ? keep.hex(node.text) : undefined;
}

/**
 * A value as netsh prints it: `type`, then one element named after the type. Undefined when the type is not known, the element is not
 * there or does not hold such a value.
 */
export function readValue(node: XmlNode, keep: Keeper): FwpConditionValue | undefined {
  const type = childText(node, 'type');
  const small = Object.hasOwn(smallTypes, type) ? smallTypes[type] : undefined;
  if (small) {
    const text = childText(node, small[0]);
    const value = parseUnsigned(text, small[1]) ?? (type === 'FWP_UINT32' ? parseV4(text) : undefined);
    return value === undefined ? undefined : { type: type as 'FWP_UINT32', value };
  }
  const int = Object.hasOwn(signedTypes, type) ? signedTypes[type] : undefined;
  if (int) return signed(type, childText(node, int[0]), int[1]);
  switch (type) {
    case 'FWP_EMPTY':
      return { type };
    case 'FWP_UINT64': {
      const value = parseU64(childText(node, 'uint64'));
      return value === undefined ? undefined : { type, value };
    }
    case 'FWP_BYTE_ARRAY16_TYPE': {
      const text = childText(node, 'byteArray16');
      const value = parseV6(text) ?? sized(keep.hex(text), 16);
      return value && { type, value };
    }
    case 'FWP_BYTE_ARRAY6_TYPE': {
      const value = sized(keep.hex(childText(node, 'byteArray6').replace(/[-:]/g, '')), 6);
      return value && { type, value };
    }
    case 'FWP_BYTE_BLOB_TYPE': {
      const value = readBlob(child(node, 'byteBlob'), keep);
      return value && { type, value };
    }
    case 'FWP_SID': {
      const value = keep.text(childText(node, 'sid'));
      return /^S-1(-\d+)+$/i.test(value) ? { type, value } : undefined;
    }
    case 'FWP_SECURITY_DESCRIPTOR_TYPE': {
      const value = keep.text(childText(node, 'sd'));
      return value === '' ? undefined : { type, value };
    }
    case 'FWP_UNICODE_STRING_TYPE': {
      const text = child(node, 'unicodeString');
      return text && { type, value: keep.text(text.text) };
    }
    case 'FWP_V4_ADDR_MASK': {
      const mask = child(node, 'v4AddrMask');
      if (!mask) return undefined;
      const addr = parseV4(childText(mask, 'addr'));
      const bits = parseV4(childText(mask, 'mask'));
      return addr === undefined || bits === undefined ? undefined : { type, value: { addr, mask: bits } };
    }
    case 'FWP_V6_ADDR_MASK': {
      const mask = child(node, 'v6AddrMask');
      if (!mask) return undefined;
      const addr = parseV6(childText(mask, 'addr'));
      const prefixLength = parseUnsigned(childText(mask, 'prefixLength'), 128);
      return addr === undefined || prefixLength === undefined ? undefined : { type, value: { addr, prefixLength } };
    }
    case 'FWP_RANGE_TYPE':
      return readRange(child(node, 'rangeValue'), keep);
    default:
      return undefined;
  }
}

const sized = (bytes: Uint8Array | undefined, length: number): Uint8Array | undefined =>
  bytes?.length === length ? bytes : undefined;

function readRange(node: XmlNode | undefined, keep: Keeper): FwpConditionValue | undefined {
  const lowNode = node && child(node, 'valueLow');
  const highNode = node && child(node, 'valueHigh');
  if (!lowNode || !highNode) return undefined;
  const low = readValue(lowNode, keep);
  const high = readValue(highNode, keep);
  if (!low || !high || !isSingle(low) || !isSingle(high)) return undefined;
  return { type: 'FWP_RANGE_TYPE', value: { low, high } };
}

const isSingle = (value: FwpConditionValue): value is FwpValue =>
  value.type !== 'FWP_RANGE_TYPE' && value.type !== 'FWP_V4_ADDR_MASK' && value.type !== 'FWP_V6_ADDR_MASK';
