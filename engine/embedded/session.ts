import { WfpError } from '../model/error.ts';
import type { FilterEngine, FilterEnumTemplate, ObjectChange, SessionOptions } from '../model/filter-engine.ts';
import { type Guid, NULL_GUID, newGuid } from '../model/guid.ts';
import { allLayers, layerByKey } from '../model/layers.ts';
import type { Callout, Filter, FilterInput, Layer, Provider, ProviderContext, Session, SubLayer } from '../model/objects.ts';
import { FILTER_FLAG, OBJECT_FLAG } from '../model/objects.ts';
import { bare } from './codec.ts';
import type { EngineCore, OpenTransaction } from './core.ts';
import { enumerateFilters } from './enumerate.ts';
import {
  KINDS,
  type Kind,
  type Lifetime,
  type ObjectOf,
  type ObjectOverlay,
  type ObjectRecord,
  type ObjectView,
} from './object-table.ts';
import { chooseSubLayerWeight } from './sublayer-weight.ts';
import { checkDelete, checkFilter, checkFlags, checkNew, mustGet, type NewObject } from './validate.ts';

const DEFAULT_WAIT = 15_000;
/** A transaction of user mode is ended by force when it is held longer. */
const LONGEST_HOLD = 3_600_000;
const MOST_CALLOUTS = 100_000;
const MOST_SUBLAYERS = 65_536;
const INVALID_HANDLE = 6;

/** One session with an embedded engine. */
export class EmbeddedSession implements FilterEngine {
  readonly sessionKey: Guid;
  readonly #core: EngineCore;
  readonly #dynamic: boolean;
  readonly #wait: number;
  readonly #unsubscribe = new Set<() => void>();
  #transaction: OpenTransaction | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #forcedAbort = false;
  #open = true;

  constructor(core: EngineCore, options: SessionOptions) {
    core.mustBeOpen('FwpmEngineOpen0');
    const asked = options.sessionKey;
    this.sessionKey = asked === undefined || asked === NULL_GUID ? newGuid() : asked;
    if (core.sessions.has(this.sessionKey)) throw new WfpError('FwpmEngineOpen0', 'FWP_E_ALREADY_EXISTS', this.sessionKey);
    this.#core = core;
    this.#dynamic = options.dynamic === true;
    this.#wait = options.txnWaitTimeoutInMSec || DEFAULT_WAIT;
    core.sessions.set(this.sessionKey, {
      sessionKey: this.sessionKey,
      displayData: { name: options.displayData?.name ?? '', ...options.displayData },
      flags: this.#dynamic ? OBJECT_FLAG.SESSION_DYNAMIC : 0,
      txnWaitTimeoutInMSec: this.#wait,
      processId: process.pid,
      kernelMode: false,
    });
  }

  // Transactions

