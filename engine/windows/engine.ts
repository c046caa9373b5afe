import koffi from 'koffi';
import { WfpError } from '../model/error.ts';
import { FWP_E } from '../model/errors.gen.ts';
import type { FilterEngine, FilterEnumTemplate, ObjectChange, SessionOptions } from '../model/filter-engine.ts';
import type { Guid } from '../model/guid.ts';
import type { Callout, Filter, FilterInput, Layer, Provider, ProviderContext, Session, SubLayer } from '../model/objects.ts';
import { Turns } from '../model/turns.ts';
import * as compose from './compose.ts';
import type { ComposeContext } from './compose-value.ts';
import * as layout from './layouts.ts';
import type { Pointer } from './memory.ts';
import { fwpuclnt } from './native.ts';
import { type NetEvent, type NetEventOptions, netEvents, recentNetEvents } from './net-events.ts';
import * as parse from './parse.ts';
import { WfpSession } from './session.ts';
import { subscribeAllChanges } from './subscriptions.ts';
import {
  type FilterListing,
  type ListsUnreadable,
  standInForFilter,
  standInForSubLayer,
  type Unreadable,
  type UnreadableFilter,
  UnreadableLog,
} from './unreadable.ts';

const LUID = koffi.struct({ value: 'uint64_t' });
const CALLOUT_ID = koffi.struct({ value: 'uint32_t' });
const FWPM_TXN_READ_ONLY = 1;

export interface WindowsSessionOptions extends SessionOptions {
  /** Told once of each object of somebody else that an enumeration could not read. Must not throw. */
  readonly onUnreadable?: (what: Unreadable) => void;
}

/**
 * A session with the Base Filtering Engine of this machine. Enumerations leave out what cannot be read (see `onUnreadable`), except for a
 * sublayer, which keeps its key and weight; asking for one such object by its key fails with BrokenStructureError.
 */
export class WindowsFilterEngine implements FilterEngine, ListsUnreadable {
  readonly #session: WfpSession;
  readonly #turns = new Turns();
  readonly #unreadable: UnreadableLog;

  constructor(session: WfpSession, options: Pick<WindowsSessionOptions, 'onUnreadable'> = {}) {
    this.#session = session;
    this.#unreadable = new UnreadableLog(options.onUnreadable);
  }

