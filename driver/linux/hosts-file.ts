import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import type { NameEvidence } from '../../engine/model/attempt.ts';
import { AF, formatV6, parseSockaddr } from './sockaddr.ts';

const MAX_BYTES = 1 << 20;
const RECHECK_MS = 1_000;

/** Canonical text of an address, as attempts write it. */
function canonical(address: string): string {
  if (isIP(address) !== 6) return address;
  const groups = new URL(`http://[${address.replace(/%.*$/, '')}]/`).hostname.slice(1, -1);
  const [head = '', tail] = groups.split('::');
  const words = (part: string) =>
    part
      .split(':')
      .filter(Boolean)
      .map(word => Number.parseInt(word, 16));
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  const all = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
  const bytes = Uint8Array.from(all.flatMap(word => [word >> 8, word & 255]));
  const asSocketAddress = Uint8Array.from([AF.INET6, 0, 0, 0, 0, 0, 0, 0, ...bytes]);
  return parseSockaddr(asSocketAddress)?.address ?? formatV6(bytes);
}

/** Parses hosts(5): address, then names; `#` starts a comment. */
export function parseHosts(text: string): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').split(/\s+/).filter(Boolean);
    if (!address || isIP(address.replace(/%.*$/, '')) === 0) continue;
    const key = canonical(address);
    out.set(key, [...new Set([...(out.get(key) ?? []), ...names.map(name => name.toLowerCase())])]);
  }
  return out;
}

/** /etc/hosts, read again when it changed. A missing or unreadable file has no names. */
export class HostsFile {
  readonly #path: string;
  #names = new Map<string, string[]>();
  #all = new Set<string>();
  #stamp = '';
  #readAt = 0;
  #checked = Number.NEGATIVE_INFINITY;

  constructor(path = '/etc/hosts') {
    this.#path = path;
  }

  namesOf(address: string): readonly NameEvidence[] {
    this.#refresh();
    return (this.#names.get(address) ?? []).map(name => ({ name, kind: 'hosts', at: this.#readAt }));
  }

  knows(name: string): boolean {
    this.#refresh();
    return this.#all.has(name);
  }

  #refresh(): void {
    const now = performance.now();
    if (now - this.#checked < RECHECK_MS) return;
    this.#checked = now;
    try {
      const { mtimeMs, size, ino } = statSync(this.#path);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      if (stamp === this.#stamp) return;
      this.#names = size > MAX_BYTES ? new Map() : parseHosts(readFileSync(this.#path, 'utf8'));
      this.#stamp = stamp;
    } catch {
      this.#names = new Map();
      this.#stamp = '';
    }
    this.#all = new Set([...this.#names.values()].flat());
    this.#readAt = Date.now();
  }
}
