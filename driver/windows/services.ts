import { join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { allocate, declare, kernel32, system32 } from './kernel32.ts';
import { at, ENUM_SERVICE_STATUS_PROCESSW, SERVICE_STATUS_PROCESS } from './layouts.ts';

const SC_MANAGER_ENUMERATE_SERVICE = 4;
const SC_ENUM_PROCESS_INFO = 0;
const SERVICE_WIN32 = 0x30;
const SERVICE_ACTIVE = 1;
const ENTRY = {
  size: ENUM_SERVICE_STATUS_PROCESSW.size,
  name: at(ENUM_SERVICE_STATUS_PROCESSW, 'lpServiceName'),
  processId: at(ENUM_SERVICE_STATUS_PROCESSW, 'ServiceStatusProcess') + at(SERVICE_STATUS_PROCESS, 'dwProcessId'),
};
/** ServiceNameFromTagInformation of I_QueryTagInformation. */
const NAME_FROM_TAG = 1;

type Native = ReturnType<LibraryHandle['func']>;

let library: LibraryHandle | undefined;
const declared = new Map<string, Native | undefined>();

function native(name: string, result: 'p' | 'u', parameters: string): Native | undefined {
  if (!declared.has(name)) {
    library ??= koffi.load(join(system32(), 'advapi32.dll'));
    try {
      declared.set(name, declare(library, name, result, parameters));
    } catch {
      declared.set(name, undefined);
    }
  }
  return declared.get(name);
}

/** Running services of a process: those of a svchost, or none. Undefined when the service manager does not tell. */
export function servicesOf(pid: number): readonly string[] | undefined {
  const manager = native('OpenSCManagerW', 'p', 'ppu')?.(null, null, SC_MANAGER_ENUMERATE_SERVICE);
  if (!manager) return undefined;
  const block = allocate(256 * 1024);
  try {
    const numbers = Buffer.alloc(12);
    const list = native('EnumServicesStatusExW', 'u', 'puuupupppp');
    const [needed, count, resume] = [0, 4, 8].map(start => numbers.subarray(start, start + 4));
    const size = block.bytes.length;
    if (!list?.(manager, SC_ENUM_PROCESS_INFO, SERVICE_WIN32, SERVICE_ACTIVE, block.address, size, needed, count, resume, null))
      return undefined;
    const view = new DataView(block.bytes.buffer, block.bytes.byteOffset, size);
    const names: string[] = [];
    for (let index = 0; index < count!.readUInt32LE(); index++) {
      const start = index * ENTRY.size;
      if (view.getUint32(start + ENTRY.processId, true) !== pid) continue;
      names.push(koffi.decode.string16(view.getBigUint64(start + ENTRY.name, true)));
    }
    return names;
  } finally {
    block.free();
    native('CloseServiceHandle', 'u', 'p')?.(manager);
  }
}

/** The one service that a sub-process tag names. I_QueryTagInformation is exported and not documented; without it: not known. */
export function serviceOfTag(pid: number, tag: bigint): string | undefined {
  const query = native('I_QueryTagInformation', 'u', 'pup');
  if (!query || tag > 0xffffffffn) return undefined;
  const question = Buffer.alloc(24);
  question.writeUInt32LE(pid, 0);
  question.writeUInt32LE(Number(tag), 4);
  if (query(null, NAME_FROM_TAG, question) !== 0) return undefined;
  const name = question.readBigUInt64LE(16);
  if (name === 0n) return undefined;
  const text = koffi.decode.string16(name);
  kernel32().LocalFree(name);
  return text;
}