  async transaction<T>(work: () => T | Promise<T>, options: { readonly readOnly?: boolean } = {}): Promise<T> {
    await this.transactionBegin(options);
    let result: T;
    try {
      result = await work();
    } catch (error) {
      if (this.#transaction !== undefined) await this.transactionAbort();
      throw error;
    }
    await this.transactionCommit();
    return result;
  }

  async transactionBegin(options: { readonly readOnly?: boolean } = {}): Promise<void> {
    const call = 'FwpmTransactionBegin0';
    this.#mustBeOpen(call);
    if (this.#transaction !== undefined) throw new WfpError(call, 'FWP_E_TXN_IN_PROGRESS');
    this.#forcedAbort = false;
    const transaction = await this.#core.begin(call, options.readOnly === true, this.#wait);
    // A second Begin, or Close, may have come while this one waited.
    if (this.#transaction !== undefined || !this.#open) {
      this.#core.abort(transaction);
      throw new WfpError(call, this.#open ? 'FWP_E_TXN_IN_PROGRESS' : 'FWP_E_SESSION_ABORTED');
    }
    this.#transaction = transaction;
    this.#watchdog = setTimeout(() => {
      this.#end(this.#core.abort.bind(this.#core));
      this.#forcedAbort = true;
    }, LONGEST_HOLD).unref();
  }

  async transactionCommit(): Promise<void> {
    this.#mustHold('FwpmTransactionCommit0');
    this.#end(transaction => this.#core.commit(transaction, this.sessionKey));
  }

  async transactionAbort(): Promise<void> {
    this.#mustHold('FwpmTransactionAbort0');
    this.#end(transaction => this.#core.abort(transaction));
  }

  #mustHold(call: string): void {
    this.#mustBeOpen(call);
    this.#tellForcedAbort(call);
    if (this.#transaction === undefined) throw new WfpError(call, 'FWP_E_NO_TXN_IN_PROGRESS');
  }

  #tellForcedAbort(call: string): void {
    if (!this.#forcedAbort) return;
    this.#forcedAbort = false;
    throw new WfpError(call, 'FWP_E_TXN_ABORTED', 'it was held longer than an hour');
  }

  #end(how: (transaction: OpenTransaction) => void): void {
    const transaction = this.#transaction;
    this.#transaction = undefined;
    clearTimeout(this.#watchdog);
    if (transaction !== undefined) how(transaction);
  }

  #mustBeOpen(call: string): void {
    if (!this.#open) throw new WfpError(call, INVALID_HANDLE, 'the session is closed');
    this.#core.mustBeOpen(call);
  }

  #read<T>(call: string, work: (view: ObjectView) => T): T {
    this.#mustBeOpen(call);
    this.#tellForcedAbort(call);
    return work(this.#transaction?.view ?? this.#core.table);
  }

  /** Runs a change in the open transaction, or in one of its own. A call that fails leaves an open transaction as it was. */
  async #write<T>(call: string, work: (view: ObjectOverlay) => T): Promise<T> {
    this.#mustBeOpen(call);
    this.#tellForcedAbort(call);
    if (this.#transaction !== undefined) {
      if (this.#transaction.readOnly) throw new WfpError(call, 'FWP_E_INCOMPATIBLE_TXN');
      return work(this.#transaction.view);
    }
    const transaction = await this.#core.begin(call, false, this.#wait);
    let result: T;
    try {
      this.#mustBeOpen(call);
      result = work(transaction.view);
    } catch (error) {
      this.#core.abort(transaction);
      throw error;
    }
    this.#core.commit(transaction, this.sessionKey);
    return result;
  }

  // What all kinds have in common

  #newObject(
    call: string,
    kind: Kind,
    key: Guid,
    object: { displayData: { name: string }; providerKey?: Guid },
    lasting: Lifetime,
  ): NewObject {
    if (this.#dynamic && lasting !== 'static')
      throw new WfpError(call, 'FWP_E_DYNAMIC_SESSION_IN_PROGRESS', 'a dynamic session adds no object that outlives it');
    const { displayData, providerKey } = object;
    return {
      kind,
      key,
      displayData,
      ...(providerKey !== undefined && { providerKey }),
      lifetime: this.#dynamic ? 'dynamic' : lasting,
      ...(this.#dynamic && { sessionKey: this.sessionKey }),
    };
  }

  #keep<K extends Kind>(view: ObjectOverlay, made: NewObject, object: ObjectOf[K]): void {
    const { kind, key, lifetime, sessionKey } = made;
    view.add({ kind, key, object, lifetime, ...(sessionKey !== undefined && { sessionKey }) });
  }

  #delete(call: string, kind: Kind, key: Guid): Promise<void> {
    return this.#write(call, view => this.#remove(call, view, mustGet(call, view, kind, key)));
  }

  #remove(call: string, view: ObjectOverlay, record: ObjectRecord): void {
    checkDelete(call, view, record, this.#dynamic ? this.sessionKey : undefined);
    view.delete(record);
  }

  #list<K extends Kind>(call: string, kind: K, keep: (object: ObjectOf[K]) => boolean = () => true): readonly ObjectOf[K][] {
    return this.#read(call, view => Array.from(view.all(kind), record => record.object).filter(keep));
  }

