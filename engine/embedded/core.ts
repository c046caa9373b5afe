import { builtinProviders, builtinSubLayers } from '../model/builtin.ts';
import type { CalloutFn } from '../model/classify.ts';
import { WfpError } from '../model/error.ts';
import type { ObjectChange } from '../model/filter-engine.ts';
import type { Guid } from '../model/guid.ts';
import type { LayerSet } from '../model/layers.ts';
import type { Callout, Filter, Provider, Session, SubLayer } from '../model/objects.ts';
import { FILTER_FLAG, OBJECT_FLAG } from '../model/objects.ts';
import { Classifier } from './classifier.ts';
import { TransactionLock } from './lock.ts';
import { KINDS, luidOf, ObjectOverlay, type ObjectRecord, type ObjectStep, ObjectTable } from './object-table.ts';
import { Store, type StoreDifference } from './store.ts';

/** A committed change with the object itself, so that a replica can follow without asking. */
export interface CommittedChange extends ObjectChange {
  readonly value: ObjectRecord['object'];
}

/** A transaction that holds the lock. */
export interface OpenTransaction {
  readonly readOnly: boolean;
  readonly view: ObjectOverlay;
}

export interface CoreOptions {
  readonly path?: string;
  readonly layers: LayerSet;
  readonly serviceEnabled: (serviceName: string) => boolean;
}

interface Subscriber {
  readonly sessionKey: Guid;
  readonly listener: (change: ObjectChange) => void;
}

/** How long to wait before asking again for the lock that another process holds, in milliseconds. */
const LOCK_POLL = 5;
const FIRST_LUID = 65536n;

/** The committed state of one engine: objects, classifier, store, lock; and what sessions have in common. */
export class EngineCore {
  readonly layers: LayerSet;
  readonly table = new ObjectTable();
  readonly classifier = new Classifier();
  readonly sessions = new Map<Guid, Session>();
  readonly #callouts = new Map<Guid, CalloutFn>();
  readonly #lock = new TransactionLock();
  readonly #store: Store | undefined;
  readonly #serviceEnabled: (serviceName: string) => boolean;
  readonly #subscribers = new Set<Subscriber>();
  readonly #listeners = new Set<(changes: readonly CommittedChange[]) => void>();
  #luid = FIRST_LUID;
  #revision = 0;
  #closed = false;

  constructor(options: CoreOptions) {
    this.layers = options.layers;
    this.#serviceEnabled = options.serviceEnabled;
    for (const object of builtinProviders())
      this.#load({ kind: 'provider', key: object.providerKey, object, lifetime: 'builtin' });
    for (const object of builtinSubLayers())
      this.#load({ kind: 'sublayer', key: object.subLayerKey, object, lifetime: 'builtin' });
    if (options.path === undefined) return;
    this.#store = new Store(options.path);
    try {
      this.#apply(this.#stepsOf(this.#store.read()));
    } catch (error) {
      this.#store.close();
      throw error;
    }
  }

  get revision(): number {
    return this.#revision;
  }

  get closed(): boolean {
    return this.#closed;
  }

