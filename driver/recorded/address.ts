import { isIP, SocketAddress } from 'node:net';

/**
 * Canonical text of an address (RFC 5952: `0:0:0:0:0:0:0:1` → `::1`), IPv4-mapped IPv6 as IPv4, zone left out.
 * @returns undefined when the text is no address
 */
export function canonicalAddress(text: string): string | undefined {
  const bare = text.trim().replace(/%.*$/, '');
  const kind = isIP(bare);
  if (kind === 0) return undefined;
  if (kind === 4) return bare;
  const address = new SocketAddress({ address: bare, family: 'ipv6' }).address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  return mapped?.[1] ?? address;
}

/** Family of a canonical address. */
export const familyOf = (address: string): 'v4' | 'v6' => (address.includes(':') ? 'v6' : 'v4');
