import type { Guid } from './guid.ts';
import type {
  Callout,
  Filter,
  FilterCondition,
  FilterInput,
  Layer,
  Provider,
  ProviderContext,
  Session,
  SubLayer,
} from './objects.ts';

/** FWPM_FILTER_ENUM_TEMPLATE0. Defaults: enumType OVERLAPPING, actionMask 0xFFFFFFFF (ignore), no disabled and no boot-time filters. */
export interface FilterEnumTemplate {
  readonly providerKey?: Guid;
  readonly layerKey: Guid;
  readonly enumType?: 'FWP_FILTER_ENUM_FULLY_CONTAINED' | 'FWP_FILTER_ENUM_OVERLAPPING';
  /** BEST_TERMINATING_MATCH 1, SORTED 2, BOOTTIME_ONLY 4, INCLUDE_BOOTTIME 8, INCLUDE_DISABLED 0x10. */
  readonly flags?: number;
  readonly filterCondition?: readonly FilterCondition[];
  readonly actionMask?: number;
  readonly calloutKey?: Guid;
}

/** A committed change of an object, as FwpmFilterSubscribeChanges0 and its siblings tell it. */
export interface ObjectChange {
  readonly object: 'filter' | 'provider' | 'sublayer' | 'callout' | 'providerContext';
  readonly change: 'add' | 'delete';
  /** NULL_GUID: something of this kind changed, what it is could not be read. */
  readonly key: Guid;
  /** LUID of a filter or callout. */
  readonly id?: bigint;
}

export interface SessionOptions {
  readonly sessionKey?: Guid;
  readonly displayData?: { readonly name: string; readonly description?: string };
  /** FWPM_SESSION_FLAG_DYNAMIC: everything added through this session disappears with it. */
  readonly dynamic?: boolean;
  /** Milliseconds to wait for the writer lock; 0 means the default, 15 s. */
  readonly txnWaitTimeoutInMSec?: number;
}

/**
 * One open session with a filtering engine (FwpmEngineOpen0 … FwpmEngineClose0). Methods carry the names of the Fwpm* functions without
 * prefix and suffix; failures are thrown as WfpError. Every call may take an RPC on Windows, so all are asynchronous.
 * Two implementations pass the same contract tests: the embedded engine and the BFE through koffi.
 * Source: https://learn.microsoft.com/windows/win32/fwp/fwp-functions
 */
export interface FilterEngine {
  readonly sessionKey: Guid;

  /**
   * Runs `work` in one explicit transaction: commits when it returns, aborts when it throws. Calls on one session run one after the other, in
   * the order in which they were made; one from inside `work` fails with FWP_E_TXN_IN_PROGRESS, and so does one while a transaction that
   * `transactionBegin` began is open. A session has one transaction: every other call that is made on it meanwhile belongs to it.
   */
  transaction<T>(work: () => T | Promise<T>, options?: { readonly readOnly?: boolean }): Promise<T>;
  transactionBegin(options?: { readonly readOnly?: boolean }): Promise<void>;
  transactionCommit(): Promise<void>;
  transactionAbort(): Promise<void>;

  providerAdd(provider: Provider): Promise<void>;
  providerDeleteByKey(key: Guid): Promise<void>;
  providerGetByKey(key: Guid): Promise<Provider>;
  providerEnum(): Promise<readonly Provider[]>;

  providerContextAdd(context: Omit<ProviderContext, 'providerContextId'>): Promise<bigint>;
  providerContextDeleteByKey(key: Guid): Promise<void>;
  providerContextGetByKey(key: Guid): Promise<ProviderContext>;
  providerContextEnum(template?: { readonly providerKey?: Guid }): Promise<readonly ProviderContext[]>;

  subLayerAdd(subLayer: SubLayer): Promise<void>;
  subLayerDeleteByKey(key: Guid): Promise<void>;
  subLayerGetByKey(key: Guid): Promise<SubLayer>;
  subLayerEnum(template?: { readonly providerKey?: Guid }): Promise<readonly SubLayer[]>;

  /** Returns the calloutId. */
  calloutAdd(callout: Omit<Callout, 'calloutId'>): Promise<number>;
  calloutDeleteByKey(key: Guid): Promise<void>;
  calloutGetByKey(key: Guid): Promise<Callout>;
  calloutEnum(template?: { readonly providerKey?: Guid; readonly layerKey?: Guid }): Promise<readonly Callout[]>;

  /** Returns the filter as the engine keeps it, with filterKey, filterId and effectiveWeight. */
  filterAdd(filter: FilterInput): Promise<Filter>;
  filterDeleteByKey(key: Guid): Promise<void>;
  filterDeleteById(id: bigint): Promise<void>;
  filterGetByKey(key: Guid): Promise<Filter>;
  filterGetById(id: bigint): Promise<Filter>;
  filterEnum(template?: FilterEnumTemplate): Promise<readonly Filter[]>;

  layerGetByKey(key: Guid): Promise<Layer>;
  layerEnum(): Promise<readonly Layer[]>;
  sessionEnum(): Promise<readonly Session[]>;

  /** Tells committed changes of other sessions, asynchronously and without promise of delivery. Returns the unsubscribe function. */
  subscribeChanges(listener: (change: ObjectChange) => void): Promise<() => Promise<void>>;

  /** Ends the session: aborts an open transaction, deletes its dynamic objects. */
  close(): Promise<void>;
}
