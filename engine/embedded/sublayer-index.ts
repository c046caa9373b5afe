import type { FilterCondition } from '../model/objects.ts';
import { BitFilter } from './bit-filter.ts';
import { fieldName, type Match, NO, UNKNOWN } from './condition.ts';
import { compareEntries, type Entry } from './entry.ts';
import type { LayerFields } from './layer-fields.ts';
import { ABSENT, type Block, blocksOf, type Probe, UNKNOWN_VALUE } from './probe.ts';

/** Fields that tell filters apart best, in this order; the others are used only where a filter has none of these. */
const SELECTIVE = [
  'ALE_APP_ID',
  'IP_REMOTE_ADDRESS',
  'IP_REMOTE_PORT',
  'IP_LOCAL_ADDRESS',
  'IP_LOCAL_PORT',
  'IP_SOURCE_ADDRESS',
  'IP_DESTINATION_ADDRESS',
  'IP_SOURCE_PORT',
  'IP_DESTINATION_PORT',
];
const MOST_FIELDS = 3;
/** One filter stands in at most this many places of the index. */
const MOST_PLACES = 64;

/** Filters that are indexed on the same fields with the same block sizes: one look-up finds all candidates among them. */
class Shape {
  readonly probes: readonly Probe[];
  readonly places = new Map<number, Entry[]>();
  readonly filter = new BitFilter();
  readonly entries = new Set<Entry>();
  /** No entry ranks before this one (it may be gone already, which only costs a look-up). */
  first: Entry;
  constructor(probes: readonly Probe[], first: Entry) {
    this.probes = probes;
    this.first = first;
  }
}

const placeOf = (key: number, hash: number): number => (Math.imul(key ^ hash, 0x5bd1e995) ^ (hash >>> 7)) & 0x3fffffff;

interface Place {
  readonly shape: string;
  readonly probes: readonly Probe[];
  readonly hashes: readonly number[];
}

function chooseFields(conditions: readonly FilterCondition[]): readonly [field: string, blocks: readonly Block[]][] {
  const blocks = new Map<string, Block[] | undefined>();
  for (const condition of conditions) {
    const field = fieldName(condition.fieldKey);
    const more = blocksOf(condition);
    const known = blocks.has(field) ? blocks.get(field) : [];
    blocks.set(field, more === undefined || known === undefined ? undefined : [...known, ...more]);
  }
  const usable = [...blocks].filter((pair): pair is [string, Block[]] => pair[1] !== undefined);
  const selective = usable.filter(([field]) => SELECTIVE.includes(field));
  const ranked = (selective.length > 0 ? selective : usable).sort(
    ([a, x], [b, y]) => x.length - y.length || SELECTIVE.indexOf(a) - SELECTIVE.indexOf(b),
  );
  const chosen: [string, readonly Block[]][] = [];
  let places = 1;
  for (const [field, list] of ranked.slice(0, MOST_FIELDS)) {
    if (places * list.length > MOST_PLACES) continue;
    // Ranges of ports tell little apart beside something else, and every block size is one more look-up.
    if (chosen.length > 0 && field.endsWith('_PORT') && list.some(block => block.mode !== 'n0')) continue;
    places *= list.length;
    chosen.push([field, list]);
  }
  return chosen;
}

/** The filters of one sublayer at one layer, found by what the traffic looks like. */
export class SubLayerIndex {
  readonly #fields: LayerFields;
  readonly #shapes = new Map<string, Shape>();
  /** By the rank of the first entry, so that a search stops as soon as nothing better can follow. */
  #order: Shape[] = [];
  #count = 0;

  constructor(fields: LayerFields) {
    this.#fields = fields;
  }

  get size(): number {
    return this.#count;
  }

