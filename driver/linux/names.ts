import type { Endpoint, NameEvidence, ProcessIdentity } from '../../engine/model/attempt.ts';
import { namesInCommandLine } from './command-line-names.ts';
import { type DnsAnswer, parseDnsAnswer } from './dns-message.ts';
import { HostsFile } from './hosts-file.ts';

const MAX_ADDRESSES = 4096;
const MAX_NAMES_PER_ADDRESS = 8;
const MAX_RESOLVER_SOCKETS = 1024;
export const DNS_PORT = 53;

/** What is known of names, from evidence, for one supervised command. Everything is bounded: the oldest goes first. */
export class NameTable {
  readonly #byAddress = new Map<string, NameEvidence[]>();
  readonly #asked = new Set<string>();
  readonly #resolverSockets = new Set<number>();
  readonly #hosts: HostsFile;

  constructor(hosts = new HostsFile()) {
    this.#hosts = hosts;
  }

  /** A datagram socket that was permitted to speak with port 53: what it receives from there may be an answer. */
  addResolverSocket(inode: number): void {
    this.#resolverSockets.add(inode);
    trim(this.#resolverSockets, MAX_RESOLVER_SOCKETS);
  }

  isResolverSocket(inode: number): boolean {
    return this.#resolverSockets.has(inode);
  }

  /** Learns from a datagram that came from a resolver. @returns what is new, by address */
  learn(datagram: Uint8Array, pid: number, now: number): readonly { address: string; evidence: NameEvidence }[] {
    const answer = parseDnsAnswer(datagram);
    if (!answer) return [];
    this.#asked.add(answer.name);
    trim(this.#asked, MAX_ADDRESSES);
    return answer.addresses.map(record => this.#add(answer, record, pid, now));
  }

  #add(answer: DnsAnswer, record: DnsAnswer['addresses'][number], pid: number, at: number) {
    // An answer may write IPv4 in IPv6 clothes; attempts are always told as IPv4 then.
    const address = unmapped(record.address);
    const evidence: NameEvidence = { name: answer.name, kind: 'dns', at, pid, ttl: record.ttl };
    const others = (this.#byAddress.get(address) ?? []).filter(known => known.name !== answer.name);
    this.#byAddress.delete(address);
    this.#byAddress.set(address, [evidence, ...others].slice(0, MAX_NAMES_PER_ADDRESS));
    trim(this.#byAddress, MAX_ADDRESSES);
    return { address, evidence };
  }

  /** All names of an address, the strongest kind first and the newest first within it. */
  of({ address, port }: Endpoint, process: ProcessIdentity, now: number): readonly NameEvidence[] {
    const known = [...(this.#byAddress.get(address) ?? []), ...this.#hosts.namesOf(address)];
    // A resolver is asked about the name in the command line, it does not have that name.
    if (known.length > 0 || port === DNS_PORT) return known;
    const words = namesInCommandLine(process).filter(name => !this.#asked.has(name) && !this.#hosts.knows(name));
    return words.map(name => ({ name, kind: 'command-line', at: process.startTime ?? now, pid: process.pid }));
  }
}

/** `::ffff:a.b.c.d` as the formatter writes it, to `a.b.c.d`. */
function unmapped(address: string): string {
  const groups = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  if (!groups) return address;
  const [high, low] = [Number.parseInt(groups[1]!, 16), Number.parseInt(groups[2]!, 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

function trim(collection: Set<unknown> | Map<unknown, unknown>, limit: number): void {
  for (const oldest of collection.keys()) {
    if (collection.size <= limit) return;
    collection.delete(oldest);
  }
}
