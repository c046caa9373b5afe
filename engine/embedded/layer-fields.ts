import type { ClassifyValues } from '../model/classify.ts';
import type { FwpValue } from '../model/value.ts';
import type { Match } from './condition.ts';
import type { Entry } from './entry.ts';
import { MatchCode } from './match-code.ts';
import { type Block, Probe } from './probe.ts';

/** The fields that some filter of a layer looks at, and their values for the traffic at hand. */
export class LayerFields {
  /** Value by slot; reused by every classification. */
  readonly values: (FwpValue | undefined)[] = [];
  readonly #names: string[] = [];
  readonly #slots = new Map<string, number>();
  readonly #probes = new Map<string, Probe>();
  /** Changes with each classification, so that a probe knows whether its hash is of this traffic. */
  stamp = 0;
  readonly #entries = new Set<Entry>();
  #code = new MatchCode();
  /** Size of the code after it was last written anew. */
  #compact = 0;

  readonly slotOf = (field: string): number => {
    const known = this.#slots.get(field);
    if (known !== undefined) return known;
    const slot = this.#names.length;
    this.#names.push(field);
    this.values.push(undefined);
    this.#slots.set(field, slot);
    return slot;
  };

  probe(field: string, block: Block): Probe {
    const key = `${field} ${block.type} ${block.mode}`;
    let probe = this.#probes.get(key);
    if (probe === undefined) {
      probe = new Probe(this.slotOf(field), block);
      this.#probes.set(key, probe);
    }
    return probe;
  }

  /** Writes the conditions of an entry into the layer's code; every field that they name gets its slot now. */
  compile(entry: Entry): void {
    this.#entries.add(entry);
    entry.code = this.#code.compile(entry.filter.filterCondition, this.slotOf);
    // Deleted filters leave holes: when most of the code may be holes, it is written anew.
    if (this.#code.size < 65_536 || this.#code.size < this.#compact * 4) return;
    this.#code = new MatchCode();
    for (const live of this.#entries) live.code = this.#code.compile(live.filter.filterCondition, this.slotOf);
    this.#compact = this.#code.size;
  }

  forget(entry: Entry): void {
    this.#entries.delete(entry);
  }

  /** Whether an entry matches the values that are loaded. */
  match(entry: Entry): Match {
    return this.#code.run(entry.code, this.values, this.stamp);
  }

  /** Takes over the traffic's values. */
  load(traffic: ClassifyValues): void {
    this.stamp++;
    const names = this.#names;
    const values = this.values;
    for (let slot = 0; slot < names.length; slot++) values[slot] = traffic[names[slot]!];
  }
}