  #places(entry: Entry): readonly Place[] {
    let places: Place[] = [{ shape: '', probes: [], hashes: [] }];
    const chosen = [...chooseFields(entry.filter.filterCondition)].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [field, blocks] of chosen) {
      places = places.flatMap(place =>
        blocks.map(block => {
          const probe = this.#fields.probe(field, block);
          return {
            shape: `${place.shape}${field} ${block.type} ${block.mode}|`,
            probes: [...place.probes, probe],
            hashes: [...place.hashes, block.hash],
          };
        }),
      );
    }
    return places;
  }

  add(entry: Entry): void {
    this.#count++;
    this.#fields.compile(entry);
    for (const { shape: name, probes, hashes } of this.#places(entry)) {
      let shape = this.#shapes.get(name);
      if (shape === undefined) {
        shape = new Shape(probes, entry);
        this.#shapes.set(name, shape);
        this.#order.push(shape);
        this.#sort();
      } else if (compareEntries(entry, shape.first) < 0) {
        shape.first = entry;
        this.#sort();
      }
      shape.entries.add(entry);
      for (const [at, probe] of probes.entries()) probe.count(hashes[at]!, 1);
      const place = hashes.reduce(placeOf, 0);
      const list = shape.places.get(place);
      if (list === undefined) {
        shape.places.set(place, [entry]);
        shape.filter.add(place, shape.places);
      } else if (!list.includes(entry)) insert(list, entry);
    }
  }

  delete(entry: Entry): void {
    this.#count--;
    this.#fields.forget(entry);
    for (const { shape: name, probes, hashes } of this.#places(entry)) {
      for (const [at, probe] of probes.entries()) probe.count(hashes[at]!, -1);
      const shape = this.#shapes.get(name);
      if (shape === undefined) continue;
      const place = hashes.reduce(placeOf, 0);
      const list = shape.places.get(place);
      const at = list?.indexOf(entry) ?? -1;
      if (list !== undefined && at !== -1) {
        if (list.length === 1) shape.places.delete(place);
        else list.splice(at, 1);
      }
      shape.entries.delete(entry);
      if (shape.entries.size === 0) {
        this.#shapes.delete(name);
        this.#order = this.#order.filter(other => other !== shape);
      }
    }
  }

  #sort(): void {
    this.#order.sort((a, b) => compareEntries(a.first, b.first));
  }

  /** Whether an entry matches the values that are loaded. */
  match(entry: Entry): Match {
    return this.#fields.match(entry);
  }

  /**
   * The first entry that certainly matches; undefined when none does. `false` when something unknown stands in the way of an answer:
   * then `candidates` has to be gone through.
   */
  firstMatch(): Entry | undefined | false {
    const { values, stamp } = this.#fields;
    let best: Entry | undefined;
    const order = this.#order;
    for (let at = 0; at < order.length; at++) {
      const shape = order[at]!;
      if (best !== undefined && compareEntries(best, shape.first) < 0) return best;
      const probes = shape.probes;
      let place = 0;
      let state = 1;
      for (let p = 0; p < probes.length; p++) {
        const probe = probes[p]!;
        if (probe.stamp !== stamp) {
          probe.stamp = stamp;
          probe.compute(values[probe.slot]);
        }
        if (probe.state === ABSENT) {
          state = ABSENT;
          break;
        }
        if (probe.state === UNKNOWN_VALUE) state = UNKNOWN_VALUE;
        place = placeOf(place, probe.hash);
      }
      if (state === ABSENT) continue;
      if (state === UNKNOWN_VALUE) return false;
      const list = shape.filter.has(place) ? shape.places.get(place) : undefined;
      if (list === undefined) continue;
      for (let e = 0; e < list.length; e++) {
        const entry = list[e]!;
        if (best !== undefined && compareEntries(best, entry) < 0) break;
        const match = this.#fields.match(entry);
        if (match === NO) continue;
        if (match === UNKNOWN) return false;
        best = entry;
        break;
      }
    }
    return best;
  }

  /** Every entry that could match, in order of rank. */
  candidates(): readonly Entry[] {
    const { values, stamp } = this.#fields;
    const found = new Set<Entry>();
    for (const shape of this.#order) {
      let place = 0;
      let state = 1;
      for (const probe of shape.probes) {
        if (probe.stamp !== stamp) {
          probe.stamp = stamp;
          probe.compute(values[probe.slot]);
        }
        if (probe.state === ABSENT) state = ABSENT;
        if (state === ABSENT) break;
        if (probe.state === UNKNOWN_VALUE) state = UNKNOWN_VALUE;
        place = placeOf(place, probe.hash);
      }
      if (state === ABSENT) continue;
      for (const entry of state === UNKNOWN_VALUE ? shape.entries : (shape.places.get(place) ?? []))
        if (this.match(entry) !== NO) found.add(entry);
    }
    return [...found].sort(compareEntries);
  }

  /** Every entry, in order of rank. */
  all(): readonly Entry[] {
    const found = new Set<Entry>();
    for (const shape of this.#order) for (const entry of shape.entries) found.add(entry);
    return [...found].sort(compareEntries);
  }
}

function insert(list: Entry[], entry: Entry): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareEntries(list[middle]!, entry) < 0) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, entry);
}
