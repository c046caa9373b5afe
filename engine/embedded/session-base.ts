import { WfpError } from '../model/error.ts';
import type { SessionOptions } from '../model/filter-engine.ts';
import { type Guid, NULL_GUID, newGuid } from '../model/guid.ts';
import { OBJECT_FLAG } from '../model/objects.ts';
import { Turns } from '../model/turns.ts';
import type { EngineCore, OpenTransaction } from './core.ts';
import { KINDS, type Kind, type ObjectOverlay, type ObjectView } from './object-table.ts';

const DEFAULT_WAIT = 15_000;
/** A transaction of user mode is ended by force when it is held longer. */
const LONGEST_HOLD = 3_600_000;
const INVALID_HANDLE = 6;

/** What a session is before it knows of objects: open or closed, with or without a transaction. */
export class SessionBase {
  readonly sessionKey: Guid;
  protected readonly core: EngineCore;
  protected readonly dynamic: boolean;
  /** Ends of this session's subscriptions. */
  protected readonly unsubscribe = new Set<() => void>();
  readonly #wait: number;
  readonly #turns = new Turns();
  #transaction: OpenTransaction | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #forcedAbort = false;
  #open = true;

  constructor(core: EngineCore, options: SessionOptions) {
    core.mustBeOpen('FwpmEngineOpen0');
    const asked = options.sessionKey;
    this.sessionKey = asked === undefined || asked === NULL_GUID ? newGuid() : asked;
    if (core.sessions.has(this.sessionKey)) throw new WfpError('FwpmEngineOpen0', 'FWP_E_ALREADY_EXISTS', this.sessionKey);
    this.core = core;
    this.dynamic = options.dynamic === true;
    this.#wait = options.txnWaitTimeoutInMSec || DEFAULT_WAIT;
    core.sessions.set(this.sessionKey, {
      sessionKey: this.sessionKey,
      displayData: { name: options.displayData?.name ?? '', ...options.displayData },
      flags: this.dynamic ? OBJECT_FLAG.SESSION_DYNAMIC : 0,
      txnWaitTimeoutInMSec: this.#wait,
      processId: process.pid,
      kernelMode: false,
    });
  }

  // Transactions

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
      if (this.#transaction !== undefined) await this.transactionAbort();
      throw error;
    }
    await this.transactionCommit();
    return result;
  }

  async transactionBegin(options: { readonly readOnly?: boolean } = {}): Promise<void> {
    const call = 'FwpmTransactionBegin0';
    this.mustBeOpen(call);
    if (this.#transaction !== undefined) throw new WfpError(call, 'FWP_E_TXN_IN_PROGRESS');
    this.#forcedAbort = false;
    const transaction = await this.core.begin(call, options.readOnly === true, this.#wait);
    // A second Begin, or Close, may have come while this one waited.
    if (this.#transaction !== undefined || !this.#open) {
      this.core.abort(transaction);
      throw new WfpError(call, this.#open ? 'FWP_E_TXN_IN_PROGRESS' : 'FWP_E_SESSION_ABORTED');
    }
    this.#transaction = transaction;
    this.#watchdog = setTimeout(() => {
      this.#end(this.core.abort.bind(this.core));
      this.#forcedAbort = true;
    }, LONGEST_HOLD).unref();
  }

  async transactionCommit(): Promise<void> {
    this.#mustHold('FwpmTransactionCommit0');
    this.#end(transaction => this.core.commit(transaction, this.sessionKey));
  }

  async transactionAbort(): Promise<void> {
    this.#mustHold('FwpmTransactionAbort0');
    this.#end(transaction => this.core.abort(transaction));
  }

  #mustHold(call: string): void {
    this.mustBeOpen(call);
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

  protected get inTransaction(): boolean {
    return this.#transaction !== undefined;
  }

  protected mustBeOpen(call: string): void {
    if (!this.#open) throw new WfpError(call, INVALID_HANDLE, 'the session is closed');
    this.core.mustBeOpen(call);
  }

  protected read<T>(call: string, work: (view: ObjectView) => T): T {
    this.mustBeOpen(call);
    this.#tellForcedAbort(call);
    return work(this.#transaction?.view ?? this.core.table);
  }

  /**
   * Runs a change in the open transaction, or in one of its own. A call that fails leaves an open transaction as it was; one from outside
   * of a whole transaction waits for its end.
   */
  protected write<T>(call: string, work: (view: ObjectOverlay) => T): Promise<T> {
    return this.#turns.join(() => this.#write(call, work));
  }

  async #write<T>(call: string, work: (view: ObjectOverlay) => T): Promise<T> {
    this.mustBeOpen(call);
    this.#tellForcedAbort(call);
    if (this.#transaction !== undefined) {
      if (this.#transaction.readOnly) throw new WfpError(call, 'FWP_E_INCOMPATIBLE_TXN');
      return work(this.#transaction.view);
    }
    const transaction = await this.core.begin(call, false, this.#wait);
    let result: T;
    try {
      this.mustBeOpen(call);
      result = work(transaction.view);
    } catch (error) {
      this.core.abort(transaction);
      throw error;
    }
    this.core.commit(transaction, this.sessionKey);
    return result;
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    if (this.#transaction !== undefined) this.#end(transaction => this.core.abort(transaction));
    for (const end of this.unsubscribe) end();
    this.#open = false;
    try {
      if (this.dynamic && !this.core.closed) await this.#deleteOwn();
    } finally {
      this.core.sessions.delete(this.sessionKey);
    }
  }

  /** The dynamic objects go in one transaction, what refers to others first. It waits as long as it must. */
  async #deleteOwn(): Promise<void> {
    const own = (kind: Kind) => Array.from(this.core.table.all(kind)).filter(record => record.sessionKey === this.sessionKey);
    if (!KINDS.some(kind => own(kind).length > 0)) return;
    const transaction = await this.core.begin('FwpmEngineClose0', false, Number.POSITIVE_INFINITY);
    for (const kind of [...KINDS].reverse()) for (const record of own(kind)) transaction.view.delete(record);
    this.core.commit(transaction, this.sessionKey);
  }
}
