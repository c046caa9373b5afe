import type { FilterCondition } from '../model/objects.ts';
import type { FwpConditionValue, FwpValue } from '../model/value.ts';
import { BitFilter } from './bit-filter.ts';

/**
 * How a field takes part in the index. Every condition that can be indexed is widened to a few *blocks* of one size, so that the number
 * of sizes, and with it the number of look-ups, stays small whatever the filters are. Wider is harmless: what the index finds is
 * always tested in full.
 */
export interface Block {
  /** Kind and size: `n8` an integer without its low 8 bits, `p6` the first 6 bytes of an address, `b` bytes, `l` 64 bits. */
  readonly mode: string;
  readonly type: FwpValue['type'];
  readonly hash: number;
}

const SIZES: { readonly [type: string]: readonly number[] } = {
  FWP_UINT8: [0],
  FWP_UINT16: [0, 6, 12],
  FWP_UINT32: [0, 8, 16, 24],
};
const TOP: { readonly [type: string]: number } = { FWP_UINT8: 0xff, FWP_UINT16: 0xffff, FWP_UINT32: 0xffffffff };
const PREFIX_BYTES = [16, 8, 7, 6, 5, 4, 3, 2, 1];
/** A condition that needs more blocks than this is left out of the index. */
const MOST_BLOCKS = 17;

/**
 * FNV-1a, 30 bits, so that a hash is a small integer of the JavaScript engine. Of a long text every other byte is enough: in UTF-16 they
 * are mostly zero, and whatever has the same hash is compared in full.
 */
export function hashBytes(bytes: Uint8Array, length: number): number {
  let hash = 0x811c9dc5 ^ length;
  const step = length > 32 ? 2 : 1;
  for (let at = 0; at < length; at += step) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return (hash ^ (hash >>> 15)) & 0x3fffffff;
}

const hashWide = (value: bigint): number => Number(BigInt.asUintN(30, value ^ (value >> 30n) ^ (value >> 60n)));

function interval(condition: FilterCondition): { type: string; low: number; high: number } | undefined {
  const wanted = condition.conditionValue;
  const number = (value: FwpConditionValue) => (TOP[value.type] !== undefined ? (value as { value: number }).value : undefined);
  const exact = number(wanted);
  switch (condition.matchType) {
    case 'FWP_MATCH_EQUAL':
      if (exact !== undefined) return { type: wanted.type, low: exact, high: exact };
      if (wanted.type !== 'FWP_V4_ADDR_MASK') return undefined;
      return {
        type: 'FWP_UINT32',
        low: (wanted.value.addr & wanted.value.mask) >>> 0,
        high: (wanted.value.addr | ~wanted.value.mask) >>> 0,
      };
    case 'FWP_MATCH_RANGE': {
      if (wanted.type !== 'FWP_RANGE_TYPE' || wanted.value.low.type !== wanted.value.high.type) return undefined;
      const low = number(wanted.value.low);
      const high = number(wanted.value.high);
      return low === undefined || high === undefined ? undefined : { type: wanted.value.low.type, low, high };
    }
    case 'FWP_MATCH_GREATER':
    case 'FWP_MATCH_GREATER_OR_EQUAL':
      return exact === undefined ? undefined : { type: wanted.type, low: exact, high: TOP[wanted.type]! };
    case 'FWP_MATCH_LESS':
    case 'FWP_MATCH_LESS_OR_EQUAL':
      return exact === undefined ? undefined : { type: wanted.type, low: 0, high: exact };
    default:
      return undefined;
  }
}

function integerBlocks(condition: FilterCondition): readonly Block[] | undefined {
  const range = interval(condition);
  if (range === undefined || range.low > range.high) return undefined;
  for (const size of SIZES[range.type]!) {
    const first = range.low >>> size;
    const count = (range.high >>> size) - first + 1;
    if (count > MOST_BLOCKS) continue;
    return Array.from({ length: count }, (_, at) => ({
      mode: `n${size}`,
      type: range.type as FwpValue['type'],
      hash: (first + at) & 0x3fffffff,
    }));
  }
  return undefined;
}

