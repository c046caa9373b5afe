import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ARCHITECTURES, type Architecture, REFUSED_FAMILIES, REFUSED_OPTIONS } from './arch.ts';
import { E } from './libc.ts';
import { encodeProgram, filterProgram, type Instruction, RET } from './seccomp-filter.ts';

/** What the kernel does with a filter: the classic BPF instructions that seccomp allows and we use. */
function execute(program: readonly Instruction[], data: Buffer): number {
  let a = 0;
  for (let pc = 0; pc < program.length; pc++) {
    const { code, jt, jf, k } = program[pc]!;
    if (code === 0x06) return k;
    if (code === 0x20) a = data.readUInt32LE(k);
    else if (code === 0x54) a = (a & k) >>> 0;
    else if (code === 0x15) pc += a === k >>> 0 ? jt : jf;
    else if (code === 0x35) pc += a >= k ? jt : jf;
    else if (code === 0x45) pc += (a & k) !== 0 ? jt : jf;
    else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error('ran off the end');
}

function call(arch: Architecture, nr: number, args: readonly bigint[] = [], audit = arch.audit): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(nr >>> 0, 0);
  data.writeUInt32LE(audit >>> 0, 4);
  for (const [index, value] of args.entries()) data.writeBigUInt64LE(BigInt.asUintN(64, value), 16 + 8 * index);
  return execute(filterProgram(arch), data);
}

const errno = (number: number) => RET.ERRNO | number;

for (const [name, arch] of Object.entries(ARCHITECTURES)) {
  if (!arch) continue;
  const { trapped } = arch;

  test(`${name}: every call that can open a flow is handed over`, () => {
    for (const call_ of ['connect', 'sendmsg', 'sendmmsg', 'bind', 'listen'] as const) {
      expect(call(arch, trapped[call_]), call_).toBe(RET.NOTIFY);
    }
  });

  test(`${name}: send and recv pass, sendto and recvfrom with an address do not`, () => {
    const address = fc.bigInt({ min: 1n, max: (1n << 64n) - 1n });
    expect(call(arch, trapped.sendto, [3n, 1n, 1n, 0n, 0n, 0n])).toBe(RET.ALLOW);
    expect(call(arch, trapped.recvfrom, [3n, 1n, 1n, 0n, 0n, 0n])).toBe(RET.ALLOW);
    expect(call(arch, trapped.sendto, [3n, 1n, 1n, 0x20000000n, 0n, 0n])).toBe(RET.NOTIFY);
    fc.assert(
      fc.property(address, pointer => {
        expect(call(arch, trapped.sendto, [3n, 1n, 1n, 0n, pointer, 16n])).toBe(RET.NOTIFY);
        expect(call(arch, trapped.recvfrom, [3n, 1n, 1n, 0n, pointer, 16n])).toBe(RET.NOTIFY);
      }),
    );
  });

  test(`${name}: io_uring, foreign architectures and foreign numbers are refused`, () => {
    expect(call(arch, arch.ioUringSetup)).toBe(errno(E.ENOSYS));
    for (const audit of [0x40000003, 0x40000028, 0]) expect(call(arch, trapped.connect, [], audit)).toBe(errno(E.ENOSYS));
    if (arch.foreignFrom !== undefined) expect(call(arch, arch.foreignFrom + trapped.connect)).toBe(errno(E.ENOSYS));
  });

  test(`${name}: sockets that connect by other means are refused, others are not`, () => {
    for (const family of Object.values(REFUSED_FAMILIES)) {
      expect(call(arch, arch.socket, [BigInt(family), 1n, 0n])).toBe(errno(E.EAFNOSUPPORT));
    }
    const cloexec = 0o2000000n;
    expect(call(arch, arch.socket, [2n, 1n, 132n])).toBe(errno(E.EPROTONOSUPPORT));
    expect(call(arch, arch.socket, [10n, 5n | cloexec, 0n])).toBe(errno(E.EPROTONOSUPPORT));
    expect(call(arch, arch.socket, [1n, 5n, 0n])).toBe(RET.ALLOW);
    for (const type of [1n, 2n, 3n]) expect(call(arch, arch.socket, [2n, type | cloexec, 0n])).toBe(RET.ALLOW);
  });

  test(`${name}: source routes are refused, other options are not`, () => {
    for (const { level, name: option } of REFUSED_OPTIONS) {
      expect(call(arch, arch.setsockopt, [3n, BigInt(level), BigInt(option)])).toBe(errno(E.EPERM));
      expect(call(arch, arch.setsockopt, [3n, 1n, BigInt(option)])).toBe(RET.ALLOW);
    }
    // With IPv6 options behind it a flow label may bring a routing header.
    expect(call(arch, arch.setsockopt, [3n, 41n, 32n, 1n, 32n])).toBe(RET.ALLOW);
    expect(call(arch, arch.setsockopt, [3n, 41n, 32n, 1n, 72n])).toBe(errno(E.EPERM));
    expect(call(arch, arch.setsockopt, [3n, 1n, 32n, 1n, 72n])).toBe(RET.ALLOW);
    for (let option = 0n; option < 4n; option++) expect(call(arch, arch.setsockopt, [3n, 0n, option])).toBe(RET.ALLOW);
  });

  test(`${name}: everything else passes`, () => {
    const known = new Set([...Object.values(trapped), arch.socket, arch.setsockopt, arch.ioUringSetup]);
    for (let nr = 0; nr < 500; nr++) if (!known.has(nr)) expect(call(arch, nr, [5n, 5n, 132n, 0n, 1n])).toBe(RET.ALLOW);
  });
}

test('eight bytes an instruction, as struct sock_filter', () => {
  expect(encodeProgram([{ code: 0x15, jt: 1, jf: 2, k: 0xc000003e }]).toString('hex')).toBe('150001023e0000c0');
});
