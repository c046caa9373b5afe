import type { NameEvidence } from '../../engine/model/attempt.ts';

const MAX_ADDRESSES = 4096;
const MAX_NAMES = 8;

/** Names learned for addresses, per machine of a log (one log may hold several); the addresses longest unused are forgotten first. */
export class NameTable {
  #names = new Map<string, NameEvidence[]>();

  /** Most recent first. */
  of(machine: string, address: string): readonly NameEvidence[] {
    return this.#names.get(`${machine} ${address}`) ?? [];
  }

  learn(machine: string, address: string, evidence: NameEvidence): void {
    const key = `${machine} ${address}`;
    const name = evidence.name.toLowerCase(); // names differ by case in nothing (RFC 4343)
    const others = (this.#names.get(key) ?? []).filter(known => known.name.toLowerCase() !== name);
    this.#names.delete(key);
    this.#names.set(key, [evidence, ...others].slice(0, MAX_NAMES));
    if (this.#names.size > MAX_ADDRESSES) this.#names.delete(this.#names.keys().next().value as string);
  }
}
