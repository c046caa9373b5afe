import koffi from 'koffi';
import { Arena } from './arena.ts';
import * as layout from './layouts.ts';
import { Struct } from './memory.ts';
import { failure, fwpuclnt } from './native.ts';
import { BrokenStructureError, parseBlob } from './parse-value.ts';

const POINTER = koffi.struct({ value: 'void *' });

/**
 * The blob that ALE_APP_ID has for this program: its normalised device path in lower case, UTF-16LE with the final NUL.
 * The file must exist. Volume numbers can change from boot to boot: ask again rather than keep it.
 * https://learn.microsoft.com/windows/win32/api/fwpmu/nf-fwpmu-fwpmgetappidfromfilename0
 */
export async function appIdFromFileName(path: string): Promise<Uint8Array> {
  const native = fwpuclnt();
  const arena = new Arena();
  try {
    const out = arena.struct(POINTER);
    const code = await native.call('FwpmGetAppIdFromFileName0', arena.string16(path), out.address);
    if (code !== 0) throw failure('FwpmGetAppIdFromFileName0', code);
    const address = out.struct.bigint('value');
    if (address === 0n) throw new BrokenStructureError('an application id at NULL');
    try {
      return parseBlob(Struct.at(layout.FWP_BYTE_BLOB, address)) ?? new Uint8Array(0);
    } finally {
      native.free(out.address);
    }
  } finally {
    arena.dispose();
  }
}