  /** Reads an entry of an enumeration. One that cannot be read is noted, and `otherwise` or nothing stands in its place. */
  #entry<T>(
    object: ObjectChange['object'],
    parse: (address: Pointer) => T,
    otherwise: (address: Pointer, what: Unreadable) => T | undefined = () => undefined,
  ): (address: Pointer) => T | undefined {
    return address => {
      try {
        return parse(address);
      } catch (error) {
        return otherwise(address, this.#unreadable.note(object, address, error));
      }
    };
  }

  get sessionKey(): Guid {
    return this.#session.sessionKey;
  }

  async transaction<T>(work: () => T | Promise<T>, options: { readonly readOnly?: boolean } = {}): Promise<T> {
    if (this.#turns.mine) throw new WfpError('FwpmTransactionBegin0', 'FWP_E_TXN_IN_PROGRESS');
    return this.#turns.run(() => this.#wholeTransaction(work, options));
  }

  async #wholeTransaction<T>(work: () => T | Promise<T>, options: { readonly readOnly?: boolean }): Promise<T> {
    await this.transactionBegin(options);
    let result: T;
    try {
      result = await work();
    } catch (error) {
      // The reason is the work's error; an abort that fails too (FWP_E_TXN_ABORTED by the engine itself) adds nothing.
      await this.transactionAbort().catch(() => undefined);
      throw error;
    }
    await this.transactionCommit();
    return result;
  }

  /** A change with memory of its own. From outside of a whole transaction it waits for its end, for it would share its fate. */
  #change<T>(work: (context: ComposeContext) => Promise<T>): Promise<T> {
    return this.#turns.join(() => this.#session.withArena(work));
  }

  #deleteByKey(kind: Parameters<WfpSession['deleteByKey']>[0], key: Guid): Promise<void> {
    return this.#turns.join(() => this.#session.deleteByKey(kind, key));
  }

  transactionBegin(options: { readonly readOnly?: boolean } = {}): Promise<void> {
    return this.#session.simple('FwpmTransactionBegin0', options.readOnly ? FWPM_TXN_READ_ONLY : 0);
  }

  transactionCommit(): Promise<void> {
    return this.#session.simple('FwpmTransactionCommit0');
  }

  transactionAbort(): Promise<void> {
    return this.#session.simple('FwpmTransactionAbort0');
  }

  providerAdd(provider: Provider): Promise<void> {
    return this.#change(context => this.#session.check('FwpmProviderAdd0', compose.composeProvider(context, provider), 0n));
  }

  providerDeleteByKey(key: Guid): Promise<void> {
    return this.#deleteByKey('Provider', key);
  }

  providerGetByKey(key: Guid): Promise<Provider> {
    return this.#session.getByKey('Provider', key, parse.parseProvider, FWP_E.FWP_E_PROVIDER_NOT_FOUND);
  }

  providerEnum(): Promise<readonly Provider[]> {
    return this.#session.enumerate('Provider', () => 0n, this.#entry('provider', parse.parseProvider));
  }

  providerContextAdd(value: Omit<ProviderContext, 'providerContextId'>): Promise<bigint> {
    return this.#change(async context => {
      const id = context.arena.struct(LUID);
      await this.#session.check('FwpmProviderContextAdd0', compose.composeProviderContext(context, value), 0n, id.address);
      return id.struct.bigint('value');
    });
  }

  providerContextDeleteByKey(key: Guid): Promise<void> {
    return this.#deleteByKey('ProviderContext', key);
  }

  providerContextGetByKey(key: Guid): Promise<ProviderContext> {
    return this.#session.getByKey('ProviderContext', key, parse.parseProviderContext, FWP_E.FWP_E_PROVIDER_CONTEXT_NOT_FOUND);
  }

  /** General contexts only: the others hold IPsec policies. */
  providerContextEnum(template: { readonly providerKey?: Guid } = {}): Promise<readonly ProviderContext[]> {
    return this.#session.enumerate(
      'ProviderContext',
      ({ arena }) => {
        const { address, struct } = arena.struct(layout.FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0);
        struct.setBigint('providerKey', arena.guid(template.providerKey));
        struct.setNumber('providerContextType', compose.FWPM_GENERAL_CONTEXT);
        return address;
      },
      this.#entry('providerContext', parse.parseProviderContext),
    );
  }

  subLayerAdd(subLayer: SubLayer): Promise<void> {
    return this.#change(context => this.#session.check('FwpmSubLayerAdd0', compose.composeSubLayer(context, subLayer), 0n));
  }

  subLayerDeleteByKey(key: Guid): Promise<void> {
    return this.#deleteByKey('SubLayer', key);
  }

  subLayerGetByKey(key: Guid): Promise<SubLayer> {
    return this.#session.getByKey('SubLayer', key, parse.parseSubLayer, FWP_E.FWP_E_SUBLAYER_NOT_FOUND);
  }

  subLayerEnum(template: { readonly providerKey?: Guid } = {}): Promise<readonly SubLayer[]> {
    return this.#session.enumerate(
      'SubLayer',
      ({ arena }) => {
        const { address, struct } = arena.struct(layout.FWPM_SUBLAYER_ENUM_TEMPLATE0);
        struct.setBigint('providerKey', arena.guid(template.providerKey));
        return address;
      },
      this.#entry('sublayer', parse.parseSubLayer, standInForSubLayer),
    );
  }

  calloutAdd(callout: Omit<Callout, 'calloutId'>): Promise<number> {
    return this.#change(async context => {
      const id = context.arena.struct(CALLOUT_ID);
      await this.#session.check('FwpmCalloutAdd0', compose.composeCallout(context, callout), 0n, id.address);
      return id.struct.number('value');
    });
  }

  calloutDeleteByKey(key: Guid): Promise<void> {
    return this.#deleteByKey('Callout', key);
  }

  calloutGetByKey(key: Guid): Promise<Callout> {
    return this.#session.getByKey('Callout', key, parse.parseCallout, FWP_E.FWP_E_CALLOUT_NOT_FOUND);
  }

  /** The engine's own template needs a layer; without one all are asked for and picked from here. */
  async calloutEnum(template: { readonly providerKey?: Guid; readonly layerKey?: Guid } = {}): Promise<readonly Callout[]> {
    const { providerKey, layerKey } = template;
    const all = await this.#session.enumerate(
      'Callout',
      ({ arena }) => {
        if (!layerKey) return 0n;
        const { address, struct } = arena.struct(layout.FWPM_CALLOUT_ENUM_TEMPLATE0);
        struct.setBigint('providerKey', arena.guid(providerKey));
        struct.setGuid('layerKey', layerKey);
        return address;
      },
      this.#entry('callout', parse.parseCallout),
    );
    return providerKey ? all.filter(callout => callout.providerKey === providerKey) : all;
  }

  #parseFilter = (address: Pointer): Filter => parse.parseFilter(address, this.#session.security);

  filterAdd(filter: FilterInput): Promise<Filter> {
    return this.#change(async context => {
      const id = context.arena.struct(LUID);
      await this.#session.check('FwpmFilterAdd0', compose.composeFilter(context, filter), 0n, id.address);
      const filterId = id.struct.bigint('value');
      try {
        return await this.#session.getFilterById(context.arena, filterId, this.#parseFilter, FWP_E.FWP_E_FILTER_NOT_FOUND);
      } catch (error) {
        // A call that fails changes nothing; when this fails too, or another session was faster, the first error is what counts.
        await this.#session.check('FwpmFilterDeleteById0', filterId).catch(() => undefined);
        throw error;
      }
    });
  }

  filterDeleteByKey(key: Guid): Promise<void> {
    return this.#deleteByKey('Filter', key);
  }

  filterDeleteById(id: bigint): Promise<void> {
    return this.#turns.join(() => this.#session.simple('FwpmFilterDeleteById0', id));
  }

  filterGetByKey(key: Guid): Promise<Filter> {
    return this.#session.getByKey('Filter', key, this.#parseFilter, FWP_E.FWP_E_FILTER_NOT_FOUND);
  }

  filterGetById(id: bigint): Promise<Filter> {
    return this.#session.withArena(({ arena }) =>
      this.#session.getFilterById(arena, id, this.#parseFilter, FWP_E.FWP_E_FILTER_NOT_FOUND),
    );
  }

  /** Without the filters that cannot be read; `filterList` tells of those too. */
  async filterEnum(template?: FilterEnumTemplate): Promise<readonly Filter[]> {
    return (await this.filterList(template)).filters;
  }

  /** What `filterEnum` gives, and stand-ins for the filters that cannot be read. */
  async filterList(template?: FilterEnumTemplate): Promise<FilterListing> {
    const unreadable: UnreadableFilter[] = [];
    const filters = await this.#session.enumerate(
      'Filter',
      context => (template ? compose.composeFilterTemplate(context, template) : 0n),
      this.#entry('filter', this.#parseFilter, (address, what) => {
        unreadable.push({ ...what, standIn: standInForFilter(address, this.#session.security) });
        return undefined;
      }),
    );
    return { filters, unreadable };
  }

  layerGetByKey(key: Guid): Promise<Layer> {
    return this.#session.getByKey('Layer', key, parse.parseLayer, FWP_E.FWP_E_LAYER_NOT_FOUND);
  }

  layerEnum(): Promise<readonly Layer[]> {
    return this.#session.enumerate('Layer', () => 0n, parse.parseLayer);
  }

  sessionEnum(): Promise<readonly Session[]> {
    return this.#session.enumerate('Session', () => 0n, parse.parseSession);
  }

  /** @param onError told what could not be read (the listener gets NULL_GUID for it) and what the listener threw; default: nobody is */
  subscribeChanges(listener: (change: ObjectChange) => void, onError?: (error: Error) => void): Promise<() => Promise<void>> {
    return subscribeAllChanges(this.#session, listener, onError);
  }

  /**
   * Reports what the kernel dropped and, when asked, allowed. Switches collection on by engine options of the whole machine (hence not
   * possible in a dynamic session or a transaction): what another has switched on stays on, and the function that ends the subscription puts
   * back what this one changed, unless somebody changed it since. After a crash the options stay as they are, restarts included.
   */
  netEvents(listener: (event: NetEvent) => void, options: NetEventOptions = {}): Promise<() => Promise<void>> {
    return netEvents(this.#session, listener, options);
  }

  /** What the engine still keeps of them (some hundred), oldest first. @throws WfpError FWP_E_NET_EVENTS_DISABLED while nothing is collected */
  recentNetEvents(): Promise<readonly NetEvent[]> {
    return recentNetEvents(this.#session);
  }

  /** Ends subscriptions, an open transaction and dynamic objects with the session. */
  close(): Promise<void> {
    return this.#session.close();
  }
}

/**
 * Opens a session with the Base Filtering Engine (FwpmEngineOpen0). Loads fwpuclnt.dll on first use.
 * @throws WfpError when BFE is stopped or the caller has no rights; Error on a system that is not Windows
 */
export async function openWindowsEngine(options: WindowsSessionOptions = {}): Promise<WindowsFilterEngine> {
  const display = options.displayData ?? { name: 'Sallyport' };
  return new WindowsFilterEngine(await WfpSession.open(fwpuclnt(), { ...options, displayData: display }), options);
}
