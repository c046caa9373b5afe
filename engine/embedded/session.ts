import { WfpError } from '../model/error.ts';
import type { FilterEngine, FilterEnumTemplate, ObjectChange } from '../model/filter-engine.ts';
import { type Guid, NULL_GUID, newGuid } from '../model/guid.ts';
import { allLayers, layerByKey } from '../model/layers.ts';
import type { Callout, Filter, FilterInput, Layer, Provider, ProviderContext, Session, SubLayer } from '../model/objects.ts';
import { FILTER_FLAG, OBJECT_FLAG } from '../model/objects.ts';
import { bare } from './codec.ts';
import { enumerateFilters } from './enumerate.ts';
import type { Kind, Lifetime, ObjectOf, ObjectOverlay, ObjectRecord, ObjectView } from './object-table.ts';
import { SessionBase } from './session-base.ts';
import { chooseSubLayerWeight } from './sublayer-weight.ts';
import { checkDelete, checkFilter, checkFlags, checkNew, mustGet, type NewObject } from './validate.ts';

const MOST_CALLOUTS = 100_000;
const MOST_SUBLAYERS = 65_536;

/** One session with an embedded engine. */
export class EmbeddedSession extends SessionBase implements FilterEngine {
  // What all kinds have in common

  #newObject(
    call: string,
    kind: Kind,
    key: Guid,
    object: { displayData: { name: string }; providerKey?: Guid },
    lasting: Lifetime,
  ): NewObject {
    if (this.dynamic && lasting !== 'static')
      throw new WfpError(call, 'FWP_E_DYNAMIC_SESSION_IN_PROGRESS', 'a dynamic session adds no object that outlives it');
    const { displayData, providerKey } = object;
    return {
      kind,
      key,
      displayData,
      ...(providerKey !== undefined && { providerKey }),
      lifetime: this.dynamic ? 'dynamic' : lasting,
      ...(this.dynamic && { sessionKey: this.sessionKey }),
    };
  }

  #keep<K extends Kind>(view: ObjectOverlay, made: NewObject, object: ObjectOf[K]): void {
    const { kind, key, lifetime, sessionKey } = made;
    view.add({ kind, key, object, lifetime, ...(sessionKey !== undefined && { sessionKey }) });
  }

  #delete(call: string, kind: Kind, key: Guid): Promise<void> {
    return this.write(call, view => this.#remove(call, view, mustGet(call, view, kind, key)));
  }

  #remove(call: string, view: ObjectOverlay, record: ObjectRecord): void {
    checkDelete(call, view, record, this.dynamic ? this.sessionKey : undefined);
    view.delete(record);
  }

  #list<K extends Kind>(call: string, kind: K, keep: (object: ObjectOf[K]) => boolean = () => true): readonly ObjectOf[K][] {
    return this.read(call, view => Array.from(view.all(kind), record => record.object).filter(keep));
  }

  // Providers

  async providerAdd(provider: Provider): Promise<void> {
    const call = 'FwpmProviderAdd0';
    await this.write(call, view => {
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
    return this.read(call, view => mustGet(call, view, 'provider', key).object);
  }

  async providerEnum(): Promise<readonly Provider[]> {
    return this.#list('FwpmProviderEnum0', 'provider');
  }

  // Provider contexts

  async providerContextAdd(context: Omit<ProviderContext, 'providerContextId'>): Promise<bigint> {
    const call = 'FwpmProviderContextAdd0';
    return this.write(call, view => {
      const key = keyOrNew(context.providerContextKey);
      checkFlags(call, context.flags, OBJECT_FLAG.PERSISTENT);
      const made = this.#newObject(call, 'providerContext', key, context, lastingOf(context.flags, OBJECT_FLAG.PERSISTENT));
      checkNew(call, view, made);
      const providerContextId = this.core.takeLuid();
      this.#keep<'providerContext'>(view, made, { ...bare(context), providerContextKey: key, providerContextId });
      return providerContextId;
    });
  }

  async providerContextDeleteByKey(key: Guid): Promise<void> {
    await this.#delete('FwpmProviderContextDeleteByKey0', 'providerContext', key);
  }

  async providerContextGetByKey(key: Guid): Promise<ProviderContext> {
    const call = 'FwpmProviderContextGetByKey0';
    return this.read(call, view => mustGet(call, view, 'providerContext', key).object);
  }

  async providerContextEnum(template?: { readonly providerKey?: Guid }): Promise<readonly ProviderContext[]> {
    return this.#list('FwpmProviderContextEnum0', 'providerContext', object => ofProvider(object, template));
  }

  // Sublayers

  async subLayerAdd(subLayer: SubLayer): Promise<void> {
    const call = 'FwpmSubLayerAdd0';
    await this.write(call, view => {
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
    return this.read(call, view => mustGet(call, view, 'sublayer', key).object);
  }

  async subLayerEnum(template?: { readonly providerKey?: Guid }): Promise<readonly SubLayer[]> {
    return this.#list('FwpmSubLayerEnum0', 'sublayer', object => ofProvider(object, template));
  }

  // Callouts

  async calloutAdd(callout: Omit<Callout, 'calloutId'>): Promise<number> {
    const call = 'FwpmCalloutAdd0';
    return this.write(call, view => {
      const key = keyOrNew(callout.calloutKey);
      checkFlags(call, callout.flags, OBJECT_FLAG.CALLOUT_PERSISTENT | OBJECT_FLAG.CALLOUT_USES_PROVIDER_CONTEXT);
      const made = this.#newObject(call, 'callout', key, callout, lastingOf(callout.flags, OBJECT_FLAG.CALLOUT_PERSISTENT));
      checkNew(call, view, made);
      if (layerByKey(callout.applicableLayer, this.core.layers) === undefined)
        throw new WfpError(call, 'FWP_E_LAYER_NOT_FOUND', callout.applicableLayer);
      let count = 0;
      for (const _ of view.all('callout')) count++;
      if (count >= MOST_CALLOUTS) throw new WfpError(call, 'FWP_E_TOO_MANY_CALLOUTS');
      const calloutId = Number(this.core.takeLuid());
      this.#keep<'callout'>(view, made, { ...bare(callout), calloutKey: key, calloutId });
      return calloutId;
    });
  }

  async calloutDeleteByKey(key: Guid): Promise<void> {
    await this.#delete('FwpmCalloutDeleteByKey0', 'callout', key);
  }

  async calloutGetByKey(key: Guid): Promise<Callout> {
    const call = 'FwpmCalloutGetByKey0';
    return this.read(call, view => this.core.describeCallout(mustGet(call, view, 'callout', key).object));
  }

  async calloutEnum(template?: { readonly providerKey?: Guid; readonly layerKey?: Guid }): Promise<readonly Callout[]> {
    const atLayer = (object: Callout) => template?.layerKey === undefined || object.applicableLayer === template.layerKey;
    const found = this.#list('FwpmCalloutEnum0', 'callout', object => ofProvider(object, template) && atLayer(object));
    return found.map(callout => this.core.describeCallout(callout));
  }

  // Filters

  async filterAdd(input: FilterInput): Promise<Filter> {
    const call = 'FwpmFilterAdd0';
    return this.write(call, view => {
      const layer = layerByKey(input.layerKey, this.core.layers);
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
      const weight = checkFilter(call, view, this.core.layers, filter, made);
      const kept: Filter = { ...filter, filterId: this.core.takeLuid(), effectiveWeight: weight };
      this.#keep<'filter'>(view, made, kept);
      return kept;
    });
  }

  async filterDeleteByKey(key: Guid): Promise<void> {
    await this.#delete('FwpmFilterDeleteByKey0', 'filter', key);
  }

  async filterDeleteById(id: bigint): Promise<void> {
    const call = 'FwpmFilterDeleteById0';
    await this.write(call, view => this.#remove(call, view, filterById(call, view, id)));
  }

  async filterGetByKey(key: Guid): Promise<Filter> {
    const call = 'FwpmFilterGetByKey0';
    return this.read(call, view => this.core.activeForm(mustGet(call, view, 'filter', key).object));
  }

  async filterGetById(id: bigint): Promise<Filter> {
    const call = 'FwpmFilterGetById0';
    return this.read(call, view => this.core.activeForm(filterById(call, view, id).object));
  }

  async filterEnum(template?: FilterEnumTemplate): Promise<readonly Filter[]> {
    const active = (filter: Filter) => this.core.activeForm(filter);
    return this.read('FwpmFilterEnum0', view => enumerateFilters(view, this.core.layers, template, active));
  }

  // Layers, sessions, changes

  async layerGetByKey(key: Guid): Promise<Layer> {
    const call = 'FwpmLayerGetByKey0';
    this.mustBeOpen(call);
    const layer = layerByKey(key, this.core.layers);
    if (layer === undefined) throw new WfpError(call, 'FWP_E_LAYER_NOT_FOUND', key);
    return layer;
  }

  async layerEnum(): Promise<readonly Layer[]> {
    this.mustBeOpen('FwpmLayerEnum0');
    return allLayers(this.core.layers);
  }

  async sessionEnum(): Promise<readonly Session[]> {
    this.mustBeOpen('FwpmSessionEnum0');
    return [...this.core.sessions.values()];
  }

  async subscribeChanges(listener: (change: ObjectChange) => void): Promise<() => Promise<void>> {
    const call = 'FwpmFilterSubscribeChanges0';
    this.mustBeOpen(call);
    if (this.inTransaction) throw new WfpError(call, 'FWP_E_TXN_IN_PROGRESS');
    const end = this.core.subscribe(this.sessionKey, listener);
    this.unsubscribe.add(end);
    return async () => {
      if (this.inTransaction) throw new WfpError('FwpmFilterUnsubscribeChanges0', 'FWP_E_TXN_IN_PROGRESS');
      end();
      this.unsubscribe.delete(end);
    };
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
