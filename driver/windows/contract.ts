import layout from '../callout/golden/layout.json' with { type: 'json' };

/**
 * The bytes of driver/callout/ioctl.h. Offsets, widths and constants come from layout.json, which a C program built from that header
 * writes; nothing is laid out by hand here. Little endian; what a name ending in Host says is in host order.
 */
export const SALLYPORT = layout.constants;
export const CALLOUT_KEYS = layout.callouts;
export type StructureName = keyof typeof layout.structures;

/** \\.\Sallyport */
export const DEVICE_PATH = '\\\\.\\Sallyport';

interface Field {
  readonly offset: number;
  readonly width: number;
  readonly count: number;
}

const structures = new Map<StructureName, { readonly size: number; readonly fields: ReadonlyMap<string, Field> }>(
  Object.entries(layout.structures).map(([name, { size, fields }]) => [
    name as StructureName,
    { size, fields: new Map(fields.map(field => [field.name, field])) },
  ]),
);

export const sizeOf = (name: StructureName): number => structures.get(name)!.size;
export const fieldsOf = (name: StructureName): Iterable<readonly [string, Field]> => structures.get(name)!.fields;

/** A structure over bytes that somebody else owns. Reading past their end throws; nothing is ever read beside them. */
export class Message {
  readonly name: StructureName;
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(name: StructureName, bytes: Uint8Array = new Uint8Array(sizeOf(name))) {
    if (bytes.length < sizeOf(name)) throw new RangeError(`${bytes.length} bytes are too few for a ${name} (${sizeOf(name)})`);
    this.name = name;
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #field(name: string, index: number): { at: number; width: number } {
    const field = structures.get(this.name)!.fields.get(name);
    if (!field || index >= field.count) throw new Error(`ioctl.h: ${this.name} has no field ${name}[${index}]`);
    return { at: field.offset + index * field.width, width: field.width };
  }

  /** 8 to 32 bits; 64-bit fields by `bigint`. */
  number(name: string, index = 0): number {
    const { at, width } = this.#field(name, index);
    if (width === 1) return this.#view.getUint8(at);
    if (width === 2) return this.#view.getUint16(at, true);
    if (width === 4) return this.#view.getUint32(at, true);
    throw new Error(`ioctl.h: ${this.name}.${name} has 64 bits`);
  }

  bigint(name: string, index = 0): bigint {
    const { at, width } = this.#field(name, index);
    return width === 8 ? this.#view.getBigUint64(at, true) : BigInt(this.number(name, index));
  }

  set(name: string, value: number | bigint, index = 0): this {
    const { at, width } = this.#field(name, index);
    if (BigInt(value) < 0n || BigInt(value) >= 1n << BigInt(width * 8))
      throw new RangeError(`${value} does not fit ${this.name}.${name}`);
    if (width === 1) this.#view.setUint8(at, Number(value));
    else if (width === 2) this.#view.setUint16(at, Number(value), true);
    else if (width === 4) this.#view.setUint32(at, Number(value), true);
    else this.#view.setBigUint64(at, BigInt(value), true);
    return this;
  }

  /** A field that is an array of bytes. */
  array(name: string): Uint8Array {
    const field = structures.get(this.name)!.fields.get(name)!;
    return this.bytes.slice(field.offset, field.offset + field.count * field.width);
  }
}
