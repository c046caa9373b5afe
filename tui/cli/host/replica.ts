import type { CommittedChange, EmbeddedEngine } from '../../../engine/embedded/engine.ts';
import type { Guid } from '../../../engine/model/guid.ts';
import type { Filter, SubLayer } from '../../../engine/model/objects.ts';
import { ASK_CALLOUTS, RULE_LAYERS } from '../../../engine/rules/well-known.ts';

/** What changed in the filters that decide attempts: plain data, fit for structured clone. Deletions come before additions. */
export interface ReplicaUpdate {
  readonly deleted: readonly bigint[];
  readonly filters: readonly Filter[];
  readonly subLayers: readonly SubLayer[];
}

/** Classifies like the engine does: the supervisor's own copy. */
interface Decider {
  addFilter(filter: Filter): void;
  deleteFilter(id: bigint): boolean;
  addSubLayer(subLayer: SubLayer): void;
}

const decidingLayers = new Set<Guid>(RULE_LAYERS.map(layer => layer.layerKey));

/** Brings a copy up to date. */
export function applyUpdate(decider: Decider, update: ReplicaUpdate): void {
  for (const subLayer of update.subLayers) decider.addSubLayer(subLayer);
  for (const id of update.deleted) decider.deleteFilter(id);
  for (const filter of update.filters) decider.addFilter(filter);
}

/** What a Replica needs of the engine. */
export type ReplicatedEngine = Pick<EmbeddedEngine, 'snapshot' | 'onCommit'>;

/**
 * Follows an engine's commits and hands what changed to one copy elsewhere, in order.
 * `published` resolves when the copy has everything that was committed before the call; without a copy, at once.
 */
export class Replica {
  readonly #engine: ReplicatedEngine;
  readonly #stop: () => void;
  #send: ((update: ReplicaUpdate) => Promise<void>) | undefined;
  #sent: Promise<void> = Promise.resolve();

  constructor(engine: ReplicatedEngine) {
    this.#engine = engine;
    this.#stop = engine.onCommit((changes: readonly CommittedChange[]) => this.#follow(changes));
  }

  /** Everything as it is committed now; from here on `send` gets the changes. */
  connect(send: (update: ReplicaUpdate) => Promise<void>): ReplicaUpdate {
    this.#send = send;
    const { filters, subLayers } = this.#engine.snapshot();
    return { deleted: [], filters: filters.filter(filter => decidingLayers.has(filter.layerKey)), subLayers };
  }

  /** The copy is gone: nothing is sent any more, and nothing has to be waited for. */
  disconnect(): void {
    this.#send = undefined;
    this.#sent = Promise.resolve();
  }

  published(): Promise<void> {
    return this.#sent;
  }

  close(): void {
    this.#stop();
    this.disconnect();
  }

  #follow(changes: readonly CommittedChange[]): void {
    if (!this.#send) return;
    const deleted: bigint[] = [];
    const filters: Filter[] = [];
    const subLayers: SubLayer[] = [];
    for (const { object, change, id, value } of changes) {
      if (object === 'sublayer' && change === 'add') subLayers.push(value as SubLayer);
      if (object !== 'filter') continue;
      if (change === 'delete' && id !== undefined) deleted.push(id);
      if (change === 'add' && decidingLayers.has((value as Filter).layerKey)) filters.push(value as Filter);
    }
    if (deleted.length + filters.length + subLayers.length === 0) return;
    // A failure reaches whoever awaits `published`; without a waiter it must not end the process.
    this.#sent = Promise.all([this.#sent, this.#send({ deleted, filters, subLayers })]).then(() => {});
    this.#sent.catch(() => {});
  }
}

/** Registers the callouts that ask, in anything that takes callouts: they pend, as the driver's do on Windows. */
export function registerAskCallouts(target: {
  registerCallout(key: Guid, fn: () => { readonly action: 'block'; readonly pend: true }): () => void;
}): void {
  for (const key of ASK_CALLOUTS) target.registerCallout(key, () => ({ action: 'block', pend: true }));
}