  // Providers

  async providerAdd(provider: Provider): Promise<void> {
    const call = 'FwpmProviderAdd0';
    await this.#write(call, view => {
      const key = keyOrNew(provider.providerKey);
      checkFlags(call, provider.flags, OBJECT_FLAG.PERSISTENT);
      const made = this.#newObject(
        call,
        'provider',
        key,
        { displayData: provider.displayData },
        lastingOf(provider.flags, OBJECT_FLAG.PERSISTENT),
      );
      checkNew(call, view, made);
      this.#keep<'provider'>(view, made, { ...bare(provider), providerKey: key });
    });
  }

  async providerDeleteByKey(key: Guid): Promise<void> {
    await this.#delete('FwpmProviderDeleteByKey0', 'provider', key);
  }

  async providerGetByKey(key: Guid): Promise<Provider> {
    const call = 'FwpmProviderGetByKey0';
    return this.#read(call, view => mustGet(call, view, 'provider', key).object);
  }

  async providerEnum(): Promise<readonly Provider[]> {
    return this.#list('FwpmProviderEnum0', 'provider');
  }

  // Provider contexts

  async providerContextAdd(context: Omit<ProviderContext, 'providerContextId'>): Promise<bigint> {
    const call = 'FwpmProviderContextAdd0';
    return this.#write(call, view => {
      const key = keyOrNew(context.providerContextKey);
      checkFlags(call, context.flags, OBJECT_FLAG.PERSISTENT);
      const made = this.#newObject(call, 'providerContext', key, context, lastingOf(context.flags, OBJECT_FLAG.PERSISTENT));
      checkNew(call, view, made);
      const providerContextId = this.#core.takeLuid();
      this.#keep<'providerContext'>(view, made, { ...bare(context), providerContextKey: key, providerContextId });
      return providerContextId;
    });
  }

  async providerContextDeleteByKey(key: Guid): Promise<void> {
    await this.#delete('FwpmProviderContextDeleteByKey0', 'providerContext', key);
  }

  async providerContextGetByKey(key: Guid): Promise<ProviderContext> {
    const call = 'FwpmProviderContextGetByKey0';
    return this.#read(call, view => mustGet(call, view, 'providerContext', key).object);
  }

  async providerContextEnum(template?: { readonly providerKey?: Guid }): Promise<readonly ProviderContext[]> {
    return this.#list('FwpmProviderContextEnum0', 'providerContext', object => ofProvider(object, template));
  }

  // Sublayers

  async subLayerAdd(subLayer: SubLayer): Promise<void> {
    const call = 'FwpmSubLayerAdd0';
    await this.#write(call, view => {
      const key = keyOrNew(subLayer.subLayerKey);
      checkFlags(call, subLayer.flags, OBJECT_FLAG.PERSISTENT);
      if (!Number.isInteger(subLayer.weight) || subLayer.weight < 0 || subLayer.weight > 0xffff)
        throw new WfpError(call, 'FWP_E_INVALID_WEIGHT', `sublayer weight ${subLayer.weight} is no UINT16`);
      const made = this.#newObject(call, 'sublayer', key, subLayer, lastingOf(subLayer.flags, OBJECT_FLAG.PERSISTENT));
      checkNew(call, view, made);
      const others = Array.from(view.all('sublayer'), record => record.object.weight);
      if (others.length >= MOST_SUBLAYERS) throw new WfpError(call, 'FWP_E_TOO_MANY_SUBLAYERS');
      const weight = chooseSubLayerWeight(subLayer.weight, new Set(others));
      this.#keep<'sublayer'>(view, made, { ...bare(subLayer), subLayerKey: key, weight });
    });
  }

  async subLayerDeleteByKey(key: Guid): Promise<void> {
    await this.#delete('FwpmSubLayerDeleteByKey0', 'sublayer', key);
  }

  async subLayerGetByKey(key: Guid): Promise<SubLayer> {
    const call = 'FwpmSubLayerGetByKey0';
    return this.#read(call, view => mustGet(call, view, 'sublayer', key).object);
  }

  async subLayerEnum(template?: { readonly providerKey?: Guid }): Promise<readonly SubLayer[]> {
    return this.#list('FwpmSubLayerEnum0', 'sublayer', object => ofProvider(object, template));
  }

  // Callouts

  async calloutAdd(callout: Omit<Callout, 'calloutId'>): Promise<number> {
    const call = 'FwpmCalloutAdd0';
    return this.#write(call, view => {
      const key = keyOrNew(callout.calloutKey);
      checkFlags(call, callout.flags, OBJECT_FLAG.CALLOUT_PERSISTENT | OBJECT_FLAG.CALLOUT_USES_PROVIDER_CONTEXT);
      const made = this.#newObject(call, 'callout', key, callout, lastingOf(callout.flags, OBJECT_FLAG.CALLOUT_PERSISTENT));
      checkNew(call, view, made);
      if (layerByKey(callout.applicableLayer, this.#core.layers) === undefined)
        throw new WfpError(call, 'FWP_E_LAYER_NOT_FOUND', callout.applicableLayer);
      let count = 0;
      for (const _ of view.all('callout')) count++;
      if (count >= MOST_CALLOUTS) throw new WfpError(call, 'FWP_E_TOO_MANY_CALLOUTS');
      const calloutId = Number(this.#core.takeLuid());
      this.#keep<'callout'>(view, made, { ...bare(callout), calloutKey: key, calloutId });
      return calloutId;
    });
  }

  async calloutDeleteByKey(key: Guid): Promise<void> {
    await this.#delete('FwpmCalloutDeleteByKey0', 'callout', key);
  }

  async calloutGetByKey(key: Guid): Promise<Callout> {
    const call = 'FwpmCalloutGetByKey0';
    return this.#read(call, view => this.#core.describeCallout(mustGet(call, view, 'callout', key).object));
  }

  async calloutEnum(template?: { readonly providerKey?: Guid; readonly layerKey?: Guid }): Promise<readonly Callout[]> {
    const atLayer = (object: Callout) => template?.layerKey === undefined || object.applicableLayer === template.layerKey;
    const found = this.#list('FwpmCalloutEnum0', 'callout', object => ofProvider(object, template) && atLayer(object));
    return found.map(callout => this.#core.describeCallout(callout));
  }

  // Filters

  async filterAdd(input: FilterInput): Promise<Filter> {
    const call = 'FwpmFilterAdd0';
    return this.#write(call, view => {
      const layer = layerByKey(input.layerKey, this.#core.layers);
      if (layer === undefined) throw new WfpError(call, 'FWP_E_LAYER_NOT_FOUND', input.layerKey);
      const asked = input.subLayerKey;
      const context = input.providerContextKey === undefined ? 0 : FILTER_FLAG.HAS_PROVIDER_CONTEXT;
      const filter = {
        ...bare(input),
        filterKey: keyOrNew(input.filterKey),
        subLayerKey: asked === undefined || asked === NULL_GUID ? layer.defaultSubLayerKey : asked,
        flags: (input.flags ?? 0) | context,
        weight: input.weight ?? ({ type: 'FWP_EMPTY' } as const),
      };
      const boottime = (filter.flags & FILTER_FLAG.BOOTTIME) !== 0;
      const lifetime = boottime ? 'boottime' : lastingOf(filter.flags, FILTER_FLAG.PERSISTENT);
      const made = this.#newObject(call, 'filter', filter.filterKey, filter, lifetime);
      const weight = checkFilter(call, view, this.#core.layers, filter, made);
      const kept: Filter = { ...filter, filterId: this.#core.takeLuid(), effectiveWeight: weight };
      this.#keep<'filter'>(view, made, kept);
      return kept;
    });
  }

  async filterDeleteByKey(key: Guid): Promise<void> {
    await this.#delete('FwpmFilterDeleteByKey0', 'filter', key);
  }

  async filterDeleteById(id: bigint): Promise<void> {
    const call = 'FwpmFilterDeleteById0';
    await this.#write(call, view => this.#remove(call, view, filterById(call, view, id)));
  }

  async filterGetByKey(key: Guid): Promise<Filter> {
    const call = 'FwpmFilterGetByKey0';
    return this.#read(call, view => this.#core.activeForm(mustGet(call, view, 'filter', key).object));
  }

  async filterGetById(id: bigint): Promise<Filter> {
    const call = 'FwpmFilterGetById0';
    return this.#read(call, view => this.#core.activeForm(filterById(call, view, id).object));
  }

  async filterEnum(template?: FilterEnumTemplate): Promise<readonly Filter[]> {
    const active = (filter: Filter) => this.#core.activeForm(filter);
    return this.#read('FwpmFilterEnum0', view => enumerateFilters(view, this.#core.layers, template, active));
  }

  // Layers, sessions, changes

  async layerGetByKey(key: Guid): Promise<Layer> {
    const call = 'FwpmLayerGetByKey0';
    this.#mustBeOpen(call);
    const layer = layerByKey(key, this.#core.layers);
    if (layer === undefined) throw new WfpError(call, 'FWP_E_LAYER_NOT_FOUND', key);
    return layer;
  }

  async layerEnum(): Promise<readonly Layer[]> {
    this.#mustBeOpen('FwpmLayerEnum0');
    return allLayers(this.#core.layers);
  }

  async sessionEnum(): Promise<readonly Session[]> {
    this.#mustBeOpen('FwpmSessionEnum0');
    return [...this.#core.sessions.values()];
  }

  async subscribeChanges(listener: (change: ObjectChange) => void): Promise<() => Promise<void>> {
    const call = 'FwpmFilterSubscribeChanges0';
    this.#mustBeOpen(call);
    if (this.#transaction !== undefined) throw new WfpError(call, 'FWP_E_TXN_IN_PROGRESS');
    const end = this.#core.subscribe(this.sessionKey, listener);
    this.#unsubscribe.add(end);
    return async () => {
      if (this.#transaction !== undefined) throw new WfpError('FwpmFilterUnsubscribeChanges0', 'FWP_E_TXN_IN_PROGRESS');
      end();
      this.#unsubscribe.delete(end);
    };
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    if (this.#transaction !== undefined) this.#end(transaction => this.#core.abort(transaction));
    for (const end of this.#unsubscribe) end();
    this.#open = false;
    try {
      if (this.#dynamic && !this.#core.closed) await this.#deleteOwn();
    } finally {
      this.#core.sessions.delete(this.sessionKey);
    }
  }

  /** The dynamic objects go in one transaction, what refers to others first. It waits as long as it must. */
  async #deleteOwn(): Promise<void> {
    const own = (kind: Kind) => Array.from(this.#core.table.all(kind)).filter(record => record.sessionKey === this.sessionKey);
    if (!KINDS.some(kind => own(kind).length > 0)) return;
    const transaction = await this.#core.begin('FwpmEngineClose0', false, Number.POSITIVE_INFINITY);
    for (const kind of [...KINDS].reverse()) for (const record of own(kind)) transaction.view.delete(record);
    this.#core.commit(transaction, this.sessionKey);
  }
}

const keyOrNew = (key: Guid | undefined): Guid => (key === undefined || key === NULL_GUID ? newGuid() : key);
const lastingOf = (flags: number, persistent: number): Lifetime => ((flags & persistent) !== 0 ? 'persistent' : 'static');
const ofProvider = (object: { providerKey?: Guid }, template?: { readonly providerKey?: Guid }) =>
  template?.providerKey === undefined || object.providerKey === template.providerKey;

function filterById(call: string, view: ObjectView, id: bigint): ObjectRecord<'filter'> {
  const record = view.filterById(id);
  if (record === undefined) throw new WfpError(call, 'FWP_E_FILTER_NOT_FOUND', String(id));
  return record;
}
