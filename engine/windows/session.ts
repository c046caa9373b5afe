import koffi from 'koffi';
import type { SessionOptions } from '../model/filter-engine.ts';
import { type Guid, newGuid } from '../model/guid.ts';
import { Arena } from './arena.ts';
import { composeSession } from './compose.ts';
import type { ComposeContext } from './compose-value.ts';
import { guidToBytes, type Pointer, readBytes, Struct } from './memory.ts';
import { type Fwpuclnt, failure, type NativeName } from './native.ts';
import { BrokenStructureError } from './parse-value.ts';
import type { SecurityCodec } from './security.ts';

const RPC_C_AUTHN_WINNT = 10;
/** Entries asked for at a time. */
const PAGE = 256;
const ERROR_INVALID_HANDLE = 6;

const POINTER = koffi.struct({ value: 'void *' });
const ENUM_RESULT = koffi.struct({ entries: 'void *', count: 'uint32_t' });

/** The kinds of object whose functions differ in the name only. */
export type Kind = 'Provider' | 'ProviderContext' | 'SubLayer' | 'Callout' | 'Filter' | 'Layer' | 'Session';

/**
 * One engine handle. Its calls run one after another: two RPCs on one handle would interleave in the session's single transaction.
 */
export class WfpSession {
  readonly sessionKey: Guid;
  readonly native: Fwpuclnt;
  /** Run once the engine has closed the session: nothing of it is called back any more. */
  readonly whenClosed = new Set<() => void>();
  #handle: Pointer;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(native: Fwpuclnt, handle: Pointer, sessionKey: Guid) {
    this.native = native;
    this.#handle = handle;
    this.sessionKey = sessionKey;
  }

  /** FwpmEngineOpen0. @throws WfpError: FWP_E_ALREADY_EXISTS for a key in use; 1753 or 1722 when BFE does not run; 5 without rights */
  static async open(native: Fwpuclnt, options: SessionOptions): Promise<WfpSession> {
    const sessionKey = options.sessionKey ?? newGuid();
    const arena = new Arena();
    try {
      const session = composeSession({ arena, security: native.security }, { ...options, sessionKey });
      const out = arena.struct(POINTER);
      const code = await native.call('FwpmEngineOpen0', 0n, RPC_C_AUTHN_WINNT, 0n, session, out.address);
      if (code !== 0) throw failure('FwpmEngineOpen0', code);
      return new WfpSession(native, out.struct.bigint('value'), sessionKey);
    } finally {
      arena.dispose();
    }
  }

  get security(): SecurityCodec {
    return this.native.security;
  }

  /** Runs `work` with memory of its own after all earlier calls of this session; the memory dies with it. */
  withArena<T>(work: (context: ComposeContext) => Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      const arena = new Arena();
      try {
        return await work({ arena, security: this.security });
      } finally {
        arena.dispose();
      }
    };
    const result = this.#last.then(run, run);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** One call with the engine handle in front, inside `withArena`. @throws WfpError */
  async check(name: NativeName, ...args: readonly (Pointer | number)[]): Promise<void> {
    if (this.#handle === 0n) throw failure(name, ERROR_INVALID_HANDLE);
    const code = await this.native.call(name, this.#handle, ...args);
    if (code !== 0) throw failure(name, code);
  }

  /** A call that takes numbers only. */
  simple(name: NativeName, ...args: readonly (Pointer | number)[]): Promise<void> {
    return this.withArena(() => this.check(name, ...args));
  }

  /** Fwpm*DeleteByKey0. */
  deleteByKey(kind: Exclude<Kind, 'Layer' | 'Session'>, key: Guid): Promise<void> {
    return this.withArena(({ arena }) => this.check(`Fwpm${kind}DeleteByKey0`, arena.bytes(guidToBytes(key))));
  }

  /** Calls a function whose last parameter receives an object, reads the object and frees it. */
  async #receive<T>(
    arena: Arena,
    name: NativeName,
    before: Pointer,
    parse: (address: Pointer) => T,
    missing: number,
  ): Promise<T> {
    const out = arena.struct(POINTER);
    await this.check(name, before, out.address);
    const address = out.struct.bigint('value');
    // FwpmFilterGetById0 was seen to succeed with NULL.
    if (address === 0n) throw failure(name, missing);
    try {
      return parse(address);
    } finally {
      this.native.free(out.address);
    }
  }

  /** Fwpm*GetByKey0. `missing`: the code to report should the engine return nothing. */
  getByKey<T>(kind: Exclude<Kind, 'Session'>, key: Guid, parse: (address: Pointer) => T, missing: number): Promise<T> {
    return this.withArena(({ arena }) =>
      this.#receive(arena, `Fwpm${kind}GetByKey0`, arena.bytes(guidToBytes(key)), parse, missing),
    );
  }

  /** FwpmFilterGetById0; also inside another call's turn. */
  getFilterById<T>(arena: Arena, id: bigint, parse: (address: Pointer) => T, missing: number): Promise<T> {
    return this.#receive(arena, 'FwpmFilterGetById0', id, parse, missing);
  }

  /**
   * All entries of a snapshot: handle, pages, free each page, destroy the handle whatever happens. An entry for which `parse` gives undefined
   * is left out.
   * @throws WfpError; BrokenStructureError for a page that is none: more entries than were asked for, or one at NULL
   */
  enumerate<T>(
    kind: Kind | 'NetEvent',
    template: (context: ComposeContext) => Pointer,
    parse: (address: Pointer) => T | undefined,
    enumName: NativeName = `Fwpm${kind as Kind}Enum0`,
  ): Promise<T[]> {
    return this.withArena(async context => {
      const out = context.arena.struct(POINTER);
      await this.check(`Fwpm${kind}CreateEnumHandle0`, template(context), out.address);
      const handle = out.struct.bigint('value');
      const destroy = () => this.check(`Fwpm${kind}DestroyEnumHandle0`, handle);
      let all: T[];
      try {
        all = await this.#pages(context.arena, enumName, handle, parse);
      } catch (error) {
        await destroy().catch(() => undefined);
        throw error;
      }
      await destroy();
      return all;
    });
  }

  async #pages<T>(arena: Arena, name: NativeName, handle: Pointer, parse: (address: Pointer) => T | undefined): Promise<T[]> {
    const all: T[] = [];
    const page = arena.struct(ENUM_RESULT);
    for (;;) {
      page.struct.setBigint('entries', 0n);
      page.struct.setNumber('count', 0);
      await this.check(name, handle, PAGE, page.address, page.address + 8n);
      const count = page.struct.number('count');
      try {
        for (const entry of pointers(name, page.struct.bigint('entries'), count)) {
          const parsed = parse(entry);
          if (parsed !== undefined) all.push(parsed);
        }
      } finally {
        if (page.struct.bigint('entries') !== 0n) this.native.free(page.address);
      }
      if (count < PAGE) return all;
    }
  }

  /** FwpmEngineClose0, once. It returns after the last running callback, so it must not block the loop that runs them. */
  async close(): Promise<void> {
    await this.withArena(async () => {
      if (this.#handle === 0n) return;
      const handle = this.#handle;
      this.#handle = 0n;
      const code = await this.native.call('FwpmEngineClose0', handle);
      for (const release of this.whenClosed) release();
      this.whenClosed.clear();
      if (code !== 0) throw failure('FwpmEngineClose0', code);
    });
  }
}

function pointers(name: NativeName, address: Pointer, count: number): Pointer[] {
  if (count === 0) return [];
  if (count > PAGE || address === 0n) {
    const where = address === 0n ? ' at NULL' : `, more than the ${PAGE} that it was asked for`;
    throw new BrokenStructureError(`${count} entries of ${name}${where}`);
  }
  const list = new Struct(POINTER, readBytes(address, count * POINTER.size));
  const entries = Array.from({ length: count }, (_, index) => list.element(index).bigint('value'));
  if (entries.includes(0n)) throw new BrokenStructureError(`an entry of ${name} at NULL`);
  return entries;
}
