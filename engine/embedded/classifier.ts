import { builtinSubLayers } from '../model/builtin.ts';
import type { CalloutFn, ClassifyResult, ClassifyTrace, ClassifyValues } from '../model/classify.ts';
import type { Guid } from '../model/guid.ts';
import { LAYER_KEY } from '../model/keys.ts';
import type { Filter, SubLayer } from '../model/objects.ts';
import { FILTER_FLAG } from '../model/objects.ts';
import { type CalloutState, type Carried, descend, merge, mergeAll, NOTHING, type Outcome } from './arbitration.ts';
import type { CommittedChange } from './core.ts';
import { type Entry, makeEntry } from './entry.ts';
import { explainLayer } from './explain.ts';
import { LayerFields } from './layer-fields.ts';
import { bySubLayerWeight, endBlocked, type LayerState, type LayerSubLayer, placeholder, yieldsOf } from './layer-state.ts';
import { NO_MATCH, resultOf, resultOfOne } from './result.ts';
import { SubLayerIndex } from './sublayer-index.ts';

/** What a Classifier is made of: plain data, fit for structured clone (without callout functions). */
export interface ClassifierContents {
  readonly filters?: Iterable<Filter>;
  /** Sublayers that are not built in. A filter of a sublayer that is not here is visited as if its weight were 0. */
  readonly subLayers?: Iterable<SubLayer>;
  readonly callouts?: Iterable<readonly [Guid, CalloutState]>;
}

const STREAM: readonly Guid[] = [LAYER_KEY.STREAM_V4, LAYER_KEY.STREAM_V6];
const INACTIVE = FILTER_FLAG.DISABLED | FILTER_FLAG.BOOTTIME;

/**
 * Filter arbitration without a store: give it filters with the effectiveWeight they have, ask it about traffic. Disabled and boot-time
 * filters take no part. At the STREAM layers a block ends the visit (strict waterfall) and there is no right to write.
 * Not safe against a callout that calls it again for the same layer.
 */
export class Classifier {
  readonly #layers = new Map<Guid, LayerState>();
  readonly #entries = new Map<bigint, Entry>();
  readonly #subLayers = new Map<Guid, SubLayer>();
  readonly #callouts = new Map<Guid, CalloutState>();

  constructor(contents: ClassifierContents = {}) {
    for (const subLayer of builtinSubLayers()) this.#subLayers.set(subLayer.subLayerKey, subLayer);
    for (const subLayer of contents.subLayers ?? []) this.#subLayers.set(subLayer.subLayerKey, subLayer);
    for (const filter of contents.filters ?? []) this.#take(filter);
    for (const [key, callout] of contents.callouts ?? []) this.#callouts.set(key, callout);
  }

  /** Active filters. */
  get size(): number {
    return this.#entries.size;
  }

  /** Adds a filter; one with the same filterId is replaced. */
  addFilter(filter: Filter): void {
    const entry = this.#take(filter);
    if (entry !== undefined) this.#index(this.#layers.get(filter.layerKey)!);
  }

