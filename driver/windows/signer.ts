import { join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { allocate, declare, system32, wide } from './kernel32.ts';
import { at, CRYPT_PROVIDER_CERT, WINTRUST_DATA, WINTRUST_FILE_INFO } from './layouts.ts';

/** WINTRUST_ACTION_GENERIC_VERIFY_V2 {00aac56b-cd44-11d0-8cc2-00c04fc295ee} */
const ACTION = Buffer.from('6bc5aa0044cdd0118cc200c04fc295ee', 'hex');
const INVALID_HANDLE_VALUE = 0xffffffffffffffffn;
const WTD_UI_NONE = 2;
const WTD_CHOICE_FILE = 1;
const WTD_STATEACTION_VERIFY = 1;
const WTD_STATEACTION_CLOSE = 2;
/** No lookups in the network: a firewall that connects to ask who connects would hold itself. */
const WTD_CACHE_ONLY_URL_RETRIEVAL = 0x1000;
const CERT_NAME_SIMPLE_DISPLAY_TYPE = 4;

type Native = ReturnType<LibraryHandle['func']>;
interface Functions {
  readonly WinVerifyTrust: Native;
  readonly WTHelperProvDataFromStateData: Native;
  readonly WTHelperGetProvSignerFromChain: Native;
  readonly WTHelperGetProvCertFromChain: Native;
  readonly CertGetNameStringW: Native;
}
let loaded: Functions | undefined;

function functions(): Functions {
  if (loaded) return loaded;
  const trust = koffi.load(join(system32(), 'wintrust.dll'));
  loaded = {
    WinVerifyTrust: declare(trust, 'WinVerifyTrust', 'u', 'ppp'),
    WTHelperProvDataFromStateData: declare(trust, 'WTHelperProvDataFromStateData', 'p', 'p'),
    WTHelperGetProvSignerFromChain: declare(trust, 'WTHelperGetProvSignerFromChain', 'p', 'puuu'),
    WTHelperGetProvCertFromChain: declare(trust, 'WTHelperGetProvCertFromChain', 'p', 'pu'),
    CertGetNameStringW: declare(koffi.load(join(system32(), 'crypt32.dll')), 'CertGetNameStringW', 'u', 'puuppu'),
  };
  return loaded;
}

function nameOfSigner(native: Functions, state: bigint): string | undefined {
  const data = native.WTHelperProvDataFromStateData(state);
  const signer = data && native.WTHelperGetProvSignerFromChain(data, 0, 0, 0);
  const certificate = signer && native.WTHelperGetProvCertFromChain(signer, 0);
  if (!certificate) return undefined;
  const context = BigInt(koffi.decode(certificate, at(CRYPT_PROVIDER_CERT, 'pCert'), 'void *') ?? 0n);
  const text = Buffer.alloc(1024);
  const length: number =
    context === 0n ? 0 : native.CertGetNameStringW(context, CERT_NAME_SIMPLE_DISPLAY_TYPE, 0, null, text, 512);
  return length > 1 ? text.toString('utf16le', 0, (length - 1) * 2) : undefined;
}

/**
 * Who signed a file, if Windows trusts the signature that is embedded in it; undefined otherwise. Files signed by catalogue (most of
 * Windows' own) are not looked up. Verified on a worker thread: hashing a large file takes a while.
 * https://learn.microsoft.com/windows/win32/api/wintrust/nf-wintrust-winverifytrust
 */
export async function signerOf(path: string): Promise<string | undefined> {
  const native = functions();
  const name = wide(path);
  const blocks = [allocate(name.length), allocate(WINTRUST_FILE_INFO.size), allocate(WINTRUST_DATA.size), allocate(16)] as const;
  const [text, file, data, action] = blocks;
  text.bytes.set(name);
  action.bytes.set(ACTION);
  const set = (block: { bytes: Uint8Array }, type: typeof WINTRUST_DATA, member: string, value: number | bigint) => {
    const view = new DataView(block.bytes.buffer, block.bytes.byteOffset, block.bytes.byteLength);
    if (typeof value === 'bigint') view.setBigUint64(at(type, member), value, true);
    else view.setUint32(at(type, member), value, true);
  };
  set(file, WINTRUST_FILE_INFO, 'cbStruct', WINTRUST_FILE_INFO.size);
  set(file, WINTRUST_FILE_INFO, 'pcwszFilePath', text.address);
  set(data, WINTRUST_DATA, 'cbStruct', WINTRUST_DATA.size);
  set(data, WINTRUST_DATA, 'dwUIChoice', WTD_UI_NONE);
  set(data, WINTRUST_DATA, 'dwUnionChoice', WTD_CHOICE_FILE);
  set(data, WINTRUST_DATA, 'pFile', file.address);
  set(data, WINTRUST_DATA, 'dwStateAction', WTD_STATEACTION_VERIFY);
  set(data, WINTRUST_DATA, 'dwProvFlags', WTD_CACHE_ONLY_URL_RETRIEVAL);
  const verify = () =>
    new Promise<number>((resolve, reject) => {
      native.WinVerifyTrust.async(INVALID_HANDLE_VALUE, action.address, data.address, (error: unknown, code: number) =>
        error ? reject(error) : resolve(code),
      );
    });
  try {
    const trusted = (await verify()) === 0;
    const view = new DataView(data.bytes.buffer, data.bytes.byteOffset, data.bytes.byteLength);
    const state = view.getBigUint64(at(WINTRUST_DATA, 'hWVTStateData'), true);
    const signer = trusted && state !== 0n ? nameOfSigner(native, state) : undefined;
    set(data, WINTRUST_DATA, 'dwStateAction', WTD_STATEACTION_CLOSE);
    await verify();
    return signer;
  } finally {
    for (const block of blocks) block.free();
  }
}
