import { join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import type { ProcessIdentity } from '../../engine/model/attempt.ts';
import { AccountNames } from './account-names.ts';
import { splitCommandLine } from './command-line.ts';
import { allocate, declare, system32 } from './kernel32.ts';
import { at, PROCESS_BASIC_INFORMATION, SID_AND_ATTRIBUTES, TOKEN_USER, UNICODE_STRING } from './layouts.ts';

const PROCESS_QUERY_LIMITED_INFORMATION = 0x1000;
const TOKEN_QUERY = 8;
/** TokenUser of TOKEN_INFORMATION_CLASS. */
const USER_OF_TOKEN = 1;
const BASIC_INFORMATION = 0;
/** ProcessCommandLineInformation of NtQueryInformationProcess, Windows 8.1 and later. */
const COMMAND_LINE_INFORMATION = 60;
const ERROR_INVALID_PARAMETER = 87;
const FILETIME_EPOCH_MS = 11_644_473_600_000;

type Native = ReturnType<LibraryHandle['func']>;
type Functions = Readonly<Record<keyof typeof SIGNATURES, Native>>;

const SIGNATURES = {
  OpenProcess: ['kernel32', 'p', 'uuu'],
  CloseHandle: ['kernel32', 'u', 'p'],
  QueryFullProcessImageNameW: ['kernel32', 'u', 'pupp'],
  GetLastError: ['kernel32', 'u', ''],
  GetProcessTimes: ['kernel32', 'u', 'ppppp'],
  NtQueryInformationProcess: ['ntdll', 'u', 'pupup'],
  OpenProcessToken: ['advapi32', 'u', 'pup'],
  GetTokenInformation: ['advapi32', 'u', 'pupup'],
  LookupAccountSidW: ['advapi32', 'u', 'ppppppp'],
} as const;

let loaded: Functions | undefined;

function functions(): Functions {
  if (loaded) return loaded;
  const libraries = new Map<string, LibraryHandle>();
  const library = (name: string): LibraryHandle => {
    const known = libraries.get(name) ?? koffi.load(join(system32(), `${name}.dll`));
    libraries.set(name, known);
    return known;
  };
  loaded = Object.fromEntries(
    Object.entries(SIGNATURES).map(([name, [from, result, parameters]]) => [
      name,
      declare(library(from), name, result, parameters),
    ]),
  ) as Functions;
  return loaded;
}

/** What Windows says of one process. Everything that it does not say (a protected process, one that is gone) is absent. */
export interface ProcessFacts extends ProcessIdentity {
  readonly parentPid?: number;
}

/** Text of a binary SID; undefined for bytes that are none. */
export function sidText(bytes: Uint8Array): string | undefined {
  if (bytes.length < 8 || bytes[0] !== 1 || bytes[1]! > 15 || bytes.length < 8 + bytes[1]! * 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const authority = view.getUint16(2) * 2 ** 32 + view.getUint32(4);
  const subs = Array.from({ length: bytes[1]! }, (_, index) => view.getUint32(8 + index * 4, true));
  return ['S-1', authority < 2 ** 32 ? authority : `0x${authority.toString(16).padStart(12, '0')}`, ...subs].join('-');
}

function imagePath(native: Functions, handle: bigint): string | undefined {
  const text = Buffer.alloc(65536);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length / 2);
  if (!native.QueryFullProcessImageNameW(handle, 0, text, length)) return undefined;
  return text.toString('utf16le', 0, length.readUInt32LE() * 2);
}

function startTime(native: Pick<Functions, 'GetProcessTimes'>, handle: bigint): number | undefined {
  const times = Buffer.alloc(32);
  const [creation, exit, kernel, user] = [0, 8, 16, 24].map(start => times.subarray(start, start + 8));
  if (!native.GetProcessTimes(handle, creation, exit, kernel, user)) return undefined;
  return Number(creation!.readBigUInt64LE() / 10_000n) - FILETIME_EPOCH_MS;
}

function parentPid(native: Functions, handle: bigint): number | undefined {
  const basic = Buffer.alloc(PROCESS_BASIC_INFORMATION.size);
  if (native.NtQueryInformationProcess(handle, BASIC_INFORMATION, basic, basic.length, null) !== 0) return undefined;
  const pid = Number(basic.readBigUInt64LE(at(PROCESS_BASIC_INFORMATION, 'InheritedFromUniqueProcessId')));
  return pid === 0 ? undefined : pid;
}

/** UNICODE_STRING at the start of the block, its text behind it in the same block. */
function commandLine(native: Functions, handle: bigint): readonly string[] | undefined {
  const block = allocate(66_000);
  try {
    if (native.NtQueryInformationProcess(handle, COMMAND_LINE_INFORMATION, block.address, block.bytes.length, null) !== 0)
      return undefined;
    const view = new DataView(block.bytes.buffer, block.bytes.byteOffset, block.bytes.byteLength);
    const length = view.getUint16(at(UNICODE_STRING, 'Length'), true);
    const start = Number(view.getBigUint64(at(UNICODE_STRING, 'Buffer'), true) - block.address);
    if (length === 0 || start < UNICODE_STRING.size || start + length > block.bytes.length) return undefined;
    return splitCommandLine(Buffer.from(block.bytes.slice(start, start + length)).toString('utf16le'));
  } finally {
    block.free();
  }
}

/** Characters for the name and for its domain; longer ones are not known to exist (DNLEN and UNLEN are 15 and 256). */
const NAME_LENGTH = 512;

/** LookupAccountSidW on a worker thread; its memory must not move while it runs. */
function lookUpAccount(sid: Uint8Array): Promise<string | undefined> {
  const block = allocate(80 + NAME_LENGTH * 4);
  const [sizes, name, domain] = [68n, 80n, 80n + BigInt(NAME_LENGTH * 2)];
  const view = new DataView(block.bytes.buffer, block.bytes.byteOffset, block.bytes.byteLength);
  block.bytes.set(sid.subarray(0, 68));
  view.setUint32(68, NAME_LENGTH, true);
  view.setUint32(72, NAME_LENGTH, true);
  const place = (offset: bigint) => block.address + offset;
  const text = (offset: bigint, length: number) =>
    Buffer.from(block.bytes.buffer, block.bytes.byteOffset + Number(offset), length * 2).toString('utf16le');
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const done = (error: unknown, found: number) => {
    if (error) reject(error);
    else if (!found) resolve(undefined);
    else {
      const parts = [text(domain, view.getUint32(72, true)), text(name, view.getUint32(68, true))];
      resolve(parts.filter(part => part !== '').join('\\'));
    }
  };
  functions().LookupAccountSidW.async(
    0n,
    place(0n),
    place(name),
    place(sizes),
    place(domain),
    place(sizes + 4n),
    place(sizes + 8n),
    done,
  );
  return promise.finally(() => block.free());
}

const accounts = new AccountNames(lookUpAccount);

function user(native: Functions, handle: bigint): { sid?: string; user?: string } {
  const token = Buffer.alloc(8);
  if (!native.OpenProcessToken(handle, TOKEN_QUERY, token)) return {};
  const block = allocate(512);
  try {
    if (!native.GetTokenInformation(token.readBigUInt64LE(), USER_OF_TOKEN, block.address, block.bytes.length, Buffer.alloc(4)))
      return {};
    const view = new DataView(block.bytes.buffer, block.bytes.byteOffset);
    const start = Number(view.getBigUint64(at(SID_AND_ATTRIBUTES, 'Sid'), true) - block.address);
    if (start < TOKEN_USER.size || start > block.bytes.length - 8) return {};
    const bytes = block.bytes.slice(start);
    const sid = sidText(bytes);
    if (!sid) return {};
    const name = accounts.of(bytes.slice(0, 8 + bytes[1]! * 4), sid);
    return name === undefined ? { sid } : { sid, user: name };
  } finally {
    block.free();
    native.CloseHandle(token.readBigUInt64LE());
  }
}

/** What `processStartTime` calls; a test puts its own here. */
type StartTimeCalls = Pick<Functions, 'OpenProcess' | 'GetLastError' | 'GetProcessTimes' | 'CloseHandle'>;

/**
 * When the process with this id began (milliseconds since the epoch), by two calls that never wait. `gone`: Windows says that there is no
 * process with this id. undefined: there may be one, but this user may not know (a protected process), or the id is none that can be asked
 * about. A process that has ended stays while somebody has it open, and is answered as if it ran.
 */
export function processStartTime(pid: number, native: StartTimeCalls = functions()): number | 'gone' | undefined {
  // 0 is the idle process, for which the answer would be the same as for none at all.
  if (!Number.isInteger(pid) || pid <= 0 || pid > 0xffffffff) return undefined;
  const opened = native.OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid);
  if (!opened) return native.GetLastError() === ERROR_INVALID_PARAMETER ? 'gone' : undefined;
  const handle = BigInt(opened);
  try {
    return startTime(native, handle);
  } finally {
    native.CloseHandle(handle);
  }
}

/** Reads everything at once; undefined when the process cannot be opened. The name of the user comes with a later reading, see AccountNames. */
export function processFacts(pid: number): ProcessFacts | undefined {
  const native = functions();
  const opened = native.OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid);
  if (!opened) return undefined;
  const handle = BigInt(opened);
  try {
    const path = imagePath(native, handle);
    const started = startTime(native, handle);
    const parent = parentPid(native, handle);
    const line = commandLine(native, handle);
    return {
      pid,
      ...(path !== undefined && { path }),
      ...(line && { commandLine: line }),
      ...(started !== undefined && { startTime: started }),
      ...(parent !== undefined && { parentPid: parent }),
      ...user(native, handle),
    };
  } finally {
    native.CloseHandle(handle);
  }
}
