import koffi from 'koffi';
import * as layout from './layouts.ts';
import { type Pointer, Struct } from './memory.ts';
import type { Fwpuclnt, NativeName } from './native.ts';

const callbackType = koffi.proto('void', ['void *', 'void *']);
/** Larger than everything that is told by a callback here. */
const NOTICE_BYTES = 1024;

function bytesAt(address: Pointer, size: number): Uint8Array {
  return new Uint8Array(koffi.view(address, size));
}
function setPointer(address: Pointer, value: Pointer): void {
  new DataView(koffi.view(address, 8)).setBigUint64(0, value, true);
}

/** Stands for fwpuclnt.dll in unit tests on any system: real memory and real callbacks, answers as a test wants them. */
export class ScriptedNative {
  readonly calls: NativeName[] = [];
  readonly options = new Map<number, number>();
  /** Calls that fail, with their code. */
  readonly failing = new Map<NativeName, number>();
  /** Addresses of what `Fwpm*Enum0` gives. */
  entries: Pointer[] = [];
  /** Addresses of what `FwpmSubLayerEnum0` gives, which is asked for beside filters. */
  subLayers: Pointer[] = [];
  /** What every page of an enumeration claims to be, whatever there is. */
  page: { readonly entries: Pointer; readonly count: number } | undefined;
  readonly #callbacks = new Map<NativeName, unknown>();
  #enumerated = false;

  asNative(): Fwpuclnt {
    return this as unknown as Fwpuclnt;
  }

  /** Reversible and unmistakable. */
  readonly security = {
    toBytes: (sddl: string) => Uint8Array.from(Buffer.from(sddl)),
    toSddl: (bytes: Uint8Array) => Buffer.from(bytes).toString(),
  };

  has(_name: NativeName): boolean {
    return true;
  }

  free(_addressOfPointer: Pointer): void {}

  /** Memory that stays: nobody knows when it was read for the last time. */
  alloc(size: number): { readonly address: Pointer; readonly bytes: Uint8Array } {
    const address = koffi.alloc('uint8_t', size) as Pointer;
    return { address, bytes: bytesAt(address, size).fill(0) };
  }

  async call(name: NativeName, ...args: readonly unknown[]): Promise<number> {
    this.calls.push(name);
    const failure = this.failing.get(name);
    if (failure !== undefined) return failure;
    if (name === 'FwpmEngineOpen0') setPointer(args[4] as Pointer, 1n);
    else if (name.includes('Unsubscribe')) return 0;
    else if (name.includes('Subscribe')) {
      this.#callbacks.set(name, args[2]);
      setPointer(args[4] as Pointer, 2n);
    } else if (name === 'FwpmFilterAdd0') {
      setPointer(args[3] as Pointer, 4n);
    } else if (name === 'FwpmEngineSetOption0') {
      const value = new Struct(layout.FWP_VALUE0, bytesAt(args[2] as Pointer, layout.FWP_VALUE0.size));
      this.options.set(args[1] as number, value.number('value.uint32'));
    } else if (name === 'FwpmEngineGetOption0') {
      const { address, bytes } = this.alloc(layout.FWP_VALUE0.size);
      const value = new Struct(layout.FWP_VALUE0, bytes);
      value.setNumber('type', 3);
      value.setNumber('value.uint32', this.options.get(args[1] as number) ?? 0);
      setPointer(args[2] as Pointer, address);
    } else if (name.includes('CreateEnumHandle')) {
      this.#enumerated = false;
      setPointer(args[2] as Pointer, 3n);
    } else if (/^Fwpm[A-Za-z]+Enum\d$/.test(name)) {
      if (this.page) {
        setPointer(args[3] as Pointer, this.page.entries);
        new DataView(koffi.view(args[4] as Pointer, 4)).setUint32(0, this.page.count, true);
        return 0;
      }
      const all = name.startsWith('FwpmSubLayer') ? this.subLayers : this.entries;
      const given = this.#enumerated ? [] : all;
      this.#enumerated = true;
      const list = this.alloc(Math.max(given.length, 1) * 8);
      given.forEach((entry, index) => {
        setPointer(list.address + BigInt(index * 8), entry);
      });
      setPointer(args[3] as Pointer, list.address);
      new DataView(koffi.view(args[4] as Pointer, 4)).setUint32(0, given.length, true);
    }
    return 0;
  }

  /** What calls back as the engine would, with a structure that starts with zeros and what `fill` wrote. */
  callbackOf(name: NativeName, fill: (notice: Uint8Array) => void = () => {}): () => void {
    const callback = this.#callbacks.get(name);
    if (callback === undefined) throw new Error(`nobody called ${name}`);
    const { address, bytes } = this.alloc(NOTICE_BYTES);
    fill(bytes);
    return () => koffi.call(callback as Pointer, callbackType, 0n, address);
  }
}
