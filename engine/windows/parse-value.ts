import {
  DATA_TYPE,
  type DataType,
  type FwpConditionValue,
  type FwpRange,
  type FwpValue,
  MATCH_TYPE,
  type MatchType,
  type TokenInformation,
} from '../model/value.ts';
import * as layout from './layouts.ts';
import { type Pointer, readBytes, readString16, Struct } from './memory.ts';
import type { SecurityCodec } from './security.ts';
import { MAX_SUBAUTHORITIES, SID_REVISION, sidFromBytes, sidLength } from './sid.ts';

const dataTypes = new Map<number, DataType>(Object.entries(DATA_TYPE).map(([name, code]) => [code, name as DataType]));
const matchTypes = new Map<number, MatchType>(Object.entries(MATCH_TYPE).map(([name, code]) => [code, name as MatchType]));

/** A structure that the engine returned holds something that its documentation does not allow. */
export class BrokenStructureError extends Error {
  constructor(what: string) {
    super(`the filtering engine returned ${what}; Sallyport does not know it, so it shows nothing rather than something wrong`);
    this.name = 'BrokenStructureError';
  }
}

/** More than any object of WFP holds; a count above it is a broken structure and not worth reading. */
const MAX_BLOB = 16 * 1024 * 1024;

export function parseBlob(blob: Struct): Uint8Array | undefined {
  const size = blob.number('size');
  const data = blob.bigint('data');
  if (size === 0) return undefined;
  if (data === 0n || size > MAX_BLOB)
    throw new BrokenStructureError(`a blob of ${size} bytes at ${data === 0n ? 'NULL' : 'an address'}`);
  return readBytes(data, size);
}

export function parseSid(address: Pointer): string {
  if (address === 0n) throw new BrokenStructureError('a SID at NULL');
  const head = readBytes(address, 2);
  const [revision, count] = head;
  if (revision !== SID_REVISION || count! > MAX_SUBAUTHORITIES)
    throw new BrokenStructureError(`a SID of revision ${revision} with ${count} subauthorities`);
  return sidFromBytes(readBytes(address, sidLength(head)));
}

function sids(address: Pointer, count: number): string[] {
  if (count === 0) return [];
  if (address === 0n || count > 65536) throw new BrokenStructureError(`a list of ${count} SIDs`);
  const list = new Struct(layout.SID_AND_ATTRIBUTES, readBytes(address, count * layout.SID_AND_ATTRIBUTES.size));
  return Array.from({ length: count }, (_, index) => parseSid(list.element(index).bigint('Sid')));
}

function parseToken(address: Pointer): TokenInformation {
  const token = Struct.at(layout.FWP_TOKEN_INFORMATION, address);
  const restricted = sids(token.bigint('restrictedSids'), token.number('restrictedSidCount'));
  const list = sids(token.bigint('sids'), token.number('sidCount'));
  return restricted.length > 0 ? { sids: list, restrictedSids: restricted } : { sids: list };
}

export function parseDataType(code: number): DataType {
  const type = dataTypes.get(code);
  if (!type) throw new BrokenStructureError(`the data type ${code}`);
  return type;
}

export function parseMatchType(code: number): MatchType {
  const type = matchTypes.get(code);
  if (!type) throw new BrokenStructureError(`the match type ${code}`);
  return type;
}

