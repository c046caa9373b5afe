import { readFileSync } from 'node:fs';
import * as libc from './libc.ts';

const PIDFD_THREAD = 0x80;
const CACHED_PIDFDS = 64;
/** What one message may carry: more than any datagram, and what one call of a supervised program can make us copy. */
export const MAX_DATA = 1 << 20;

/** A number of errno as a value: what a failed step answers. */
export class CallError extends Error {
  readonly errno: number;
  constructor(errno: number) {
    super(`errno ${errno}`);
    this.errno = errno;
  }
}

/** The process or its descriptors may not be inspected: what it asks for cannot be known. */
export class UninspectableError extends Error {}

/** Reading and writing a waiting caller's memory, and taking duplicates of its descriptors. */
export class CallerAccess {
  readonly #pidfds = new Map<number, number>();
  readonly #iov = Buffer.alloc(32);
  #threadPidfds = true;

  /** Copies `length` bytes. Throws CallError EFAULT where the memory is not mapped, as the kernel would answer; UninspectableError when forbidden. */
  read(tid: number, address: bigint, length: number): Buffer {
    const out = Buffer.allocUnsafeSlow(length);
    if (length === 0) return out;
    const copied = this.#transfer(libc.processVmReadv, tid, address, out);
    if (copied === length) return out;
    // Not the program's fault: it may not be inspected, or this machine forbids the call.
    const forbidden = copied < 0 && libc.errno() !== libc.E.EFAULT;
    if (forbidden) throw new UninspectableError();
    throw new CallError(libc.E.EFAULT);
  }

  /** Writes into the caller's memory; false when it is not writable there. */
  write(tid: number, address: bigint, data: Buffer): boolean {
    return this.#transfer(libc.processVmWritev, tid, address, data) === data.length;
  }

  #transfer(fn: typeof libc.processVmReadv, tid: number, address: bigint, data: Buffer): number {
    const iov = this.#iov;
    iov.writeBigUInt64LE(libc.addressOf(data), 0);
    iov.writeBigUInt64LE(BigInt(data.length), 8);
    iov.writeBigUInt64LE(address, 16);
    iov.writeBigUInt64LE(BigInt(data.length), 24);
    return Number(fn(tid, iov, 1, iov.subarray(16), 1, 0));
  }

  /** A duplicate of the caller's descriptor, to be closed by who asked. Throws CallError or UninspectableError. */
  duplicate(tid: number, fd: number): number {
    if (fd < 0) throw new CallError(libc.E.EBADF);
    let duplicate = libc.pidfdGetfd(this.pidfd(tid), fd);
    if (duplicate < 0 && libc.errno() === libc.E.ESRCH) {
      // The thread of the cached pidfd is dead and its id was used again.
      this.forget(tid);
      duplicate = libc.pidfdGetfd(this.pidfd(tid), fd);
    }
    if (duplicate >= 0) return duplicate;
    const errno = libc.errno();
    throw errno === libc.E.EPERM ? new UninspectableError() : new CallError(errno);
  }

  /** A pidfd of the thread (kernels before 6.9: of its process). Owned by the cache. */
  pidfd(tid: number): number {
    const known = this.#pidfds.get(tid);
    if (known !== undefined) return known;
    const fd = this.openPidfd(tid);
    for (const old of this.#pidfds.keys()) {
      if (this.#pidfds.size < CACHED_PIDFDS) break;
      this.forget(old);
    }
    this.#pidfds.set(tid, fd);
    return fd;
  }

  /** A pidfd of one's own, which turns readable when the thread (or on old kernels its process) ends. */
  openPidfd(tid: number): number {
    let fd = this.#threadPidfds ? libc.pidfdOpen(tid, PIDFD_THREAD) : -1;
    if (fd < 0 && (!this.#threadPidfds || libc.errno() === libc.E.EINVAL)) {
      this.#threadPidfds = false;
      fd = libc.pidfdOpen(processOf(tid), 0);
    }
    if (fd < 0) throw new CallError(libc.errno());
    return fd;
  }

  forget(tid: number): void {
    const fd = this.#pidfds.get(tid);
    if (fd !== undefined) libc.close(fd);
    this.#pidfds.delete(tid);
  }

  close(): void {
    for (const tid of this.#pidfds.keys()) this.forget(tid);
  }
}

/** Thread group id of a thread. Throws CallError ESRCH when it is gone. */
export function processOf(tid: number): number {
  try {
    return Number(/^Tgid:\s*(\d+)/m.exec(readFileSync(`/proc/${tid}/status`, 'latin1'))?.[1] ?? tid);
  } catch {
    throw new CallError(libc.E.ESRCH);
  }
}
