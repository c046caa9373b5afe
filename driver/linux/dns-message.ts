import { formatV4, formatV6 } from './sockaddr.ts';

/** Limits on what a stranger's answer can make us do. */
const MAX_RECORDS = 128;
const MAX_NAME = 255;
const MAX_JUMPS = 32;
const MAX_CHAIN = 16;
const TYPE = { A: 1, CNAME: 5, AAAA: 28 } as const;
const CLASS_IN = 1;
const HEADER = 12;

/** What an answer says: addresses of the name that was asked for, aliases followed. */
export interface DnsAnswer {
  readonly id: number;
  /** Lower case, without the last dot. */
  readonly name: string;
  readonly addresses: readonly { readonly address: string; readonly ttl: number }[];
}

interface Name {
  readonly text: string;
  readonly end: number;
}

/** Reads a name with compression (RFC 1035, 4.1.4). Bytes other than letters, digits, `-` and `_` are written as \DDD. */
function readName(bytes: Uint8Array, start: number): Name | undefined {
  const labels: string[] = [];
  let at = start;
  let end = -1;
  let length = 0;
  for (let jumps = 0; ; ) {
    const size = bytes[at];
    if (size === undefined) return undefined;
    if (size === 0) return { text: labels.join('.'), end: end < 0 ? at + 1 : end };
    if ((size & 0xc0) === 0xc0) {
      const low = bytes[at + 1];
      if (low === undefined || ++jumps > MAX_JUMPS) return undefined;
      if (end < 0) end = at + 2;
      at = ((size & 0x3f) << 8) | low;
      continue;
    }
    length += size + 1;
    if ((size & 0xc0) !== 0 || length > MAX_NAME || at + 1 + size > bytes.length) return undefined;
    labels.push(labelText(bytes.subarray(at + 1, at + 1 + size)));
    at += 1 + size;
  }
}

function labelText(label: Uint8Array): string {
  let out = '';
  for (const byte of label) {
    const char = String.fromCharCode(byte);
    out += /[A-Za-z0-9_-]/.test(char) ? char.toLowerCase() : `\\${String(byte).padStart(3, '0')}`;
  }
  return out;
}

/**
 * Parses a successful answer with one question for an internet address. Undefined for anything else, however broken.
 * Only records that the question leads to count, so an answer cannot name strangers' addresses in passing.
 */
export function parseDnsAnswer(bytes: Uint8Array): DnsAnswer | undefined {
  if (bytes.length < HEADER) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint16(2);
  const isAnswer = (flags & 0x8000) !== 0;
  if (!isAnswer || (flags & 0x780f) !== 0 || view.getUint16(4) !== 1) return undefined;
  const question = readName(bytes, HEADER);
  if (!question?.text || question.end + 4 > bytes.length) return undefined;
  const type = view.getUint16(question.end);
  if ((type !== TYPE.A && type !== TYPE.AAAA) || view.getUint16(question.end + 2) !== CLASS_IN) return undefined;

  const aliases = new Map<string, string>();
  const found: { owner: string; address: string; ttl: number }[] = [];
  let at = question.end + 4;
  const count = Math.min(view.getUint16(6), MAX_RECORDS);
  for (let i = 0; i < count; i++) {
    const owner = readName(bytes, at);
    if (!owner || owner.end + 10 > bytes.length) break;
    const data = owner.end + 10;
    const size = view.getUint16(owner.end + 8);
    if (data + size > bytes.length) break;
    at = data + size;
    if (view.getUint16(owner.end + 2) !== CLASS_IN) continue;
    const ttl = view.getUint32(owner.end + 4);
    const kind = view.getUint16(owner.end);
    if (kind === TYPE.A && size === 4) found.push({ owner: owner.text, address: formatV4(bytes, data), ttl });
    if (kind === TYPE.AAAA && size === 16) found.push({ owner: owner.text, address: formatV6(bytes, data), ttl });
    const alias = kind === TYPE.CNAME ? readName(bytes, data) : undefined;
    if (alias) aliases.set(owner.text, alias.text);
  }
  const chain = new Set<string>();
  for (
    let name: string | undefined = question.text;
    name && !chain.has(name) && chain.size < MAX_CHAIN;
    name = aliases.get(name)
  ) {
    chain.add(name);
  }
  const addresses = found.filter(record => chain.has(record.owner)).map(({ address, ttl }) => ({ address, ttl }));
  return { id: view.getUint16(0), name: question.text, addresses };
}
