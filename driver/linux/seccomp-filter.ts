import { type Architecture, FLOW_LABEL, REFUSED_FAMILIES, REFUSED_OPTIONS, REFUSED_PROTOCOLS } from './arch.ts';
import { E } from './libc-constants.ts';

/** One classic BPF instruction: struct sock_filter of linux/filter.h. */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Return values of a seccomp filter (linux/seccomp.h). */
export const RET = { ALLOW: 0x7fff0000, NOTIFY: 0x7fc00000, ERRNO: 0x00050000 } as const;
/** Offsets in struct seccomp_data. Arguments are 64 bits wide, low half first on both architectures. */
const OFFSET = { nr: 0, arch: 4, low: (arg: number) => 16 + 8 * arg, high: (arg: number) => 20 + 8 * arg } as const;
const AF_INET = 2;
const AF_INET6 = 10;
const MSG_FASTOPEN = 0x20000000;

const load = (offset: number): Instruction => ({ code: 0x20, jt: 0, jf: 0, k: offset });
const ret = (value: number): Instruction => ({ code: 0x06, jt: 0, jf: 0, k: value });
const equal = (k: number, jt: number, jf: number): Instruction => ({ code: 0x15, jt, jf, k });
const atLeast = (k: number, jt: number, jf: number): Instruction => ({ code: 0x35, jt, jf, k });
const and = (k: number): Instruction => ({ code: 0x54, jt: 0, jf: 0, k });
const anyBit = (k: number, jt: number, jf: number): Instruction => ({ code: 0x45, jt, jf, k });

/**
 * The filter program. A call of a foreign architecture and x32 numbers get ENOSYS, which programs know how to live with; so
 * does io_uring_setup, because io_uring connects without a call that seccomp sees. `sendto` without an address (that is
 * `send`) is let through here: it names no remote and would cost a round trip each. `recvfrom` that asks for the sender's address is
 * trapped because resolvers read their answers so.
 */
export function filterProgram(arch: Architecture): Instruction[] {
  const { trapped } = arch;
  const out: Instruction[] = [load(OFFSET.arch), equal(arch.audit, 1, 0), ret(RET.ERRNO | E.ENOSYS), load(OFFSET.nr)];
  if (arch.foreignFrom !== undefined) out.push(atLeast(arch.foreignFrom, 0, 1), ret(RET.ERRNO | E.ENOSYS));
  for (const name of ['connect', 'sendmsg', 'sendmmsg', 'bind', 'listen'] as const) {
    out.push(equal(trapped[name], 0, 1), ret(RET.NOTIFY));
  }
  out.push(equal(arch.ioUringSetup, 0, 1), ret(RET.ERRNO | E.ENOSYS));
  // sendto(fd, buffer, length, flags, address, addressLength)
  const sendto = [
    load(OFFSET.low(4)),
    equal(0, 0, 4),
    load(OFFSET.high(4)),
    equal(0, 0, 2),
    load(OFFSET.low(3)),
    anyBit(MSG_FASTOPEN, 0, 1),
    ret(RET.NOTIFY),
    ret(RET.ALLOW),
  ];
  out.push(equal(trapped.sendto, 0, sendto.length), ...sendto);
  // recvfrom(fd, buffer, length, flags, address, addressLength): resolvers give an address, receivers of streams do not.
  const recvfrom = [load(OFFSET.low(4)), equal(0, 0, 2), load(OFFSET.high(4)), equal(0, 1, 0), ret(RET.NOTIFY), ret(RET.ALLOW)];
  out.push(equal(trapped.recvfrom, 0, recvfrom.length), ...recvfrom);
  // setsockopt(fd, level, option, value, length)
  const setsockopt = REFUSED_OPTIONS.flatMap(({ level, name }) => [
    load(OFFSET.low(1)),
    equal(level, 0, 3),
    load(OFFSET.low(2)),
    equal(name, 0, 1),
    ret(RET.ERRNO | E.EPERM),
  ]);
  setsockopt.push(load(OFFSET.low(1)), equal(FLOW_LABEL.level, 0, 5), load(OFFSET.low(2)), equal(FLOW_LABEL.name, 0, 3));
  setsockopt.push(load(OFFSET.low(4)), atLeast(FLOW_LABEL.size + 1, 0, 1), ret(RET.ERRNO | E.EPERM));
  out.push(equal(arch.setsockopt, 0, setsockopt.length + 1), ...setsockopt, ret(RET.ALLOW));
  // socket(family, type, protocol)
  const socket: Instruction[] = [load(OFFSET.low(0))];
  for (const family of Object.values(REFUSED_FAMILIES)) socket.push(equal(family, 0, 1), ret(RET.ERRNO | E.EAFNOSUPPORT));
  // SOCK_SEQPACKET (5) of the internet families is SCTP also with protocol 0; of AF_UNIX it is harmless.
  socket.push(equal(AF_INET, 1, 0), equal(AF_INET6, 0, 4), load(OFFSET.low(1)), and(0xf), equal(5, 0, 1));
  socket.push(ret(RET.ERRNO | E.EPROTONOSUPPORT), load(OFFSET.low(2)));
  for (const protocol of Object.values(REFUSED_PROTOCOLS)) {
    socket.push(equal(protocol, 0, 1), ret(RET.ERRNO | E.EPROTONOSUPPORT));
  }
  out.push(equal(arch.socket, 0, socket.length), ...socket, ret(RET.ALLOW));
  return out;
}

/** The program as an array of struct sock_filter, little endian as both architectures are. */
export function encodeProgram(program: readonly Instruction[]): Buffer {
  const out = Buffer.alloc(program.length * 8);
  program.forEach((instruction, index) => {
    out.writeUInt16LE(instruction.code, index * 8);
    out.writeUInt8(instruction.jt, index * 8 + 2);
    out.writeUInt8(instruction.jf, index * 8 + 3);
    out.writeUInt32LE(instruction.k >>> 0, index * 8 + 4);
  });
  return out;
}
