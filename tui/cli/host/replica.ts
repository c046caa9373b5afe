import type { CommittedChange, EmbeddedEngine, EngineSnapshot } from '../../../engine/embedded/engine.ts';
import type { Guid } from '../../../engine/model/guid.ts';
import type { Filter } from '../../../engine/model/objects.ts';
import { ASK_CALLOUTS, RULE_LAYERS } from '../../../engine/rules/well-known.ts';

const decidingLayers = new Set<Guid>(RULE_LAYERS.map(layer => layer.layerKey));

/** Changes that can matter to the decision about an attempt. */
const matters = ({ object, value }: CommittedChange): boolean =>
  object === 'sublayer' || (object === 'filter' && decidingLayers.has((value as Filter).layerKey));

/** What a Replica needs of the engine. */
export type ReplicatedEngine = Pick<EmbeddedEngine, 'snapshot' | 'onCommit'>;

/**
 * Follows an engine's commits and hands what changed to one copy elsewhere, in order.
 * `published` resolves when the copy has everything that was committed before the call; without a copy, at once.
 */
export class Replica {
  readonly #engine: ReplicatedEngine;
  readonly #stop: () => void;
  #send: ((changes: readonly CommittedChange[]) => Promise<void>) | undefined;
  #sent: Promise<void> = Promise.resolve();

  constructor(engine: ReplicatedEngine) {
    this.#engine = engine;
    this.#stop = engine.onCommit((changes: readonly CommittedChange[]) => this.#follow(changes));
  }

  /** Everything as it is committed now, for a Classifier; from here on `send` gets the changes, for its `applyChanges`. */
  connect(send: (changes: readonly CommittedChange[]) => Promise<void>): EngineSnapshot {
    this.#send = send;
    const { filters, subLayers } = this.#engine.snapshot();
    return { filters: filters.filter(filter => decidingLayers.has(filter.layerKey)), subLayers };
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
    const relevant = changes.filter(matters);
    if (!this.#send || relevant.length === 0) return;
    // A failure reaches whoever awaits `published`; without a waiter it must not end the process.
    this.#sent = Promise.all([this.#sent, this.#send(relevant)]).then(() => {});
    this.#sent.catch(() => {});
  }
}

/** Registers the callouts that ask, in anything that takes callouts: they pend, as the driver's do on Windows. */
export function registerAskCallouts(target: {
  registerCallout(key: Guid, fn: () => { readonly action: 'block'; readonly pend: true }): () => void;
}): void {
  for (const key of ASK_CALLOUTS) target.registerCallout(key, () => ({ action: 'block', pend: true }));
}
