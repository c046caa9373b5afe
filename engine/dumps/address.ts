/** Addresses as text and as WFP keeps them: IPv4 as a number in host order, IPv6 as 16 bytes. Strict: no shorthand octets, no ports. */

/** Dotted quad to a number in host order; undefined when it is none. */
export function parseV4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  let value = 0;
  for (let i = 1; i <= 4; i++) {
    const octet = Number(match[i]);
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

export const formatV4 = (value: number): string =>
  `${(value >>> 24) & 255}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;

/** IPv6 text (compressed, full, or with a dotted tail; a `%zone` is ignored) to 16 bytes; undefined when it is none. */
export function parseV6(text: string): Uint8Array | undefined {
  let body = text.includes('%') ? text.slice(0, text.indexOf('%')) : text;
  if (!body.includes(':')) return undefined;
  if (body.includes('.')) {
    const at = body.lastIndexOf(':');
    const tail = parseV4(body.slice(at + 1));
    if (tail === undefined) return undefined;
    body = `${body.slice(0, at + 1)}${(tail >>> 16).toString(16)}:${(tail & 0xffff).toString(16)}`;
  }
  const halves = body.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map(half => (half === '' ? [] : half.split(':')));
  const left = groups[0] ?? [];
  const right = groups[1] ?? [];
  const zeros = 8 - left.length - right.length;
  if (halves.length === 2 ? zeros < 1 : zeros !== 0) return undefined;
  const bytes = new Uint8Array(16);
  let i = 0;
  for (const group of [...left, ...Array<string>(zeros).fill('0'), ...right]) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
    const value = Number.parseInt(group, 16);
    bytes[i++] = value >> 8;
    bytes[i++] = value & 255;
  }
  return bytes;
}

/** 16 bytes to text as RFC 5952 wants it. */
export function formatV6(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0));
  let best = 0;
  let bestAt = -1;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && groups[i + n] === 0) n++;
    if (n > best) [best, bestAt] = [n, i];
  }
  const hex = (part: number[]) => part.map(group => group.toString(16)).join(':');
  if (best < 2) return hex(groups);
  return `${hex(groups.slice(0, bestAt))}::${hex(groups.slice(bestAt + best))}`;
}

/** The IPv4 address that an IPv4-mapped IPv6 address (`::ffff:1.2.3.4`) stands for. */
export function mappedV4(bytes: Uint8Array): number | undefined {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return undefined;
  if (bytes[10] !== 255 || bytes[11] !== 255) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(12);
}

/** Unsigned decimal up to `max`; undefined for anything else. */
export function parseUnsigned(text: string, max: number): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}

/** Unsigned decimal of 64 bits, without loss; undefined for anything else. */
export function parseU64(text: string): bigint | undefined {
  if (!/^\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value <= 0xffffffffffffffffn ? value : undefined;
}
