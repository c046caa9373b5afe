import { createHash } from 'node:crypto';
import { formatV4, formatV6, parseAddress, parseV4, parseV6 } from '../address.ts';
import type { RemoteScope } from '../rule.ts';
import type { Port } from './draft.ts';

/** Networks that `LocalSubnet`, `LAN` and the like stand for as near as can be said without the machine's interfaces. */
export const LAN: readonly RemoteScope[] = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['fe80::', 10],
  ['fc00::', 7],
].map(([address, prefix]) => ({ kind: 'network', address: String(address), prefix: Number(prefix) }));

const toBig = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);

function fromBig(value: bigint, bits: number): string {
  if (bits === 32) return formatV4(Number(value));
  return formatV6(Uint8Array.from(Buffer.from(value.toString(16).padStart(32, '0'), 'hex')));
}

const MAX_NETWORKS = 256;

/** A range of addresses as the fewest networks. Undefined when it takes too many or the ends are the wrong way round. */
export function rangeToNetworks(low: string, high: string): RemoteScope[] | undefined {
  const [a, b] = [parseV4(low), parseV4(high)];
  const [c, d] = a === undefined ? [parseV6(low), parseV6(high)] : [undefined, undefined];
  const bits = a === undefined ? 128 : 32;
  let from = a !== undefined ? BigInt(a) : c && toBig(c);
  const to = b !== undefined && a !== undefined ? BigInt(b) : d && toBig(d);
  if (from === undefined || to === undefined || from > to) return undefined;
  const result: RemoteScope[] = [];
  while (from <= to) {
    let size = 0;
    while (size < bits && (from & (1n << BigInt(size))) === 0n && from + (1n << BigInt(size + 1)) - 1n <= to) size++;
    const address = fromBig(from, bits);
    result.push(size === 0 ? { kind: 'address', address } : { kind: 'network', address, prefix: bits - size });
    if (result.length > MAX_NETWORKS) return undefined;
    from += 1n << BigInt(size);
  }
  return result;
}

/** The prefix that a dotted mask stands for; undefined when its ones are not together. */
function maskPrefix(text: string): number | undefined {
  if (/^\d{1,3}$/.test(text)) return Number(text);
  const mask = parseV4(text);
  if (mask === undefined) return undefined;
  const ones = Math.clz32(~mask);
  const expected = ones === 0 ? 0 : ones === 32 ? 0xffffffff : (0xffffffff << (32 - ones)) >>> 0;
  return expected === mask ? ones : undefined;
}

/** `1.2.3.4`, `1.2.3.0/24`, `1.2.3.0/255.255.255.0`, `1.2.3.4-1.2.3.9`, the same in IPv6. Undefined for anything else. */
export function parsePlace(text: string): RemoteScope[] | undefined {
  const bare = text.trim().replace(/^\[(.*)\]$/, '$1');
  if (bare === '*' || /^any$/i.test(bare)) return [{ kind: 'any' }];
  if (parseAddress(bare)) return [{ kind: 'address', address: bare }];
  const network = /^([^/]+)\/([^/]+)$/.exec(bare);
  if (network) {
    const prefix = maskPrefix(network[2] ?? '');
    const address = parseAddress(network[1] ?? '');
    if (!address || prefix === undefined || prefix > (address.family === 'v4' ? 32 : 128)) return undefined;
    return [
      prefix === 0
        ? { kind: 'network', address: network[1] ?? '', prefix }
        : { kind: 'network', address: network[1] ?? '', prefix },
    ];
  }
  const range = /^([0-9a-f.:]+)\s*-\s*([0-9a-f.:]+)$/i.exec(bare);
  return range ? rangeToNetworks(range[1] ?? '', range[2] ?? '') : undefined;
}

/** `80`, `8000-8080`. Undefined for anything else. */
export function parsePortText(text: string): Port | undefined {
  const match = /^\s*(\d{1,5})(?:\s*-\s*(\d{1,5}))?\s*$/.exec(text);
  if (!match) return undefined;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return to <= 65535 && from <= to ? { from, to } : undefined;
}

/** `80,443,8000-8080`; `*` is any (an empty list). Undefined when a part is none. */
export function parsePortList(text: string): Port[] | undefined {
  const parts = text
    .split(/[,;]/)
    .map(part => part.trim())
    .filter(part => part !== '');
  if (parts.includes('*')) return [];
  const ports = parts.map(parsePortText);
  return ports.every(port => port !== undefined) ? ports : undefined;
}

const VARIABLES: Readonly<Record<string, string>> = {
  systemroot: 'C:\\Windows',
  windir: 'C:\\Windows',
  systemdrive: 'C:',
  homedrive: 'C:',
  programfiles: 'C:\\Program Files',
  programw6432: 'C:\\Program Files',
  'programfiles(x86)': 'C:\\Program Files (x86)',
  commonprogramfiles: 'C:\\Program Files\\Common Files',
  programdata: 'C:\\ProgramData',
  allusersprofile: 'C:\\ProgramData',
};

/** A program path with Windows' machine-wide variables filled in as they are by default. Undefined when one depends on the user. */
export function expandPath(path: string): string | undefined {
  let open = false;
  const result = path.replace(/%([^%\\]+)%/g, (whole, name: string) => {
    const value = VARIABLES[name.toLowerCase()];
    if (value === undefined) open = true;
    return value ?? whole;
  });
  return open ? undefined : result;
}

/**
 * SID of a Windows service: S-1-5-80 and the SHA-1 of its name in upper case, UTF-16LE, as five numbers in little endian.
 * https://learn.microsoft.com/windows/win32/secauthz/well-known-sids (service accounts: `sc showsid`)
 */
export function serviceSid(name: string): string {
  const hash = createHash('sha1').update(Buffer.from(name.toUpperCase(), 'utf16le')).digest();
  return `S-1-5-80-${[0, 4, 8, 12, 16].map(at => hash.readUInt32LE(at)).join('-')}`;
}
