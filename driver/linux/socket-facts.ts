import { fstatSync } from 'node:fs';
import type { Endpoint } from '../../engine/model/attempt.ts';
import { CallError } from './caller.ts';
import * as libc from './libc.ts';
import { AF, parseSockaddr } from './sockaddr.ts';

const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const SO_PROTOCOL = 38;
const SO_DOMAIN = 39;
const SO_ZEROCOPY = 60;
const SO_BINDTOIFINDEX = 62;
const SO_NETNS_COOKIE = 71;
const TCP_INFO = 11;
export const PROTOCOL = { TCP: 6, UDP: 17, MPTCP: 262 } as const;
export const SOCK = { DGRAM: 2, RAW: 3 } as const;
export const TCP_STATE = { ESTABLISHED: 1, SYN_SENT: 2, CLOSE: 7, LISTEN: 10 } as const;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
/** A longer setTimeout would fire at once. */
const LONGEST_TIMER_MS = 0x7fffffff;

const value = Buffer.alloc(16);
const length = Buffer.alloc(4);

function option(fd: number, level: number, name: number, size: number): Buffer | undefined {
  length.writeUInt32LE(size);
  return libc.getsockopt(fd, level, name, value, length) === 0 ? value : undefined;
}

/** Which network namespace a socket belongs to; undefined before Linux 5.14. */
export function namespaceOf(fd: number): bigint | undefined {
  return option(fd, SOL_SOCKET, SO_NETNS_COOKIE, 8)?.readBigUInt64LE(0);
}

/** A duplicate of a supervised program's socket. Everything it tells is asked of the kernel's own object. */
export class DuplicateSocket {
  readonly fd: number;
  /** AF_…; throws CallError ENOTSOCK for what is not a socket. */
  readonly domain: number;
  #type: number | undefined;
  #protocol: number | undefined;
  #closed = false;

  constructor(fd: number) {
    this.fd = fd;
    const domain = option(fd, SOL_SOCKET, SO_DOMAIN, 4);
    if (!domain) {
      const errno = libc.errno();
      this.close();
      throw new CallError(errno);
    }
    this.domain = domain.readInt32LE(0);
  }

  get isInternet(): boolean {
    return this.domain === AF.INET || this.domain === AF.INET6;
  }
  /** SOCK_… */
  get type(): number {
    this.#type ??= option(this.fd, SOL_SOCKET, SO_TYPE, 4)?.readInt32LE(0) ?? 0;
    return this.#type;
  }
  /** IANA number; MPTCP is told as TCP, which it is on the wire. */
  get protocol(): number {
    this.#protocol ??= option(this.fd, SOL_SOCKET, SO_PROTOCOL, 4)?.readInt32LE(0) ?? 0;
    return this.#protocol === PROTOCOL.MPTCP ? PROTOCOL.TCP : this.#protocol;
  }
  /** It has connections, of whatever kind (DCCP's are of a type of their own). */
  get isStream(): boolean {
    return this.type !== SOCK.DGRAM && this.type !== SOCK.RAW;
  }
  /** The kernel's number of the socket: the same for all duplicates. */
  get inode(): number {
    return fstatSync(this.fd).ino;
  }
  /** TCP_… state; undefined for other protocols. */
  get tcpState(): number | undefined {
    return option(this.fd, PROTOCOL.TCP, TCP_INFO, 1)?.[0];
  }
  get local(): Endpoint | undefined {
    return this.#name(libc.getsockname);
  }
  get peer(): Endpoint | undefined {
    return this.#name(libc.getpeername);
  }
  get flags(): number {
    return libc.fcntl(this.fd, F_GETFL, 0);
  }
  get nonBlocking(): boolean {
    return (this.flags & O_NONBLOCK) !== 0;
  }
  /** Number of the network interface it is bound to; 0: none. */
  get device(): number {
    return option(this.fd, SOL_SOCKET, SO_BINDTOIFINDEX, 4)?.readInt32LE(0) ?? 0;
  }
  /** MSG_ZEROCOPY works (SO_ZEROCOPY). */
  get zeroCopy(): boolean {
    return (option(this.fd, SOL_SOCKET, SO_ZEROCOPY, 4)?.readInt32LE(0) ?? 0) !== 0;
  }
  /** SO_SNDTIMEO in milliseconds; 0: none. */
  get sendTimeout(): number {
    return this.#milliseconds(SO_SNDTIMEO);
  }
  /** SO_RCVTIMEO in milliseconds; 0: none. */
  get receiveTimeout(): number {
    return this.#milliseconds(SO_RCVTIMEO);
  }

  /** Runs `work` with O_NONBLOCK set. The flag is the program's own too, so it is put back at once. */
  withoutBlocking<T>(work: () => T): T {
    const flags = this.flags;
    if ((flags & O_NONBLOCK) !== 0) return work();
    libc.fcntl(this.fd, F_SETFL, flags | O_NONBLOCK);
    try {
      return work();
    } finally {
      libc.fcntl(this.fd, F_SETFL, flags);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    libc.close(this.fd);
  }

  #milliseconds(name: number): number {
    const timeval = option(this.fd, SOL_SOCKET, name, 16);
    const limit = timeval ? Number(timeval.readBigInt64LE(0)) * 1000 + Number(timeval.readBigInt64LE(8)) / 1000 : 0;
    return Math.min(limit, LONGEST_TIMER_MS);
  }

  #name(fn: typeof libc.getsockname): Endpoint | undefined {
    const name = Buffer.alloc(128);
    length.writeUInt32LE(name.length);
    if (fn(this.fd, name, length) !== 0) return undefined;
    const parsed = parseSockaddr(name.subarray(0, Math.min(length.readUInt32LE(0), name.length)));
    return parsed && { address: parsed.address, port: parsed.port };
  }
}
