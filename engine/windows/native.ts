import { join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { WfpError } from '../model/error.ts';
import type { Pointer } from './memory.ts';
import { type SecurityCodec, windowsSecurityCodec } from './security.ts';

/**
 * The functions of fwpuclnt.dll as declarations only: one letter per parameter, p = pointer or handle, u = UINT32, q = UINT64.
 * Every one but FwpmFreeMemory0 returns a DWORD, 0 for success. https://learn.microsoft.com/windows/win32/fwp/fwp-functions
 */
const SIGNATURES = {
  FwpmEngineOpen0: 'puppp',
  FwpmEngineClose0: 'p',
  FwpmEngineGetOption0: 'pup',
  FwpmEngineSetOption0: 'pup',
  FwpmTransactionBegin0: 'pu',
  FwpmTransactionCommit0: 'p',
  FwpmTransactionAbort0: 'p',
  FwpmProviderAdd0: 'ppp',
  FwpmProviderDeleteByKey0: 'pp',
  FwpmProviderGetByKey0: 'ppp',
  FwpmProviderCreateEnumHandle0: 'ppp',
  FwpmProviderEnum0: 'ppupp',
  FwpmProviderDestroyEnumHandle0: 'pp',
  FwpmProviderSubscribeChanges0: 'ppppp',
  FwpmProviderUnsubscribeChanges0: 'pp',
  FwpmProviderContextAdd0: 'pppp',
  FwpmProviderContextDeleteByKey0: 'pp',
  FwpmProviderContextGetByKey0: 'ppp',
  FwpmProviderContextCreateEnumHandle0: 'ppp',
  FwpmProviderContextEnum0: 'ppupp',
  FwpmProviderContextDestroyEnumHandle0: 'pp',
  FwpmProviderContextSubscribeChanges0: 'ppppp',
  FwpmProviderContextUnsubscribeChanges0: 'pp',
  FwpmSubLayerAdd0: 'ppp',
  FwpmSubLayerDeleteByKey0: 'pp',
  FwpmSubLayerGetByKey0: 'ppp',
  FwpmSubLayerCreateEnumHandle0: 'ppp',
  FwpmSubLayerEnum0: 'ppupp',
  FwpmSubLayerDestroyEnumHandle0: 'pp',
  FwpmSubLayerSubscribeChanges0: 'ppppp',
  FwpmSubLayerUnsubscribeChanges0: 'pp',
  FwpmCalloutAdd0: 'pppp',
  FwpmCalloutDeleteByKey0: 'pp',
  FwpmCalloutGetByKey0: 'ppp',
  FwpmCalloutCreateEnumHandle0: 'ppp',
  FwpmCalloutEnum0: 'ppupp',
  FwpmCalloutDestroyEnumHandle0: 'pp',
  FwpmCalloutSubscribeChanges0: 'ppppp',
  FwpmCalloutUnsubscribeChanges0: 'pp',
  FwpmFilterAdd0: 'pppp',
  FwpmFilterDeleteByKey0: 'pp',
  FwpmFilterDeleteById0: 'pq',
  FwpmFilterGetByKey0: 'ppp',
  FwpmFilterGetById0: 'pqp',
  FwpmFilterCreateEnumHandle0: 'ppp',
  FwpmFilterEnum0: 'ppupp',
  FwpmFilterDestroyEnumHandle0: 'pp',
  FwpmFilterSubscribeChanges0: 'ppppp',
  FwpmFilterUnsubscribeChanges0: 'pp',
  FwpmLayerGetByKey0: 'ppp',
  FwpmLayerCreateEnumHandle0: 'ppp',
  FwpmLayerEnum0: 'ppupp',
  FwpmLayerDestroyEnumHandle0: 'pp',
  FwpmSessionCreateEnumHandle0: 'ppp',
  FwpmSessionEnum0: 'ppupp',
  FwpmSessionDestroyEnumHandle0: 'pp',
  FwpmNetEventCreateEnumHandle0: 'ppp',
  FwpmNetEventEnum1: 'ppupp',
  FwpmNetEventEnum2: 'ppupp',
  FwpmNetEventEnum3: 'ppupp',
  FwpmNetEventEnum4: 'ppupp',
  FwpmNetEventEnum5: 'ppupp',
  FwpmNetEventDestroyEnumHandle0: 'pp',
  FwpmNetEventSubscribe0: 'ppppp',
  FwpmNetEventSubscribe1: 'ppppp',
  FwpmNetEventSubscribe2: 'ppppp',
  FwpmNetEventSubscribe3: 'ppppp',
  FwpmNetEventSubscribe4: 'ppppp',
  FwpmNetEventUnsubscribe0: 'pp',
  FwpmGetAppIdFromFileName0: 'pp',
} as const;

export type NativeName = keyof typeof SIGNATURES;
const TYPES = { p: 'void *', u: 'uint32_t', q: 'uint64_t' } as const;

/** Win32 codes a person can do something about. */
const ADVICE: { readonly [code: number]: string } = {
  5: 'access denied; start Sallyport as administrator',
  1062: 'the service is not started; type: sc start BFE',
  1722: 'the Base Filtering Engine does not answer; type: sc start BFE',
  1753: 'the Base Filtering Engine is not running yet; type: sc start BFE',
  1764: 'the Base Filtering Engine does not support the request; is this a stand-in of another system?',
};

export const ERROR_PROC_NOT_FOUND = 127;

/** A failed call as WfpError, with advice where a person can do something. */
export const failure = (call: string, code: number): WfpError => new WfpError(call, code, ADVICE[code]);

type KoffiFunction = ReturnType<LibraryHandle['func']>;

/** fwpuclnt.dll, loaded, with the two libraries that read security descriptors. */
export class Fwpuclnt {
  readonly security: SecurityCodec;
  readonly #library: LibraryHandle;
  readonly #free: KoffiFunction;
  readonly #functions = new Map<NativeName, KoffiFunction | undefined>();

  constructor(system32: string) {
    this.#library = koffi.load(join(system32, 'fwpuclnt.dll'));
    this.#free = this.#library.func('FwpmFreeMemory0', 'void', ['void *']);
    this.security = windowsSecurityCodec(koffi.load(join(system32, 'advapi32.dll')), koffi.load(join(system32, 'kernel32.dll')));
  }

  #function(name: NativeName): KoffiFunction | undefined {
    if (!this.#functions.has(name)) {
      const parameters = Array.from(SIGNATURES[name], letter => TYPES[letter as keyof typeof TYPES]);
      let loaded: KoffiFunction | undefined;
      try {
        loaded = this.#library.func(name, 'uint32_t', parameters);
      } catch {
        loaded = undefined;
      }
      this.#functions.set(name, loaded);
    }
    return this.#functions.get(name);
  }

  /** True when this Windows exports the function: later versions of a call are tried first. */
  has(name: NativeName): boolean {
    return this.#function(name) !== undefined;
  }

  /**
   * Calls on a worker thread, for it is an RPC that may wait. Resolves with the DWORD.
   * The memory behind pointers must live until then.
   */
  call(name: NativeName, ...args: readonly (Pointer | number)[]): Promise<number> {
    const native = this.#function(name);
    if (!native) return Promise.resolve(ERROR_PROC_NOT_FOUND);
    return new Promise((resolve, reject) => {
      native.async(...args, (error: unknown, code: number) => (error ? reject(error) : resolve(code)));
    });
  }

  /**
   * FwpmFreeMemory0: frees what the engine returned, once, by the address of the pointer. No RPC.
   * https://learn.microsoft.com/windows/win32/api/fwpmu/nf-fwpmu-fwpmfreememory0
   */
  free(addressOfPointer: Pointer): void {
    this.#free(addressOfPointer);
  }
}

let loaded: Fwpuclnt | undefined;

/**
 * Loads the library from the system folder (never from beside the program, where anyone may have put one), once.
 * @throws Error in one sentence on a system without it
 */
export function fwpuclnt(): Fwpuclnt {
  if (loaded) return loaded;
  if (process.platform !== 'win32')
    throw new Error('the Base Filtering Engine exists on Windows only; use the embedded engine here');
  loaded = new Fwpuclnt(join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32'));
  return loaded;
}
