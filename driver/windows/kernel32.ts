import { join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';

type NativeFunction = ReturnType<LibraryHandle['func']>;

/** What the device client calls of kernel32.dll; one letter per parameter: p pointer or handle, u DWORD. */
const SIGNATURES = {
  CreateFileW: ['p', 'puupuup'],
  CreateEventW: ['p', 'puup'],
  SetEvent: ['u', 'p'],
  ResetEvent: ['u', 'p'],
  CloseHandle: ['u', 'p'],
  DeviceIoControl: ['u', 'pupupupp'],
  CancelIoEx: ['u', 'pp'],
  WaitForMultipleObjects: ['u', 'upuu'],
  GetLastError: ['u', ''],
  QueryDosDeviceW: ['u', 'ppu'],
  GetLogicalDrives: ['u', ''],
  LocalFree: ['p', 'p'],
} as const;
const TYPES = { p: 'void *', u: 'uint32_t' } as const;

export type Kernel32 = { readonly [name in keyof typeof SIGNATURES]: NativeFunction };

let loaded: Kernel32 | undefined;

/** Where Windows keeps its libraries; full paths, so that no library from beside the program is taken. */
export const system32 = (): string => join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32');

export function declare(library: LibraryHandle, name: string, result: 'p' | 'u', parameters: string): NativeFunction {
  return library.func(
    name,
    TYPES[result],
    Array.from(parameters, letter => TYPES[letter as 'p' | 'u']),
  );
}

/** @throws Error in one sentence on a system that is not Windows */
export function kernel32(): Kernel32 {
  if (loaded) return loaded;
  if (process.platform !== 'win32') throw new Error('the callout driver exists on Windows only; use `sallyport run` here');
  const library = koffi.load(join(system32(), 'kernel32.dll'));
  loaded = Object.fromEntries(
    Object.entries(SIGNATURES).map(([name, [result, parameters]]) => [name, declare(library, name, result, parameters)]),
  ) as Kernel32;
  return loaded;
}

/** A block of native memory that does not move, with its bytes; freed by `free`. */
export interface Block {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  free(): void;
}

/** Zeroed memory for calls that end later than they return: a Buffer could be moved or collected meanwhile. */
export function allocate(size: number): Block {
  const address = koffi.alloc('uint8_t', size) as bigint;
  const bytes = new Uint8Array(koffi.view(address, size)).fill(0);
  return { address, bytes, free: () => koffi.free(address) };
}

export const wide = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le');
