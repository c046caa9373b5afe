/** Bits kept for each number, at least. One number in about this many that was never added passes all the same. */
const BITS_EACH = 12;

/** Spreads numbers whose low bits are alike, as those of neighbouring ports and networks. */
const mix = (hash: number): number => {
  const spread = Math.imul(hash, 0x2c1b3c6d);
  return (spread ^ (spread >>> 15)) >>> 0;
};

/**
 * Says of most numbers that were never added that they are not there, with one look at a small array; a Map of the same size costs several
 * cache misses. Numbers that were taken out again may go on passing until the array grows.
 */
export class BitFilter {
  #bits = new Uint32Array(8);
  #mask = 255;

  has(hash: number): boolean {
    const bit = mix(hash) & this.#mask;
    return (this.#bits[bit >>> 5]! & (1 << (bit & 31))) !== 0;
  }

  /** Adds a number; `all` are the numbers that are there now, this one among them. */
  add(hash: number, all: ReadonlyMap<number, unknown>): void {
    if (all.size * BITS_EACH <= this.#mask) {
      this.#set(hash);
      return;
    }
    this.#mask = this.#mask * 4 + 3;
    this.#bits = new Uint32Array((this.#mask + 1) / 32);
    for (const each of all.keys()) this.#set(each);
  }

  #set(hash: number): void {
    const bit = mix(hash) & this.#mask;
    this.#bits[bit >>> 5]! |= 1 << (bit & 31);
  }
}
