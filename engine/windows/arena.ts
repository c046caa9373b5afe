import koffi, { type TypeObject } from 'koffi';
import type { Guid } from '../model/guid.ts';
import { guidToBytes, type Pointer, Struct } from './memory.ts';

const CHUNK = 64 * 1024;

interface Chunk {
  readonly address: Pointer;
  readonly bytes: Uint8Array;
  used: number;
}

/** Chunks between calls. A call takes what it needs and gives it back, so that a view of native memory is made once per chunk. */
const spare: Chunk[] = [];

function takeChunk(size: number): Chunk {
  const chunk = size <= CHUNK ? spare.pop() : undefined;
  if (chunk) return chunk;
  const length = Math.max(size, CHUNK);
  const address = koffi.alloc('uint8_t', length) as Pointer;
  const bytes = new Uint8Array(koffi.view(address, length));
  return { address, bytes: bytes.fill(0), used: 0 };
}

/**
 * Memory for the nested structures of one call: everything that it handed out dies with `dispose`, in one go. The addresses do not move,
 * so a call on a worker thread may use them; the caller disposes only after that call has returned.
 */
export class Arena {
  readonly #chunks: Chunk[] = [];

  /** Zeroed memory, aligned to 8 (no structure of WFP asks for more). */
  alloc(size: number): { readonly address: Pointer; readonly bytes: Uint8Array } {
    const rounded = (size + 7) & ~7;
    let chunk = this.#chunks.at(-1);
    if (!chunk || chunk.used + rounded > chunk.bytes.length) {
      chunk = takeChunk(rounded);
      this.#chunks.push(chunk);
    }
    const at = chunk.used;
    chunk.used += rounded;
    return { address: chunk.address + BigInt(at), bytes: chunk.bytes.subarray(at, at + size) };
  }

  /** An empty structure, or an array of them. */
  struct(type: TypeObject, count = 1): { readonly address: Pointer; readonly struct: Struct } {
    const { address, bytes } = this.alloc(type.size * count);
    return { address, struct: new Struct(type, bytes) };
  }

  /** A copy of these bytes; NULL when there are none. */
  bytes(data: Uint8Array): Pointer {
    if (data.length === 0) return 0n;
    const { address, bytes } = this.alloc(data.length);
    bytes.set(data);
    return address;
  }

  /** A NUL-terminated UTF-16 string. NUL inside cuts it short on the other side and is refused. */
  string16(text: string): Pointer {
    if (text.includes('\0')) throw new RangeError('a name may not hold the character NUL');
    return this.bytes(Buffer.from(`${text}\0`, 'utf16le'));
  }

  guid(guid: Guid | undefined): Pointer {
    return guid === undefined ? 0n : this.bytes(guidToBytes(guid));
  }

  dispose(): void {
    for (const chunk of this.#chunks.splice(0)) {
      if (chunk.bytes.length === CHUNK && spare.length < 16) {
        chunk.bytes.fill(0, 0, chunk.used);
        chunk.used = 0;
        spare.push(chunk);
      } else {
        koffi.free(chunk.address);
      }
    }
  }
}
