import type { FilterCondition } from '../model/objects.ts';
import type { FwpValue } from '../model/value.ts';
import { compareBytes } from './bytes.ts';
import { compileCondition, fieldName, type Match, NO, type Test, UNKNOWN, YES } from './condition.ts';
import { hashBytes } from './probe.ts';

const TYPES: readonly FwpValue['type'][] = ['FWP_UINT8', 'FWP_UINT16', 'FWP_UINT32'];
/** Operations of the code. EQUAL: value = a. MASK: value & b = a. RANGE: a ≤ value ≤ b. BLOB: the known blob number a. TEST: function number a. */
const EQUAL = 0;
const MASK = 1;
const RANGE = 2;
const BLOB = 3;
const TEST = 4;

interface KnownBlob {
  readonly bytes: Uint8Array;
  readonly number: number;
}

/**
 * The conditions of a layer's filters in one array of numbers, so that testing a filter touches one or two cache lines wherever the
 * filter object itself may be. Per filter: number of groups; per group: slot, number of tests; per test: operation, type, a, b.
 */
export class MatchCode {
  #code = new Float64Array(1024);
  #end = 0;
  readonly #tests: Test[] = [];
  readonly #blobs = new Map<number, KnownBlob[]>();
  #blobCount = 0;
  /** Which known blob the value in a slot is, and for which classification that was found out. */
  readonly #blobOf: number[] = [];
  readonly #blobStamp: number[] = [];

  /** Numbers in use, those of deleted filters included. */
  get size(): number {
    return this.#end;
  }

  /** Adds a filter's conditions; returns where they start. Conditions on one field are alternatives, wherever they stand. */
  compile(conditions: readonly FilterCondition[], slotOf: (field: string) => number): number {
    const groups = new Map<number, FilterCondition[]>();
    for (const condition of conditions) {
      const slot = slotOf(fieldName(condition.fieldKey));
      const group = groups.get(slot);
      if (group === undefined) groups.set(slot, [condition]);
      else group.push(condition);
    }
    const start = this.#end;
    this.#reserve(1 + groups.size * 2 + conditions.length * 4);
    this.#code[this.#end++] = groups.size;
    for (const [slot, group] of groups) {
      this.#code[this.#end++] = slot;
      this.#code[this.#end++] = group.length;
      for (const condition of group) this.#emit(condition);
    }
    return start;
  }

  #reserve(count: number): void {
    if (this.#end + count <= this.#code.length) return;
    const larger = new Float64Array(Math.max(this.#code.length * 2, this.#end + count));
    larger.set(this.#code);
    this.#code = larger;
  }

  #emit(condition: FilterCondition): void {
    const [operation, type, a, b] = this.#operationOf(condition);
    this.#code[this.#end++] = operation;
    this.#code[this.#end++] = type;
    this.#code[this.#end++] = a;
    this.#code[this.#end++] = b;
  }

  #operationOf(condition: FilterCondition): readonly [operation: number, type: number, a: number, b: number] {
    const { matchType, conditionValue: wanted } = condition;
    if (matchType === 'FWP_MATCH_EQUAL') {
      const type = TYPES.indexOf(wanted.type as FwpValue['type']);
      if (type !== -1) return [EQUAL, type, (wanted as { value: number }).value, 0];
      // Bit operations give signed numbers, so both sides are kept signed.
      if (wanted.type === 'FWP_V4_ADDR_MASK') return [MASK, 2, wanted.value.addr & wanted.value.mask, wanted.value.mask | 0];
      if (wanted.type === 'FWP_BYTE_BLOB_TYPE') return [BLOB, 0, this.#intern(wanted.value), 0];
    }
    if (matchType === 'FWP_MATCH_RANGE' && wanted.type === 'FWP_RANGE_TYPE' && wanted.value.low.type === wanted.value.high.type) {
      const type = TYPES.indexOf(wanted.value.low.type);
      const { low, high } = wanted.value as { low: { value: number }; high: { value: number } };
      if (type !== -1) return [RANGE, type, low.value, high.value];
    }
    return [TEST, 0, this.#tests.push(compileCondition(condition)) - 1, 0];
  }

  #intern(bytes: Uint8Array): number {
    const hash = hashBytes(bytes, bytes.length);
    const known = this.#blobs.get(hash) ?? [];
    const same = known.find(blob => compareBytes(blob.bytes, bytes) === 0);
    if (same !== undefined) return same.number;
    const number = this.#blobCount++;
    this.#blobs.set(hash, [...known, { bytes, number }]);
    return number;
  }

  #numberOf(slot: number, bytes: Uint8Array, stamp: number): number {
    if (this.#blobStamp[slot] !== stamp) {
      this.#blobStamp[slot] = stamp;
      const known = this.#blobs.get(hashBytes(bytes, bytes.length));
      this.#blobOf[slot] = known?.find(blob => compareBytes(blob.bytes, bytes) === 0)?.number ?? -1;
    }
    return this.#blobOf[slot]!;
  }

  /** Whether all groups match; one that certainly does not outweighs any that is unknown. */
  run(start: number, values: readonly (FwpValue | undefined)[], stamp: number): Match {
    const code = this.#code;
    let at = start;
    let outcome: Match = YES;
    for (let groups = code[at++]!; groups > 0; groups--) {
      const slot = code[at++]!;
      const tests = code[at++]!;
      const next = at + tests * 4;
      const value = values[slot];
      let match: Match = UNKNOWN;
      if (value !== undefined) {
        match = NO;
        for (; at < next; at += 4) {
          const one = this.#test(at, slot, value, stamp);
          if (one === YES) {
            match = YES;
            break;
          }
          if (one === UNKNOWN) match = UNKNOWN;
        }
      }
      at = next;
      if (match === NO) return NO;
      if (match === UNKNOWN) outcome = UNKNOWN;
    }
    return outcome;
  }

  #test(at: number, slot: number, value: FwpValue, stamp: number): Match {
    const code = this.#code;
    const operation = code[at]!;
    const a = code[at + 2]!;
    if (operation === TEST) return this.#tests[a]!(value);
    if (operation === BLOB) {
      if (value.type !== 'FWP_BYTE_BLOB_TYPE') return value.type === 'FWP_EMPTY' ? NO : UNKNOWN;
      return this.#numberOf(slot, value.value, stamp) === a ? YES : NO;
    }
    if (value.type !== TYPES[code[at + 1]!]) return value.type === 'FWP_EMPTY' ? NO : UNKNOWN;
    const number = (value as { value: number }).value;
    if (operation === EQUAL) return number === a ? YES : NO;
    if (operation === MASK) return (number & code[at + 3]!) === a ? YES : NO;
    return number >= a && number <= code[at + 3]! ? YES : NO;
  }
}
