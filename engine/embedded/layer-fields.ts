import type { ClassifyValues } from '../model/classify.ts';
import type { FwpValue } from '../model/value.ts';
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

  /** Takes over the traffic's values. */
  load(traffic: ClassifyValues): void {
    this.stamp++;
    const names = this.#names;
    const values = this.values;
    for (let slot = 0; slot < names.length; slot++) values[slot] = traffic[names[slot]!];
  }
}