function prefixBlock(address: Uint8Array, bits: number): readonly Block[] | undefined {
  const bytes = PREFIX_BYTES.find(count => count * 8 <= bits);
  if (bytes === undefined) return undefined;
  return [{ mode: `p${bytes}`, type: 'FWP_BYTE_ARRAY16_TYPE', hash: hashBytes(address, bytes) }];
}

function commonBits(low: Uint8Array, high: Uint8Array): number {
  for (let at = 0; at < 16; at++) {
    const differ = low[at]! ^ high[at]!;
    if (differ !== 0) return at * 8 + Math.clz32(differ) - 24;
  }
  return 128;
}

/** The blocks that together cover everything the condition can match; undefined when the index cannot help. */
export function blocksOf(condition: FilterCondition): readonly Block[] | undefined {
  const integer = integerBlocks(condition);
  if (integer !== undefined) return integer;
  const wanted = condition.conditionValue;
  if (condition.matchType === 'FWP_MATCH_RANGE') {
    if (wanted.type !== 'FWP_RANGE_TYPE') return undefined;
    const { low, high } = wanted.value;
    if (low.type !== 'FWP_BYTE_ARRAY16_TYPE' || high.type !== low.type) return undefined;
    return prefixBlock(low.value, commonBits(low.value, high.value));
  }
  if (condition.matchType !== 'FWP_MATCH_EQUAL') return undefined;
  switch (wanted.type) {
    case 'FWP_V6_ADDR_MASK':
      return prefixBlock(wanted.value.addr, wanted.value.prefixLength);
    case 'FWP_BYTE_ARRAY16_TYPE':
      return prefixBlock(wanted.value, 128);
    case 'FWP_BYTE_BLOB_TYPE':
    case 'FWP_BYTE_ARRAY6_TYPE':
      return [{ mode: 'b', type: wanted.type, hash: hashBytes(wanted.value, wanted.value.length) }];
    case 'FWP_UINT64':
      return [{ mode: 'l', type: wanted.type, hash: hashWide(wanted.value) }];
    default:
      return undefined;
  }
}

/** States of a probe for the traffic at hand. */
export const ABSENT = 0;
export const PRESENT = 1;
export const UNKNOWN_VALUE = 2;

/** One (field, block size) that some shape of the layer looks up. Its hash of the traffic's value is computed once per classification. */
export class Probe {
  readonly slot: number;
  readonly type: string;
  readonly mode: string;
  /** How many entries there are for each hash, so that shapes without any are skipped. */
  readonly #counts = new Map<number, number>();
  readonly #filter = new BitFilter();
  hash = 0;
  state = ABSENT;
  stamp = 0;
  readonly #kind: number;
  readonly #size: number;

  constructor(slot: number, block: Block) {
    this.slot = slot;
    this.type = block.type;
    this.mode = block.mode;
    this.#kind = 'npbl'.indexOf(block.mode[0]!);
    this.#size = Number(block.mode.slice(1));
  }

  compute(value: FwpValue | undefined): void {
    if (value === undefined) {
      this.state = UNKNOWN_VALUE;
      return;
    }
    if (value.type !== this.type) {
      this.state = value.type === 'FWP_EMPTY' ? ABSENT : UNKNOWN_VALUE;
      return;
    }
    const known = (value as { value: unknown }).value;
    switch (this.#kind) {
      case 0:
        this.hash = ((known as number) >>> this.#size) & 0x3fffffff;
        break;
      case 1:
        this.hash = hashBytes(known as Uint8Array, this.#size);
        break;
      case 2:
        this.hash = hashBytes(known as Uint8Array, (known as Uint8Array).length);
        break;
      default:
        this.hash = hashWide(known as bigint);
    }
    this.state = this.#filter.has(this.hash) ? PRESENT : ABSENT;
  }

  /** Counts an entry in (1) or out (-1). */
  count(hash: number, by: 1 | -1): void {
    const left = (this.#counts.get(hash) ?? 0) + by;
    if (left === 0) this.#counts.delete(hash);
    else this.#counts.set(hash, left);
    if (by === 1) this.#filter.add(hash, this.#counts);
  }
}
