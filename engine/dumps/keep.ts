/**
 * Keeps one copy of each string and byte string. A piece cut out of a text keeps the whole text alive in V8; a fresh copy does not,
 * and names, paths and keys repeat thousands of times in a dump.
 */
export class Keeper {
  private readonly strings = new Map<string, string>();
  private readonly blobs = new Map<string, Uint8Array>();

  /** The same string, free of the text it was cut from. */
  text(value: string): string {
    if (value.length < 13) return value;
    const known = this.strings.get(value);
    if (known !== undefined) return known;
    const copy = Buffer.from(value, 'utf16le').toString('utf16le');
    this.strings.set(copy, copy);
    return copy;
  }

  /** Hexadecimal text to bytes; undefined when it is none. Equal texts share their bytes. */
  hex(value: string): Uint8Array | undefined {
    const known = this.blobs.get(value);
    if (known) return known;
    if (value.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(value)) return undefined;
    const bytes = Uint8Array.from(Buffer.from(value, 'hex'));
    this.blobs.set(this.text(value), bytes);
    return bytes;
  }
}

/** UTF-16LE bytes, with or without a terminating zero, to text. */
export function utf16(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length - (bytes.length % 2)).toString('utf16le');
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

/** Text to UTF-16LE bytes with a terminating zero, as WFP keeps application ids. */
export const utf16Bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(`${text}\0`, 'utf16le'));
