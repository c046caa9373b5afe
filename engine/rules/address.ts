import { isIPv4, isIPv6 } from 'node:net';

/** Dotted text to host order (`127.0.0.1` → 0x7f000001); undefined when it is no IPv4 address. Used on the decision path: no allocation. */
export function parseV4(text: string): number | undefined {
  let addr = 0;
  let octet = -1;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      if (octet < 0) return undefined;
      addr = addr * 256 + octet;
      octet = -1;
      dots++;
    } else if (code >= 48 && code <= 57) {
      if (octet === 0) return undefined;
      octet = (octet < 0 ? 0 : octet * 10) + code - 48;
      if (octet > 255) return undefined;
    } else return undefined;
  }
  return dots === 3 && octet >= 0 ? addr * 256 + octet : undefined;
}

/** Host order to dotted text. */
export const formatV4 = (addr: number): string =>
  `${(addr >>> 24) & 255}.${(addr >>> 16) & 255}.${(addr >>> 8) & 255}.${addr & 255}`;

/** Text to 16 bytes in network order, without zone; undefined when it is no IPv6 address. */
export function parseV6(text: string): Uint8Array | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined;
  let source = text;
  const lastColon = source.lastIndexOf(':');
  const tail = source.slice(lastColon + 1);
  if (tail.includes('.')) {
    const v4 = parseV4(tail);
    if (v4 === undefined) return undefined;
    source = `${source.slice(0, lastColon + 1)}${(v4 >>> 16).toString(16)}:${(v4 & 0xffff).toString(16)}`;
  }
  const [head = '', rest] = source.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = rest === undefined || rest === '' ? [] : rest.split(':');
  const bytes = new Uint8Array(16);
  const put = (groups: readonly string[], at: number) => {
    groups.forEach((group, i) => {
      const n = Number.parseInt(group, 16);
      bytes[(at + i) * 2] = n >> 8;
      bytes[(at + i) * 2 + 1] = n & 255;
    });
  };
  put(front, 0);
  put(back, 8 - back.length);
  return bytes;
}

/** Network order bytes to the text of RFC 5952: lower case, the longest run of two or more zero groups folded. */
export function formatV6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2] ?? 0) << 8) | (bytes[i * 2 + 1] ?? 0));
  let best = { at: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > best.length) best = { at: i, length };
    i += length;
  }
  const hex = (part: readonly number[]) => part.map(group => group.toString(16)).join(':');
  return best.at < 0 ? hex(groups) : `${hex(groups.slice(0, best.at))}::${hex(groups.slice(best.at + best.length))}`;
}

export type Address =
  | { readonly family: 'v4'; readonly addr: number; readonly text: string }
  | { readonly family: 'v6'; readonly addr: Uint8Array; readonly text: string };

/** Reads an address into canonical form; an IPv4-mapped IPv6 address is IPv4. Undefined when the text is no address. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) {
    const addr = parseV4(text);
    return addr === undefined ? undefined : { family: 'v4', addr, text: formatV4(addr) };
  }
  const addr = parseV6(text);
  if (addr === undefined) return undefined;
  if (addr.subarray(0, 10).every(byte => byte === 0) && addr[10] === 255 && addr[11] === 255) {
    const v4 = (((addr[12] ?? 0) << 24) | ((addr[13] ?? 0) << 16) | ((addr[14] ?? 0) << 8) | (addr[15] ?? 0)) >>> 0;
    return { family: 'v4', addr: v4, text: formatV4(v4) };
  }
  return { family: 'v6', addr, text: formatV6(addr) };
}

/** The mask of an IPv4 prefix, host order. */
export const maskV4 = (prefix: number): number => (prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0);

/** The address with all bits after the prefix cleared. */
export function networkOf(address: Address, prefix: number): Address {
  if (address.family === 'v4') {
    const addr = (address.addr & maskV4(prefix)) >>> 0;
    return { family: 'v4', addr, text: formatV4(addr) };
  }
  const addr = address.addr.map((byte, i) => {
    const bits = Math.min(8, Math.max(0, prefix - i * 8));
    return byte & (0xff << (8 - bits)) & 0xff;
  });
  return { family: 'v6', addr, text: formatV6(addr) };
}

/** Whether the address lies in the network. */
export function inNetwork(address: Address, network: Address, prefix: number): boolean {
  if (address.family !== network.family) return false;
  return networkOf(address, prefix).text === networkOf(network, prefix).text;
}
