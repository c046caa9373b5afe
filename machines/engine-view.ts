import type { FilterEngine } from '../engine/model/filter-engine.ts';
import type { Filter, Layer, SubLayer } from '../engine/model/objects.ts';
import { ruleOfFilter } from '../engine/rules/record.ts';

/** The engine's objects as a screen shows them, read again when they change, one reading at a time. */
export class EngineView {
  readonly #engine: FilterEngine;
  readonly #changed: () => void;
  readonly #fresh = new Map<bigint, Filter>();
  #byId: Map<bigint, Filter> | undefined;
  #reading: Promise<void> | undefined;
  #again = false;
  filters: readonly Filter[] = [];
  subLayers: readonly SubLayer[] = [];
  layers: readonly Layer[] = [];

  constructor(engine: FilterEngine, changed: () => void) {
    this.#engine = engine;
    this.#changed = changed;
  }

  /** Knows filters before the next reading finds them. */
  note(filters: readonly Filter[]): void {
    for (const filter of filters) this.#fresh.set(filter.filterId, filter);
  }

  /** The rule of ours that a filter belongs to. */
  ruleOf(filterId: bigint | undefined): string | undefined {
    if (filterId === undefined) return undefined;
    const filter = this.#fresh.get(filterId) ?? this.#index().get(filterId);
    return filter && ruleOfFilter(filter)?.id;
  }

  /** Reads all objects. Calls during a reading are answered by one more reading after it. */
  refresh(): Promise<void> {
    if (this.#reading) {
      this.#again = true;
      return this.#reading;
    }
    this.#reading = this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Made when the first decision asks for it, not on every change of a rule. */
  #index(): Map<bigint, Filter> {
    this.#byId ??= new Map(this.filters.map(filter => [filter.filterId, filter]));
    return this.#byId;
  }

  async #read(): Promise<void> {
    do {
      this.#again = false;
      const [filters, subLayers] = await Promise.all([this.#engine.filterEnum(), this.#engine.subLayerEnum()]);
      if (this.layers.length === 0) this.layers = await this.#engine.layerEnum();
      this.filters = filters;
      this.subLayers = subLayers;
      this.#byId = undefined;
      this.#fresh.clear();
    } while (this.#again);
    this.#changed();
  }
}
