import koffi, { type TypeObject } from 'koffi';
import type { Guid } from '../model/guid.ts';
import { offsetOf, sizeOf } from './layouts.ts';

/** An address in this process; 0n is NULL. */
export type Pointer = bigint;

/** Copies `size` bytes out of native memory. The caller vouches for the address; nothing here can check it. */
export function readBytes(address: Pointer, size: number): Uint8Array {
  if (size === 0) return new Uint8Array(0);
  // Not by an array type of this size: koffi keeps every type that was ever made.
  return koffi.decode(address, 'uint8_t', size);
}

/** Reads a NUL-terminated UTF-16 string. */
export const readString16 = (address: Pointer): string => koffi.decode.string16(address);

/**
 * One structure in bytes that JavaScript owns (a copy when read, the arena's memory when written) together with its layout.
 * Members are named by the paths of layouts.ts; all numbers are little-endian, as on every Windows that runs Node.
 */
export class Struct {
  readonly type: TypeObject;
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #base: number;

  constructor(type: TypeObject, bytes: Uint8Array, base = 0) {
    this.type = type;
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#base = base;
  }

  /** A copy of the structure at this address. */
  static at(type: TypeObject, address: Pointer): Struct {
    return new Struct(type, readBytes(address, type.size));
  }

  /** The structure that is a member of this one, over the same bytes. */
  member(type: TypeObject, path: string): Struct {
    return new Struct(type, this.bytes, this.#at(path));
  }

  /** Element `index` when `bytes` holds an array of this layout. */
  element(index: number): Struct {
    return new Struct(this.type, this.bytes, this.#base + index * this.type.size);
  }

  #at(path: string): number {
    return this.#base + offsetOf(this.type, path);
  }

  /** Integer members up to 32 bits, signed or not by their C type; floats by theirs. */
  number(path: string): number {
    const at = this.#at(path);
    switch (kindOf(this.type, path)) {
      case 'UInt8':
        return this.#view.getUint8(at);
      case 'UInt16':
        return this.#view.getUint16(at, true);
      case 'UInt32':
        return this.#view.getUint32(at, true);
      case 'Int8':
        return this.#view.getInt8(at);
      case 'Int16':
        return this.#view.getInt16(at, true);
      case 'Int32':
        return this.#view.getInt32(at, true);
      case 'Float32':
        return this.#view.getFloat32(at, true);
      default:
        throw new Error(`layouts: ${path} is no number of up to 32 bits`);
    }
  }

  setNumber(path: string, value: number) {
    const at = this.#at(path);
    switch (kindOf(this.type, path)) {
      case 'UInt8':
        return this.#view.setUint8(at, value);
      case 'UInt16':
        return this.#view.setUint16(at, value, true);
      case 'UInt32':
        return this.#view.setUint32(at, value, true);
      case 'Int8':
        return this.#view.setInt8(at, value);
      case 'Int16':
        return this.#view.setInt16(at, value, true);
      case 'Int32':
        return this.#view.setInt32(at, value, true);
      case 'Float32':
        return this.#view.setFloat32(at, value, true);
      default:
        throw new Error(`layouts: ${path} is no number of up to 32 bits`);
    }
  }

  /** 64-bit members: uint64 and pointers. Always bigint, whatever their size. */
  bigint(path: string): bigint {
    return this.#view.getBigUint64(this.#at(path), true);
  }

  setBigint(path: string, value: bigint): void {
    this.#view.setBigUint64(this.#at(path), value, true);
  }

  guid(path: string): Guid {
    const at = this.#at(path);
    return guidFromBytes(this.bytes.subarray(at, at + 16));
  }

  setGuid(path: string, guid: Guid): void {
    this.bytes.set(guidToBytes(guid), this.#at(path));
  }

  /** A copy of an array member. */
  array(path: string): Uint8Array {
    const at = this.#at(path);
    return this.bytes.slice(at, at + sizeOf(this.type, path));
  }

  setArray(path: string, value: Uint8Array): void {
    const size = sizeOf(this.type, path);
    if (value.length !== size) throw new RangeError(`${path} takes ${size} bytes, not ${value.length}`);
    this.bytes.set(value, this.#at(path));
  }
}

function kindOf(type: TypeObject, path: string): string {
  let at = type;
  for (const name of path.split('.')) at = at.members![name]!.type;
  return at.primitive;
}

/** The 16 bytes of a GUID as Windows keeps it: the first three groups little-endian. */
export function guidToBytes(guid: Guid): Uint8Array {
  const hex = guid.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new RangeError(`not a GUID: ${guid}`);
  const bytes = Uint8Array.from({ length: 16 }, (_, index) => Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16));
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

export function guidFromBytes(bytes: Uint8Array): Guid {
  const swapped = Uint8Array.from(bytes);
  swapped.subarray(0, 4).reverse();
  swapped.subarray(4, 6).reverse();
  swapped.subarray(6, 8).reverse();
  const hex = Array.from(swapped, byte => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