  /** Notes a filter; its layer is indexed when it is needed, so that a dump of many layers costs nothing for those nobody asks about. */
  #take(filter: Filter): Entry | undefined {
    this.deleteFilter(filter.filterId);
    if ((filter.flags & INACTIVE) !== 0) return undefined;
    const entry = makeEntry(filter);
    this.#entries.set(filter.filterId, entry);
    let layer = this.#layers.get(filter.layerKey);
    if (layer === undefined) {
      layer = { fields: new LayerFields(), subLayers: [], waterfall: STREAM.includes(filter.layerKey), waiting: [] };
      this.#layers.set(filter.layerKey, layer);
    }
    layer.waiting.push(entry);
    return entry;
  }

  #index(layer: LayerState): void {
    for (const entry of layer.waiting.splice(0)) this.#subLayerOf(layer, entry.filter.subLayerKey).index.add(entry);
  }

  /** False when there is no such filter. */
  deleteFilter(filterId: bigint): boolean {
    const entry = this.#entries.get(filterId);
    if (entry === undefined) return false;
    this.#entries.delete(filterId);
    const layer = this.#layers.get(entry.filter.layerKey)!;
    if (layer.waiting.length > 0) this.#index(layer);
    const found = this.#subLayerOf(layer, entry.filter.subLayerKey);
    found.index.delete(entry);
    if (found.index.size === 0) layer.subLayers = layer.subLayers.filter(other => other !== found);
    return true;
  }

  /** Adds a sublayer or changes the weight of one. */
  addSubLayer(subLayer: SubLayer): void {
    this.#subLayers.set(subLayer.subLayerKey, subLayer);
    this.#reorder(subLayer.subLayerKey, subLayer);
  }

  /** A sublayer that filters still name goes on as one of weight 0. */
  deleteSubLayer(key: Guid): void {
    this.#subLayers.delete(key);
    this.#reorder(key, placeholder(key));
  }

  /** Follows the commits of an engine, so that a replica decides as the engine does. */
  applyChanges(changes: readonly CommittedChange[]): void {
    for (const { object, change, key, value } of changes) {
      if (object === 'filter') {
        if (change === 'add') this.addFilter(value as Filter);
        else this.deleteFilter((value as Filter).filterId);
      } else if (object === 'sublayer') {
        if (change === 'add') this.addSubLayer(value as SubLayer);
        else this.deleteSubLayer(key);
      }
    }
  }

  /** Registers a callout (or declares it opaque); undefined takes the registration away. */
  setCallout(key: Guid, callout: CalloutState | undefined): void {
    if (callout === undefined) this.#callouts.delete(key);
    else this.#callouts.set(key, callout);
  }

  /** Registers a callout's function. Returns what takes it away again. */
  registerCallout(key: Guid, callout: CalloutFn): () => void {
    this.#callouts.set(key, callout);
    return () => {
      if (this.#callouts.get(key) === callout) this.#callouts.delete(key);
    };
  }

  /** The decision about traffic at a layer. */
  classify(layerKey: Guid, values: ClassifyValues): ClassifyResult {
    const layer = this.#layers.get(layerKey);
    if (layer === undefined) return NO_MATCH;
    if (layer.waiting.length > 0) this.#index(layer);
    const { fields, subLayers } = layer;
    fields.load(values);
    let carried: Carried = NOTHING;
    for (let at = 0; at < subLayers.length; at++) {
      const entry = subLayers[at]!.index.firstMatch();
      if (entry === undefined) continue;
      if (entry === false || entry.kind === 'callout' || entry.kind === 'continue')
        return this.#classifyFrom(layer, at, carried, values, entry || undefined);
      const hard = entry.hard && !layer.waterfall;
      if (!carried.hard) carried = { action: entry.kind, hard, pend: false, veto: false, entry };
      if (layer.waterfall && entry.kind === 'block') break;
    }
    return carried === NOTHING ? NO_MATCH : resultOfOne(carried);
  }

  /** The decision with everything that led to it: every sublayer and filter of the layer. */
  explain(layerKey: Guid, values: ClassifyValues): ClassifyTrace {
    const layer = this.#layers.get(layerKey);
    if (layer === undefined) return { ...NO_MATCH, layerKey, subLayers: [], needs: [] };
    if (layer.waiting.length > 0) this.#index(layer);
    layer.fields.load(values);
    return explainLayer(layerKey, layer, values, this.#callouts);
  }

  /** The general way, from sublayer `start` on: callouts, and more than one possible state. `first`: the match that is known already. */
  #classifyFrom(
    layer: LayerState,
    start: number,
    carried: Carried,
    values: ClassifyValues,
    first: Entry | undefined,
  ): ClassifyResult {
    const { subLayers } = layer;
    const yields = yieldsOf(layer, values, this.#callouts);
    let states: readonly Carried[] = [carried];
    const ended: Carried[] = [];
    for (let at = start; at < subLayers.length && states.length > 0; at++) {
      const { index } = subLayers[at]!;
      let found: Entry | undefined | false = false;
      if (states.length === 1) found = at === start && first !== undefined ? first : index.firstMatch();
      if (found === undefined) continue;
      let known: readonly Outcome[] = [];
      if (found !== false) known = yields(!states[0]!.hard)(found);
      if (known.length === 1 && known[0]!.action !== 'continue') states = [merge(states[0]!, known[0]!)];
      else {
        const entries = index.candidates();
        const match = (entry: Entry) => index.match(entry);
        // A callout is asked once: what it said above is used again here.
        states = mergeAll(states, right => descend(entries, match, entry => (entry === found ? known : yields(right)(entry))));
      }
      if (layer.waterfall) states = endBlocked(states, ended);
    }
    return resultOf([...ended, ...states], layer);
  }

  #subLayerOf(layer: LayerState, key: Guid): LayerSubLayer {
    let found = layer.subLayers.find(candidate => candidate.subLayer.subLayerKey === key);
    if (found === undefined) {
      found = { subLayer: this.#subLayers.get(key) ?? placeholder(key), index: new SubLayerIndex(layer.fields) };
      layer.subLayers.push(found);
      layer.subLayers.sort(bySubLayerWeight);
    }
    return found;
  }

  #reorder(key: Guid, subLayer: SubLayer): void {
    for (const layer of this.#layers.values()) {
      const found = layer.subLayers.find(candidate => candidate.subLayer.subLayerKey === key);
      if (found === undefined) continue;
      found.subLayer = subLayer;
      layer.subLayers.sort(bySubLayerWeight);
    }
  }
}
