import type { Endpoint } from '../../engine/model/attempt.ts';

/** Address families as Linux numbers them. */
export const AF = { UNSPEC: 0, UNIX: 1, INET: 2, INET6: 10 } as const;
/** sizeof(struct sockaddr_storage): a longer address is EINVAL. */
export const MAX_SOCKADDR = 128;
const SIZE_IN = 16;
/** SIN6_LEN_RFC2133: the kernel accepts addresses without a scope id. */
const MIN_IN6 = 24;

export interface ParsedAddress extends Endpoint {
  readonly family: 'v4' | 'v6';
}

export const formatV4 = (bytes: Uint8Array, at = 0): string => `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;

/** Canonical text of sixteen bytes (RFC 5952). */
export function formatV6(bytes: Uint8Array, at = 0): string {
  const groups: number[] = [];
  for (let i = 0; i < 8; i++) groups.push(((bytes[at + 2 * i] ?? 0) << 8) | (bytes[at + 2 * i + 1] ?? 0));
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > bestLength) [best, bestLength] = [i, length];
  }
  const text = (part: readonly number[]) => part.map(group => group.toString(16)).join(':');
  return best < 0 ? text(groups) : `${text(groups.slice(0, best))}::${text(groups.slice(best + bestLength))}`;
}

const isMapped = (b: Uint8Array, at: number): boolean => {
  for (let i = 0; i < 10; i++) if (b[at + i] !== 0) return false;
  return b[at + 10] === 0xff && b[at + 11] === 0xff;
};

/**
 * Reads a struct sockaddr as the kernel would for a socket of `domain`. Undefined for what names no internet endpoint
 * (AF_UNSPEC, too short, another family): the kernel then gives an error or dissolves an association.
 * An IPv4-mapped IPv6 address is V4 traffic and is given as V4.
 * @param unspecIs the family that AF_UNSPEC is taken for: AF_INET by udp_sendmsg and inet_bind of an IPv4 socket, AF_INET6 by
 * rawv6_sendmsg
 */
export function parseSockaddr(bytes: Uint8Array, unspecIs: number = AF.UNSPEC): ParsedAddress | undefined {
  if (bytes.length < 2) return undefined;
  const family = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8) || unspecIs;
  const port = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  if (family === AF.INET) {
    if (bytes.length < SIZE_IN) return undefined;
    return { family: 'v4', address: formatV4(bytes, 4), port };
  }
  if (family !== AF.INET6 || bytes.length < MIN_IN6) return undefined;
  if (isMapped(bytes, 8)) return { family: 'v4', address: formatV4(bytes, 20), port };
  return { family: 'v6', address: formatV6(bytes, 8), port };
}

/** Connecting to the unspecified address reaches loopback: what is classified is where it goes. */
export function destination(address: ParsedAddress): ParsedAddress {
  if (address.family === 'v4') return address.address === '0.0.0.0' ? { ...address, address: '127.0.0.1' } : address;
  return address.address === '::' ? { ...address, address: '::1' } : address;
}