function int64(address: Pointer, signed: boolean): bigint {
  const bytes = readBytes(address, 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return signed ? view.getBigInt64(0, true) : view.getBigUint64(0, true);
}

function requirePointer(source: Struct, member: string): Pointer {
  const address = source.bigint(`value.${member}`);
  if (address === 0n) throw new BrokenStructureError(`a ${member} at NULL`);
  return address;
}

/** Reads an FWP_VALUE0 or FWP_CONDITION_VALUE0: the pair of composeValue. */
export function parseValue(source: Struct, security: SecurityCodec): FwpConditionValue {
  const type = parseDataType(source.number('type'));
  switch (type) {
    case 'FWP_EMPTY':
      return { type };
    case 'FWP_UINT8':
      return { type, value: source.number('value.uint8') };
    case 'FWP_UINT16':
      return { type, value: source.number('value.uint16') };
    case 'FWP_UINT32':
      return { type, value: source.number('value.uint32') };
    case 'FWP_INT8':
      return { type, value: source.number('value.int8') };
    case 'FWP_INT16':
      return { type, value: source.number('value.int16') };
    case 'FWP_INT32':
      return { type, value: source.number('value.int32') };
    case 'FWP_UINT64':
      return { type, value: int64(requirePointer(source, 'uint64'), false) };
    case 'FWP_INT64':
      return { type, value: int64(requirePointer(source, 'int64'), true) };
    case 'FWP_FLOAT':
      return { type, value: source.number('value.float32') };
    case 'FWP_DOUBLE': {
      const bytes = readBytes(requirePointer(source, 'double64'), 8);
      return { type, value: new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true) };
    }
    case 'FWP_BYTE_ARRAY16_TYPE':
      return { type, value: readBytes(requirePointer(source, 'byteArray16'), 16) };
    case 'FWP_BYTE_ARRAY6_TYPE':
      return { type, value: readBytes(requirePointer(source, 'byteArray6'), 6) };
    case 'FWP_BYTE_BLOB_TYPE':
      return { type, value: parseBlob(Struct.at(layout.FWP_BYTE_BLOB, requirePointer(source, 'byteBlob'))) ?? new Uint8Array(0) };
    case 'FWP_SID':
      return { type, value: parseSid(requirePointer(source, 'sid')) };
    case 'FWP_UNICODE_STRING_TYPE':
      return { type, value: readString16(requirePointer(source, 'unicodeString')) };
    case 'FWP_SECURITY_DESCRIPTOR_TYPE': {
      const bytes = parseBlob(Struct.at(layout.FWP_BYTE_BLOB, requirePointer(source, 'sd')));
      if (!bytes) throw new BrokenStructureError('an empty security descriptor');
      return { type, value: security.toSddl(bytes) };
    }
    case 'FWP_TOKEN_INFORMATION_TYPE':
      return { type, value: parseToken(requirePointer(source, 'tokenInformation')) };
    case 'FWP_TOKEN_ACCESS_INFORMATION_TYPE':
      // The blob is the kernel's own form of a token; nothing documented says how to read it.
      return { type, value: { sids: [], partial: true } };
    case 'FWP_V4_ADDR_MASK': {
      const mask = Struct.at(layout.FWP_V4_ADDR_AND_MASK, requirePointer(source, 'v4AddrMask'));
      return { type, value: { addr: mask.number('addr'), mask: mask.number('mask') } };
    }
    case 'FWP_V6_ADDR_MASK': {
      const mask = Struct.at(layout.FWP_V6_ADDR_AND_MASK, requirePointer(source, 'v6AddrMask'));
      return { type, value: { addr: mask.array('addr'), prefixLength: mask.number('prefixLength') } };
    }
    case 'FWP_RANGE_TYPE':
      return { type, value: parseRange(requirePointer(source, 'rangeValue'), security) };
  }
}

function parseRange(address: Pointer, security: SecurityCodec): FwpRange {
  const range = Struct.at(layout.FWP_RANGE0, address);
  return {
    low: parseSingle(range.member(layout.FWP_VALUE0, 'valueLow'), security),
    high: parseSingle(range.member(layout.FWP_VALUE0, 'valueHigh'), security),
  };
}

/** A single value: what FWP_VALUE0 can hold; masks and ranges in it are broken. */
export function parseSingle(source: Struct, security: SecurityCodec): FwpValue {
  if (source.number('type') > 0xff) throw new BrokenStructureError(`the data type ${source.number('type')} in a single value`);
  return parseValue(source, security) as FwpValue;
}
