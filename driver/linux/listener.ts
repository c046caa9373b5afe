import * as libc from './libc.ts';
import { HANG_UP, READABLE, readyNow } from './poller.ts';

/** ioctl numbers and layouts of linux/seccomp.h. */
const RECV = 0xc0502100;
const SEND = 0xc0182101;
const ID_VALID = 0x40082102;
const SET_FLAGS = 0x40082104;
const SYNC_WAKE_UP = 1;
const FLAG_CONTINUE = 1;
const SECCOMP_GET_NOTIF_SIZES = 3;
const KNOWN_NOTIFICATION = 80;
const KNOWN_RESPONSE = 24;

/** A trapped call. Arguments as the registers held them: they cannot change any more. */
export class Call {
  readonly id: bigint;
  /** Thread id of the caller, as seen from here. */
  readonly tid: number;
  readonly nr: number;
  readonly #args: Buffer;
  constructor(notification: Buffer) {
    this.id = notification.readBigUInt64LE(0);
    this.tid = notification.readUInt32LE(8);
    this.nr = notification.readInt32LE(16);
    this.#args = Buffer.from(notification.subarray(32, 80));
  }
  /** Argument as a C int. */
  int(index: number): number {
    return this.#args.readInt32LE(index * 8);
  }
  /** Argument as a pointer or size_t. */
  long(index: number): bigint {
    return this.#args.readBigUInt64LE(index * 8);
  }
}

/** Sizes of the kernel's structures: seccomp_notif, seccomp_notif_resp. Undefined where user notification is missing. */
export function notificationSizes(): { notification: number; response: number } | undefined {
  const sizes = Buffer.alloc(6);
  if (libc.seccomp(SECCOMP_GET_NOTIF_SIZES, 0, sizes) !== 0) return undefined;
  return { notification: sizes.readUInt16LE(0), response: sizes.readUInt16LE(2) };
}

/** The listener descriptor of a seccomp filter. */
export class Listener {
  readonly fd: number;
  readonly #notification: Buffer;
  readonly #response: Buffer;
  readonly #id = Buffer.alloc(8);

  constructor(fd: number) {
    const sizes = notificationSizes();
    if (!sizes) throw new Error('seccomp: this kernel has no user notification; Linux 5.6 or newer is needed');
    this.fd = fd;
    this.#notification = Buffer.alloc(Math.max(sizes.notification, KNOWN_NOTIFICATION));
    this.#response = Buffer.alloc(Math.max(sizes.response, KNOWN_RESPONSE));
    // Wakes the waiting side on the same processor; kernels before 6.6 lack it and need not have it.
    libc.ioctlNumber(fd, SET_FLAGS, SYNC_WAKE_UP);
  }

  /** True once the last supervised process is gone. */
  get drained(): boolean {
    return (readyNow(this.fd, READABLE) & HANG_UP) !== 0;
  }

  /** The next trapped call; undefined when none waits or the caller died. Never blocks. */
  receive(): Call | undefined {
    if ((readyNow(this.fd, READABLE) & READABLE) === 0) return undefined;
    this.#notification.fill(0);
    return libc.ioctl(this.fd, RECV, this.#notification) === 0 ? new Call(this.#notification) : undefined;
  }

  /** Is the caller still waiting in this call? What was read of its process before is only then its own. */
  isValid(id: bigint): boolean {
    this.#id.writeBigUInt64LE(id);
    return libc.ioctl(this.fd, ID_VALID, this.#id) === 0;
  }

  /**
   * Ends the call. `error` is a positive errno or 0. False when the caller is gone.
   */
  respond(id: bigint, error: number, value = 0): boolean {
    return this.#send(id, error, value, 0);
  }

  /** Lets the kernel run the call itself, reading its memory again: only where nothing depends on what was checked. */
  continue(id: bigint): boolean {
    return this.#send(id, 0, 0, FLAG_CONTINUE);
  }

  close(): void {
    libc.close(this.fd);
  }

  #send(id: bigint, error: number, value: number, flags: number): boolean {
    const r = this.#response;
    r.writeBigUInt64LE(id, 0);
    r.writeBigInt64LE(BigInt(value), 8);
    r.writeInt32LE(-error, 16);
    r.writeUInt32LE(flags, 20);
    return libc.ioctl(this.fd, SEND, r) === 0;
  }
}
