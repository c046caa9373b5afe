import { join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import type { ProcessIdentity } from '../../engine/model/attempt.ts';
import { splitCommandLine } from './command-line.ts';
import { allocate, declare, system32 } from './kernel32.ts';

const PROCESS_QUERY_LIMITED_INFORMATION = 0x1000;
const TOKEN_QUERY = 8;
const TOKEN_USER = 1;
const BASIC_INFORMATION = 0;
/** ProcessCommandLineInformation of NtQueryInformationProcess, Windows 8.1 and later. */
const COMMAND_LINE_INFORMATION = 60;
const FILETIME_EPOCH_MS = 11_644_473_600_000;

type Native = ReturnType<LibraryHandle['func']>;
type Functions = Readonly<Record<keyof typeof SIGNATURES, Native>>;

const SIGNATURES = {
  OpenProcess: ['kernel32', 'p', 'uuu'],
  CloseHandle: ['kernel32', 'u', 'p'],
  QueryFullProcessImageNameW: ['kernel32', 'u', 'pupp'],
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

function startTime(native: Functions, handle: bigint): number | undefined {
  const times = Buffer.alloc(32);
  const [creation, exit, kernel, user] = [0, 8, 16, 24].map(at => times.subarray(at, at + 8));
  if (!native.GetProcessTimes(handle, creation, exit, kernel, user)) return undefined;
  return Number(creation!.readBigUInt64LE() / 10_000n) - FILETIME_EPOCH_MS;
}

function parentPid(native: Functions, handle: bigint): number | undefined {
  const basic = Buffer.alloc(48);
  if (native.NtQueryInformationProcess(handle, BASIC_INFORMATION, basic, basic.length, null) !== 0) return undefined;
  const pid = Number(basic.readBigUInt64LE(40));
  return pid === 0 ? undefined : pid;
}

/** UNICODE_STRING at the start of the block, its text behind it in the same block. */
function commandLine(native: Functions, handle: bigint): readonly string[] | undefined {
  const block = allocate(66_000);
  try {
    if (native.NtQueryInformationProcess(handle, COMMAND_LINE_INFORMATION, block.address, block.bytes.length, null) !== 0)
      return undefined;
    const view = new DataView(block.bytes.buffer, block.bytes.byteOffset, block.bytes.byteLength);
    const length = view.getUint16(0, true);
    const at = Number(view.getBigUint64(8, true) - block.address);
    if (length === 0 || at < 16 || at + length > block.bytes.length) return undefined;
    return splitCommandLine(Buffer.from(block.bytes.slice(at, at + length)).toString('utf16le'));
  } finally {
    block.free();
  }
}

const accounts = new Map<string, string | undefined>();

/** `DOMAIN\name`, asked once per SID. */
function accountName(native: Functions, sid: Uint8Array, text: string): string | undefined {
  if (accounts.has(text)) return accounts.get(text);
  const [name, domain] = [Buffer.alloc(512), Buffer.alloc(512)];
  const sizes = Buffer.alloc(12);
  sizes.writeUInt32LE(256, 0);
  sizes.writeUInt32LE(256, 4);
  const found = native.LookupAccountSidW(
    null,
    Buffer.from(sid),
    name,
    sizes.subarray(0, 4),
    domain,
    sizes.subarray(4, 8),
    sizes.subarray(8, 12),
  );
  const part = (buffer: Buffer, length: number) => buffer.toString('utf16le', 0, length * 2);
  const account = found
    ? [part(domain, sizes.readUInt32LE(4)), part(name, sizes.readUInt32LE(0))].filter(text => text !== '').join('\\')
    : undefined;
  if (accounts.size > 1000) accounts.clear();
  accounts.set(text, account);
  return account;
}

function user(native: Functions, handle: bigint): { sid?: string; user?: string } {
  const token = Buffer.alloc(8);
  if (!native.OpenProcessToken(handle, TOKEN_QUERY, token)) return {};
  const block = allocate(512);
  try {
    if (!native.GetTokenInformation(token.readBigUInt64LE(), TOKEN_USER, block.address, block.bytes.length, Buffer.alloc(4)))
      return {};
    const at = Number(new DataView(block.bytes.buffer, block.bytes.byteOffset).getBigUint64(0, true) - block.address);
    if (at < 16 || at > block.bytes.length - 8) return {};
    const bytes = block.bytes.slice(at);
    const sid = sidText(bytes);
    if (!sid) return {};
    const name = accountName(native, bytes.slice(0, 8 + bytes[1]! * 4), sid);
    return name === undefined ? { sid } : { sid, user: name };
  } finally {
    block.free();
    native.CloseHandle(token.readBigUInt64LE());
  }
}

/** Reads everything at once; undefined when the process cannot be opened. */
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
