import type { CalloutFn, ClassifyResult, ClassifyTrace, ClassifyValues } from '../model/classify.ts';
import type { FilterEngine, ObjectChange, SessionOptions } from '../model/filter-engine.ts';
import type { Guid } from '../model/guid.ts';
import type { LayerSet } from '../model/layers.ts';
import type { Filter, SubLayer } from '../model/objects.ts';
import { type CommittedChange, EngineCore } from './core.ts';
import { EmbeddedSession } from './session.ts';

export type { CommittedChange } from './core.ts';
export { StoreError } from './store.ts';

export interface EmbeddedEngineOptions {
  /** SQLite file for persistent objects, made with mode 0600 when it is not there. Absent: everything is gone after `close`. */
  readonly path?: string;
  /** Field sets of newer (24H2 and later, the default) or older builds. */
  readonly layers?: LayerSet;
  /**
   * Whether the service that a provider names starts with the system; when not, the provider and its persistent filters come back
   * disabled at the next open. Where there are no services (the default) every provider counts as present.
   */
  readonly serviceEnabled?: (serviceName: string) => boolean;
}

/** Plain data for a replica of the classifier, in another thread for instance. */
export interface EngineSnapshot {
  readonly filters: readonly Filter[];
  readonly subLayers: readonly SubLayer[];
}

/**
 * The filtering engine of machines without a BFE: WFP's objects and arbitration, persistent in SQLite.
 *
 * Several processes may have one store open. Writers take turns (one lock for all, waited for without blocking the event loop); ids never
 * collide; static and dynamic objects are of the process that added them. What others committed is taken over at the start of every
 * transaction and by `refresh`, which is cheap enough to be called several times a second. When the file fails (disk full, damaged) the
 * call throws StoreError and nothing has changed.
 */
export class EmbeddedEngine {
  readonly #core: EngineCore;

  private constructor(core: EngineCore) {
    this.#core = core;
  }

  /** @throws StoreError when the file cannot be used; it is left as it is */
  static open(options: EmbeddedEngineOptions = {}): EmbeddedEngine {
    const { path, layers = 'newer', serviceEnabled = () => true } = options;
    return new EmbeddedEngine(new EngineCore({ ...(path !== undefined && { path }), layers, serviceEnabled }));
  }

  /** Opens a session (FwpmEngineOpen0). @throws WfpError FWP_E_ALREADY_EXISTS when the sessionKey is open */
  openSession(options: SessionOptions = {}): FilterEngine {
    return new EmbeddedSession(this.#core, options);
  }

  /** Registers what the kernel half of a callout would be. Returns what takes it away again. */
  registerCallout(key: Guid, callout: CalloutFn): () => void {
    return this.#core.registerCallout(key, callout);
  }

  /** The decision about traffic at a layer, by the committed filters. */
  classify(layerKey: Guid, values: ClassifyValues): ClassifyResult {
    return this.#core.classifier.classify(layerKey, values);
  }

  /** The decision and everything that led to it. */
  explain(layerKey: Guid, values: ClassifyValues): ClassifyTrace {
    return this.#core.classifier.explain(layerKey, values);
  }

  /** Grows with every commit that changed something, also one of another process that was taken over. */
  get revision(): number {
    return this.#core.revision;
  }

  /** Takes over what other processes committed; true when something changed. One PRAGMA when nothing did. */
  refresh(): boolean {
    return this.#core.refresh();
  }

  /** Tells every commit, at once and inside the commit: the listener must be quick and must not throw. Returns what ends it. */
  onCommit(listener: (changes: readonly CommittedChange[]) => void): () => void;
  onCommit(listener: (changes: readonly ObjectChange[]) => void): () => void;
  onCommit(listener: (changes: readonly CommittedChange[]) => void): () => void {
    return this.#core.onCommit(listener);
  }

  /** What a Classifier elsewhere needs to decide alike (callouts are registered there); follow `onCommit` to keep it so. */
  snapshot(): EngineSnapshot {
    const { table } = this.#core;
    return {
      filters: Array.from(table.all('filter'), record => this.#core.activeForm(record.object)),
      subLayers: Array.from(table.all('sublayer'), record => record.object),
    };
  }

  /** Ends every session. Static and dynamic objects are gone. */
  close(): void {
    this.#core.close();
  }
}
