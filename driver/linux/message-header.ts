import { CallError, type CallerAccess, MAX_DATA } from './caller.ts';
import * as libc from './libc.ts';

/** sizeof(struct msghdr) and of struct mmsghdr on 64-bit machines. */
export const MSGHDR_SIZE = 56;
export const MMSGHDR_SIZE = 64;
/** UIO_MAXIOV */
const MAX_IOV = 1024;
const MAX_CONTROL = 64 * 1024;

/** A struct msghdr, copied once. */
export interface CopiedHeader {
  readonly name: bigint;
  readonly nameLength: number;
  readonly iov: bigint;
  readonly iovLength: bigint;
  readonly control: bigint;
  readonly controlLength: bigint;
}

export function parseHeader(bytes: Buffer): CopiedHeader {
  return {
    name: bytes.readBigUInt64LE(0),
    nameLength: bytes.readInt32LE(8),
    iov: bytes.readBigUInt64LE(16),
    iovLength: bytes.readBigUInt64LE(24),
    control: bytes.readBigUInt64LE(32),
    controlLength: bytes.readBigUInt64LE(40),
  };
}

/** Copies what the vectors of a message point to. Throws CallError as the kernel would: EMSGSIZE, EFAULT, EINVAL. */
export function copyData(access: CallerAccess, tid: number, header: CopiedHeader): Buffer {
  if (header.iovLength > BigInt(MAX_IOV)) throw new CallError(libc.E.EMSGSIZE);
  const vectors = access.read(tid, header.iov, Number(header.iovLength) * 16);
  const parts: Buffer[] = [];
  let left = MAX_DATA;
  for (let at = 0; at < vectors.length; at += 16) {
    const length = vectors.readBigUInt64LE(at + 8);
    if (length > 0x7fffffffffffffffn) throw new CallError(libc.E.EINVAL);
    const take = length > BigInt(left) ? left : Number(length);
    if (take > 0) parts.push(access.read(tid, vectors.readBigUInt64LE(at), take));
    left -= take;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

export function copyControl(access: CallerAccess, tid: number, header: CopiedHeader): Buffer {
  if (header.controlLength > BigInt(MAX_CONTROL)) throw new CallError(libc.E.ENOBUFS);
  return header.controlLength === 0n ? Buffer.alloc(0) : access.read(tid, header.control, Number(header.controlLength));
}

/** A message of one's own, ready for sendmsg(2): header and vector point into the given buffers, which must stay alive. */
export class OwnMessage {
  readonly header = Buffer.alloc(MSGHDR_SIZE);
  readonly #vector = Buffer.alloc(16);
  readonly parts: readonly Buffer[];

  constructor(address: Buffer | undefined, data: Buffer, control: Buffer) {
    this.parts = [address ?? control, data, control, this.#vector];
    const h = this.header;
    if (address) {
      h.writeBigUInt64LE(libc.addressOf(address), 0);
      h.writeInt32LE(address.length, 8);
    }
    if (data.length > 0) this.#vector.writeBigUInt64LE(libc.addressOf(data), 0);
    this.#vector.writeBigUInt64LE(BigInt(data.length), 8);
    h.writeBigUInt64LE(libc.addressOf(this.#vector), 16);
    h.writeBigUInt64LE(1n, 24);
    if (control.length > 0) {
      h.writeBigUInt64LE(libc.addressOf(control), 32);
      h.writeBigUInt64LE(BigInt(control.length), 40);
    }
  }
}
