import { Classifier } from '../embedded/classifier.ts';
import type { CalloutFn, ClassifyResult, ClassifyTrace, ClassifyValues } from '../model/classify.ts';
import type { FilterEngine } from '../model/filter-engine.ts';
import type { Guid } from '../model/guid.ts';
import type { Filter } from '../model/objects.ts';
import { UNREADABLE_CALLOUT } from '../model/unreadable.ts';
import type { FilterListing, ListsUnreadable, UnreadableFilter } from './unreadable.ts';

/** An engine to mirror; one that tells what it could not read is believed. */
export type MirroredEngine = FilterEngine & Partial<ListsUnreadable>;

/**
 * What the Base Filtering Engine holds at some layers, in a Classifier of this process: BFE itself cannot be asked how it would decide,
 * nor why. Other sessions' changes are followed by notification (not promised to arrive), everything by `refresh`.
 * A filter that could not be read takes part with its id, sublayer and weight: whether it matches, or what it then does, is unknown, so every
 * decision that it could change is `unknown` (hence asked) and names it among the candidates; all others stand.
 */
export class EngineMirror {
  readonly #engine: MirroredEngine;
  readonly #layers: readonly Guid[];
  readonly #classifier = new Classifier();
  #known: ReadonlyMap<bigint, Filter> = new Map();
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #unsubscribe: (() => Promise<void>) | undefined;
  #closed = false;
  #unreadable: readonly UnreadableFilter[] = [];

  private constructor(engine: MirroredEngine, layers: readonly Guid[]) {
    this.#engine = engine;
    this.#layers = layers;
    this.#classifier.setCallout(UNREADABLE_CALLOUT, 'opaque');
  }

  /**
   * Reads the layers once and follows them. `engine` should be a session of its own: nobody is told of his own changes.
   * @param onError told when a later read fails (the service stopped); the mirror keeps what it had
   */
  static async open(
    engine: MirroredEngine,
    layers: readonly Guid[],
    onError: (error: unknown) => void = () => {},
  ): Promise<EngineMirror> {
    const mirror = new EngineMirror(engine, layers);
    // Subscribed first: a change during the first read is followed by another one.
    mirror.#unsubscribe = await engine.subscribeChanges(change => {
      if (change.object === 'filter' || change.object === 'sublayer') mirror.refresh().catch(onError);
    });
    await mirror.refresh();
    return mirror;
  }

  classify(layerKey: Guid, values: ClassifyValues): ClassifyResult {
    return this.#classifier.classify(layerKey, values);
  }

  explain(layerKey: Guid, values: ClassifyValues): ClassifyTrace {
    return this.#classifier.explain(layerKey, values);
  }

  /** A filter of the mirrored layers by its run-time id. */
  filter(id: bigint): Filter | undefined {
    return this.#known.get(id);
  }

  /** The filters of the mirrored layers that could not be read, as of the last reading. `filter` knows their stand-ins. */
  get unreadable(): readonly UnreadableFilter[] {
    return this.#unreadable;
  }

  async #list(layerKey: Guid): Promise<FilterListing> {
    if (this.#engine.filterList) return this.#engine.filterList({ layerKey });
    return { filters: await this.#engine.filterEnum({ layerKey }), unreadable: [] };
  }

  /** What a callout of the driver answers, as the mirror shall reckon with it. */
  registerCallout(key: Guid, fn: CalloutFn): () => void {
    return this.#classifier.registerCallout(key, fn);
  }

  /** Resolves when everything that was committed before the call is in the mirror. Calls that come together share one read. */
  refresh(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#read().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    // The read that runs may have begun before the change: one more follows it.
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.refresh();
      });
    return this.#next;
  }

  async #read(): Promise<void> {
    if (this.#closed) return;
    const subLayers = await this.#engine.subLayerEnum();
    const lists = await Promise.all(this.#layers.map(layerKey => this.#list(layerKey)));
    const unreadable = lists.flatMap(list => list.unreadable);
    const filters = [...lists.flatMap(list => list.filters), ...unreadable.map(one => one.standIn)];
    for (const subLayer of subLayers) this.#classifier.addSubLayer(subLayer);
    const seen = new Map<bigint, Filter>();
    for (const filter of filters) {
      seen.set(filter.filterId, filter);
      // A filter never changes: what has the same id is the same.
      if (!this.#known.has(filter.filterId)) this.#classifier.addFilter(filter);
    }
    for (const id of this.#known.keys()) if (!seen.has(id)) this.#classifier.deleteFilter(id);
    this.#known = seen;
    this.#unreadable = unreadable;
  }

  /** Reads no more. Never rejects: a subscription that cannot be ended (the service stopped) ends with the session. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([this.#unsubscribe?.(), this.#running, this.#next]);
  }
}
