import { DATA_TYPE, type FwpConditionValue, type FwpValue, type TokenInformation } from '../model/value.ts';
import type { Arena } from './arena.ts';
import * as layout from './layouts.ts';
import type { Pointer, Struct } from './memory.ts';
import type { SecurityCodec } from './security.ts';
import { sidToBytes } from './sid.ts';

/** What writing structures takes: memory that lives for the call, and the system's reading of SDDL. */
export interface ComposeContext {
  readonly arena: Arena;
  readonly security: SecurityCodec;
}

/** The limits of the integer types; a value outside would silently be another one on the other side. */
const BOUNDS = {
  FWP_UINT8: [0, 0xff],
  FWP_UINT16: [0, 0xffff],
  FWP_UINT32: [0, 0xffffffff],
  FWP_INT8: [-0x80, 0x7f],
  FWP_INT16: [-0x8000, 0x7fff],
  FWP_INT32: [-0x80000000, 0x7fffffff],
} as const;

function checked(type: keyof typeof BOUNDS, value: number): number {
  const [low, high] = BOUNDS[type];
  if (!Number.isInteger(value) || value < low || value > high) throw new RangeError(`${value} is no ${type}`);
  return value;
}

/** Writes an FWP_BYTE_BLOB that is itself a member. */
export function composeBlob(arena: Arena, blob: Struct, data: Uint8Array | undefined): void {
  blob.setNumber('size', data?.length ?? 0);
  blob.setBigint('data', data ? arena.bytes(data) : 0n);
}

function blobPointer(arena: Arena, data: Uint8Array): Pointer {
  const { address, struct } = arena.struct(layout.FWP_BYTE_BLOB);
  composeBlob(arena, struct, data);
  return address;
}

function sixtyFour(arena: Arena, value: bigint): Pointer {
  const { address, bytes } = arena.alloc(8);
  new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(0, BigInt.asUintN(64, value), true);
  return address;
}

function float64(arena: Arena, value: number): Pointer {
  const { address, bytes } = arena.alloc(8);
  new DataView(bytes.buffer, bytes.byteOffset).setFloat64(0, value, true);
  return address;
}

function sidList(arena: Arena, sids: readonly string[]): Pointer {
  if (sids.length === 0) return 0n;
  const { address, struct } = arena.struct(layout.SID_AND_ATTRIBUTES, sids.length);
  sids.forEach((sid, index) => {
    struct.element(index).setBigint('Sid', arena.bytes(sidToBytes(sid)));
  });
  return address;
}

function tokenPointer(arena: Arena, token: TokenInformation): Pointer {
  const { address, struct } = arena.struct(layout.FWP_TOKEN_INFORMATION);
  struct.setNumber('sidCount', token.sids.length);
  struct.setBigint('sids', sidList(arena, token.sids));
  struct.setNumber('restrictedSidCount', token.restrictedSids?.length ?? 0);
  struct.setBigint('restrictedSids', sidList(arena, token.restrictedSids ?? []));
  return address;
}

function fixedPointer(arena: Arena, data: Uint8Array, size: number): Pointer {
  if (data.length !== size) throw new RangeError(`a byte array of ${size} bytes was given ${data.length}`);
  return arena.bytes(data);
}

/**
 * Writes an FWP_VALUE0 or FWP_CONDITION_VALUE0 (both have the single types at the same places).
 * @throws RangeError when a value does not fit its type
 */
export function composeValue(context: ComposeContext, target: Struct, value: FwpConditionValue) {
  const { arena } = context;
  target.setNumber('type', DATA_TYPE[value.type]);
  switch (value.type) {
    case 'FWP_EMPTY':
      return;
    case 'FWP_UINT8':
      return target.setNumber('value.uint8', checked(value.type, value.value));
    case 'FWP_UINT16':
      return target.setNumber('value.uint16', checked(value.type, value.value));
    case 'FWP_UINT32':
      return target.setNumber('value.uint32', checked(value.type, value.value));
    case 'FWP_INT8':
      return target.setNumber('value.int8', checked(value.type, value.value));
    case 'FWP_INT16':
      return target.setNumber('value.int16', checked(value.type, value.value));
    case 'FWP_INT32':
      return target.setNumber('value.int32', checked(value.type, value.value));
    case 'FWP_UINT64':
    case 'FWP_INT64':
      return target.setBigint('value.uint64', sixtyFour(arena, value.value));
    case 'FWP_FLOAT':
      return target.setNumber('value.float32', value.value);
    case 'FWP_DOUBLE':
      return target.setBigint('value.double64', float64(arena, value.value));
    case 'FWP_BYTE_ARRAY16_TYPE':
      return target.setBigint('value.byteArray16', fixedPointer(arena, value.value, 16));
    case 'FWP_BYTE_ARRAY6_TYPE':
      return target.setBigint('value.byteArray6', fixedPointer(arena, value.value, 6));
    case 'FWP_BYTE_BLOB_TYPE':
      return target.setBigint('value.byteBlob', blobPointer(arena, value.value));
    case 'FWP_SID':
      return target.setBigint('value.sid', arena.bytes(sidToBytes(value.value)));
    case 'FWP_UNICODE_STRING_TYPE':
      return target.setBigint('value.unicodeString', arena.string16(value.value));
    case 'FWP_SECURITY_DESCRIPTOR_TYPE':
      return target.setBigint('value.sd', blobPointer(arena, context.security.toBytes(value.value)));
    case 'FWP_TOKEN_INFORMATION_TYPE':
      return target.setBigint('value.tokenInformation', tokenPointer(arena, value.value));
    case 'FWP_TOKEN_ACCESS_INFORMATION_TYPE':
      throw new RangeError(
        'FWP_TOKEN_ACCESS_INFORMATION_TYPE is what a layer shows; a condition on it takes a security descriptor',
      );
    case 'FWP_V4_ADDR_MASK': {
      const { address, struct } = arena.struct(layout.FWP_V4_ADDR_AND_MASK);
      struct.setNumber('addr', checked('FWP_UINT32', value.value.addr));
      struct.setNumber('mask', checked('FWP_UINT32', value.value.mask));
      return target.setBigint('value.v4AddrMask', address);
    }
    case 'FWP_V6_ADDR_MASK': {
      const { address, struct } = arena.struct(layout.FWP_V6_ADDR_AND_MASK);
      struct.setArray('addr', value.value.addr);
      struct.setNumber('prefixLength', checked('FWP_UINT8', value.value.prefixLength));
      return target.setBigint('value.v6AddrMask', address);
    }
    case 'FWP_RANGE_TYPE': {
      const { address, struct } = arena.struct(layout.FWP_RANGE0);
      composeValue(context, struct.member(layout.FWP_VALUE0, 'valueLow'), value.value.low as FwpValue);
      composeValue(context, struct.member(layout.FWP_VALUE0, 'valueHigh'), value.value.high as FwpValue);
      return target.setBigint('value.rangeValue', address);
    }
  }
}