  registerCallout(key: Guid, callout: CalloutFn): () => void {
    const classifierEnd = this.classifier.registerCallout(key, callout);
    this.#callouts.set(key, callout);
    return () => {
      classifierEnd();
      if (this.#callouts.get(key) === callout) this.#callouts.delete(key);
    };
  }

  /** A callout as it is told: with CALLOUT_REGISTERED when its function is here. */
  describeCallout(callout: Callout): Callout {
    return this.#callouts.has(callout.calloutKey)
      ? { ...callout, flags: callout.flags | OBJECT_FLAG.CALLOUT_REGISTERED }
      : callout;
  }

  /**
   * Waits for the lock: of this engine, then of every process that has the store open.
   * @throws WfpError FWP_E_TIMEOUT
   */
  async begin(call: string, readOnly: boolean, timeoutMSec: number): Promise<OpenTransaction> {
    const deadline = performance.now() + timeoutMSec;
    const timeout = () => new WfpError(call, 'FWP_E_TIMEOUT', 'another transaction holds the lock');
    if (!(await this.#lock.acquire(readOnly, timeoutMSec))) throw timeout();
    try {
      this.mustBeOpen(call);
      if (!readOnly && this.#store !== undefined) {
        while (!this.#store.tryBegin()) {
          if (performance.now() >= deadline) throw timeout();
          await new Promise(resolve => setTimeout(resolve, LOCK_POLL));
          this.mustBeOpen(call);
        }
      }
      this.#follow(readOnly ? 1 : 0);
      return { readOnly, view: new ObjectOverlay(this.table) };
    } catch (error) {
      if (!readOnly) this.#store?.rollback();
      this.#lock.release(readOnly);
      throw error;
    }
  }

  /** Makes a transaction's steps durable, then visible. When the store fails nothing has changed. */
  commit(transaction: OpenTransaction, sessionKey: Guid): void {
    const { steps } = transaction.view;
    try {
      if (transaction.readOnly) return;
      try {
        this.#store?.commit(steps);
      } catch (error) {
        this.#store?.rollback();
        throw error;
      }
      this.#publish(steps, sessionKey);
    } finally {
      this.#lock.release(transaction.readOnly);
    }
  }

  abort(transaction: OpenTransaction): void {
    if (!transaction.readOnly) this.#store?.rollback();
    this.#lock.release(transaction.readOnly);
  }

  /** A run-time id that no other object has or had, in this process or another. Only inside a write transaction. */
  takeLuid(): bigint {
    return this.#store?.takeLuid() ?? this.#luid++;
  }

  /** Takes over what other processes committed, unless a read-only transaction is open here: what it sees stays the same. */
  refresh(): boolean {
    return this.#follow(0);
  }

  #follow(ownReaders: number): boolean {
    if (this.#lock.readers > ownReaders) return false;
    if (this.#closed || this.#store === undefined || !this.#store.changedElsewhere()) return false;
    const steps = this.#stepsOf(this.#store.read());
    this.#publish(steps, undefined);
    return steps.length > 0;
  }

  subscribe(sessionKey: Guid, listener: (change: ObjectChange) => void): () => void {
    const subscriber = { sessionKey, listener };
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  onCommit(listener: (changes: readonly CommittedChange[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  mustBeOpen(call: string): void {
    if (this.#closed) throw new WfpError(call, 'FWP_E_SESSION_ABORTED', 'the engine is closed');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#subscribers.clear();
    this.#listeners.clear();
    this.#store?.close();
  }

  #load(record: ObjectRecord): void {
    this.table.add(record);
    if (record.kind === 'filter') this.classifier.addFilter(this.activeForm(record.object as Filter));
    else if (record.kind === 'sublayer') this.classifier.addSubLayer(record.object as SubLayer);
  }

  #unload(record: ObjectRecord): void {
    this.table.delete(record);
    if (record.kind === 'filter') this.classifier.deleteFilter((record.object as Filter).filterId);
    else if (record.kind === 'sublayer') this.classifier.deleteSubLayer(record.key);
  }

  /** A filter as it counts now: one whose provider's service does not start with the system is disabled. */
  activeForm(filter: Filter): Filter {
    const provider = filter.providerKey === undefined ? undefined : this.table.get('provider', filter.providerKey)?.object;
    return provider === undefined || (provider.flags & OBJECT_FLAG.PROVIDER_DISABLED) === 0
      ? filter
      : { ...filter, flags: filter.flags | FILTER_FLAG.DISABLED };
  }

  #apply(steps: readonly ObjectStep[]): void {
    for (const { change, record } of steps) {
      if (change === 'add') this.#load(record);
      else this.#unload(record);
    }
  }

  #publish(steps: readonly ObjectStep[], sessionKey: Guid | undefined): void {
    if (steps.length === 0) return;
    this.#apply(steps);
    this.#revision++;
    const changes = steps.map(({ change, record }): CommittedChange => {
      const id = luidOf(record);
      return { object: record.kind, change, key: record.key, ...(id !== undefined && { id }), value: record.object };
    });
    for (const listener of this.#listeners) listener(changes);
    const others = [...this.#subscribers].filter(subscriber => subscriber.sessionKey !== sessionKey);
    if (others.length === 0) return;
    setImmediate(() => {
      for (const subscriber of others)
        for (const { value: _, ...change } of changes) if (this.#subscribers.has(subscriber)) subscriber.listener(change);
    });
  }

  /**
   * What has to be done to be where the store is: deletes first. Objects of this process alone that refer to something that another
   * process deleted go with it, because nothing may refer to what is not there.
   */
  #stepsOf({ added, deleted }: StoreDifference): readonly ObjectStep[] {
    const after = new ObjectOverlay(this.table);
    const remove = (record: ObjectRecord | undefined) =>
      record !== undefined && after.get(record.kind, record.key) && after.delete(record);
    for (const { kind, key } of deleted) remove(this.table.get(kind, key));
    const ranked = [...added].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
    for (const record of ranked) {
      remove(after.get(record.kind, record.key));
      after.add(this.#loaded(record));
    }
    this.#dropOrphans(after);
    return after.steps;
  }

  #loaded(record: ObjectRecord): ObjectRecord {
    const { serviceName } = record.object as Provider;
    if (record.kind !== 'provider' || serviceName === undefined || this.#serviceEnabled(serviceName)) return record;
    return { ...record, object: { ...record.object, flags: record.object.flags | OBJECT_FLAG.PROVIDER_DISABLED } as Provider };
  }

  #dropOrphans(view: ObjectOverlay): void {
    if (!view.steps.some(step => step.change === 'delete')) return;
    const gone = (kind: ObjectRecord['kind'], key: Guid | undefined) => key !== undefined && view.get(kind, key) === undefined;
    for (const kind of KINDS) {
      for (const record of [...view.all(kind)]) {
        if (record.lifetime !== 'static' && record.lifetime !== 'dynamic') continue;
        const object = record.object as Partial<Filter>;
        const orphan =
          gone('provider', object.providerKey) ||
          (kind === 'filter' &&
            (gone('sublayer', object.subLayerKey) ||
              gone('callout', object.action?.calloutKey) ||
              gone('providerContext', object.providerContextKey)));
        if (orphan) view.delete(record);
      }
    }
  }
}
