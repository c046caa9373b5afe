import koffi, { type LibraryHandle } from 'koffi';
import { WfpError } from '../model/error.ts';
import { Arena } from './arena.ts';
import { readBytes, readString16 } from './memory.ts';

/** Security descriptors between SDDL and their self-relative bytes. */
export interface SecurityCodec {
  toBytes(sddl: string): Uint8Array;
  toSddl(bytes: Uint8Array): string;
}

const SDDL_REVISION_1 = 1;
/** OWNER | GROUP | DACL: what WFP looks at. */
const INFORMATION = 7;

const slot = koffi.struct({ pointer: 'void *', size: 'uint32_t' });

/**
 * Windows' own conversion, so that every form of ACE that it knows is kept (conditional ones of 24H2 included).
 * https://learn.microsoft.com/windows/win32/api/sddl/nf-sddl-convertstringsecuritydescriptortosecuritydescriptorw
 * The descriptor's bytes and the text are LocalAlloc memory of the system and freed by LocalFree.
 */
export function windowsSecurityCodec(advapi: LibraryHandle, kernel: LibraryHandle): SecurityCodec {
  const parse = advapi.func('ConvertStringSecurityDescriptorToSecurityDescriptorW', 'int32_t', [
    'void *',
    'uint32_t',
    'void *',
    'void *',
  ]);
  const print = advapi.func('ConvertSecurityDescriptorToStringSecurityDescriptorW', 'int32_t', [
    'void *',
    'uint32_t',
    'uint32_t',
    'void *',
    'void *',
  ]);
  const localFree = kernel.func('LocalFree', 'void *', ['void *']);
  const lastError = kernel.func('GetLastError', 'uint32_t', []);

  return {
    toBytes(sddl) {
      const arena = new Arena();
      try {
        const out = arena.struct(slot);
        const sizeAt = out.address + 8n;
        if (!parse(arena.string16(sddl), SDDL_REVISION_1, out.address, sizeAt)) {
          throw new WfpError('ConvertStringSecurityDescriptorToSecurityDescriptorW', lastError(), `not SDDL: ${sddl}`);
        }
        const address = out.struct.bigint('pointer');
        const bytes = readBytes(address, out.struct.number('size'));
        localFree(address);
        return bytes;
      } finally {
        arena.dispose();
      }
    },
    toSddl(bytes) {
      const arena = new Arena();
      try {
        const out = arena.struct(slot);
        if (!print(arena.bytes(bytes), SDDL_REVISION_1, INFORMATION, out.address, 0n)) {
          throw new WfpError('ConvertSecurityDescriptorToStringSecurityDescriptorW', lastError());
        }
        const address = out.struct.bigint('pointer');
        const text = readString16(address);
        localFree(address);
        return text;
      } finally {
        arena.dispose();
      }
    },
  };
}
