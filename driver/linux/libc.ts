import koffi from 'koffi';

export { E } from './libc-constants.ts';

/**
 * The few functions of libc that the supervisor and the launcher need, through koffi. Works with glibc and musl: everything
 * newer than 2010 goes through `syscall(2)` by number. Numbers from the kernel's asm-generic/unistd.h; those above 424 are the
 * same on every architecture.
 */
const lib = koffi.load(null);

/** Numbers of system calls that are equal on x86-64 and arm64. */
const NR = {
  pidfd_open: 434,
  close_range: 436,
  pidfd_getfd: 438,
  landlock_create_ruleset: 444,
  landlock_restrict_self: 446,
} as const;
const PER_ARCH: { readonly [arch: string]: { readonly seccomp: number } | undefined } = {
  x64: { seccomp: 317 },
  arm64: { seccomp: 277 },
};

const fn = (result: string, name: string, ...args: string[]): ((...args: unknown[]) => number) => lib.func(name, result, args);

export const errno = (): number => koffi.errno();
/** Address of a buffer's first byte. The buffer must stay alive and must not be resized while the address is in use. */
export const addressOf = (buffer: Uint8Array): bigint => koffi.address(buffer);

export const read = fn('long', 'read', 'int', 'void *', 'size_t');
export const write = fn('long', 'write', 'int', 'const void *', 'size_t');
export const close = fn('int', 'close', 'int');
export const pipe2 = fn('int', 'pipe2', 'void *', 'int');
export const ioctl = fn('int', 'ioctl', 'int', 'unsigned long', 'void *');
/** ioctl(2) whose argument is a number instead of a pointer. */
export const ioctlNumber = fn('int', 'ioctl', 'int', 'unsigned long', 'unsigned long');
export const fcntl = fn('int', 'fcntl', 'int', 'int', 'long');
export const poll = fn('int', 'poll', 'void *', 'unsigned long', 'int');
export const epollCreate1 = fn('int', 'epoll_create1', 'int');
export const epollCtl = fn('int', 'epoll_ctl', 'int', 'int', 'int', 'void *');
export const epollWait = fn('int', 'epoll_wait', 'int', 'void *', 'int', 'int');
export const processVmReadv = fn('long', 'process_vm_readv', 'int', 'void *', 'ulong', 'void *', 'ulong', 'ulong');
export const processVmWritev = fn('long', 'process_vm_writev', 'int', 'void *', 'ulong', 'void *', 'ulong', 'ulong');
export const socket = fn('int', 'socket', 'int', 'int', 'int');
export const connect = fn('int', 'connect', 'int', 'void *', 'uint32_t');
export const bind = fn('int', 'bind', 'int', 'void *', 'uint32_t');
export const shutdown = fn('int', 'shutdown', 'int', 'int');
export const listen = fn('int', 'listen', 'int', 'int');
export const sendmsg = fn('long', 'sendmsg', 'int', 'void *', 'int');
export const recv = fn('long', 'recv', 'int', 'void *', 'size_t', 'int');
export const getsockopt = fn('int', 'getsockopt', 'int', 'int', 'int', 'void *', 'void *');
export const setsockopt = fn('int', 'setsockopt', 'int', 'int', 'int', 'void *', 'uint32_t');
export const getsockname = fn('int', 'getsockname', 'int', 'void *', 'void *');
export const getpeername = fn('int', 'getpeername', 'int', 'void *', 'void *');
export const prctl = fn('int', 'prctl', 'int', 'ulong', 'ulong', 'ulong', 'ulong');
export const setrlimit = fn('int', 'setrlimit', 'int', 'void *');
export const getrlimit = fn('int', 'getrlimit', 'int', 'void *');

const syscall2 = fn('long', 'syscall', 'long', 'long', 'long');
const syscall3 = fn('long', 'syscall', 'long', 'long', 'long', 'long');
const syscall3p = fn('long', 'syscall', 'long', 'long', 'long', 'void *');
const syscall3pp = fn('long', 'syscall', 'long', 'void *', 'size_t', 'long');

export const pidfdOpen = (pid: number, flags: number): number => Number(syscall2(NR.pidfd_open, pid, flags));
export const pidfdGetfd = (pidfd: number, fd: number): number => Number(syscall3(NR.pidfd_getfd, pidfd, fd, 0));
export const closeRange = (first: number, last: number, flags: number): number =>
  Number(syscall3(NR.close_range, first, last, flags));
/** seccomp(2). -1 with ENOSYS on an architecture that the tables do not know. */
export const seccomp = (operation: number, flags: number, args: Uint8Array | null): number =>
  Number(syscall3p(PER_ARCH[process.arch]?.seccomp ?? -1, operation, flags, args));
export const landlockCreateRuleset = (attr: Uint8Array | null, size: number, flags: number): number =>
  Number(syscall3pp(NR.landlock_create_ruleset, attr, size, flags));
export const landlockRestrictSelf = (ruleset: number): number => Number(syscall2(NR.landlock_restrict_self, ruleset, 0));
const tgkillNumber = process.arch === 'arm64' ? 131 : 234;
/** Sends a signal to one thread of a process. */
export const tgkill = (tgid: number, tid: number, signal: number): number => Number(syscall3(tgkillNumber, tgid, tid, signal));

const execvpBytes = fn('int', 'execvp', 'void *', 'void *');
const cString = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(1)]);
/** execvp(3) of the first argument; returns only on failure. */
export function execvp(args: readonly Buffer[]): void {
  const strings = args.map(cString);
  const pointers = Buffer.alloc(8 * (strings.length + 1));
  strings.forEach((string, index) => {
    pointers.writeBigUInt64LE(addressOf(string), 8 * index);
  });
  execvpBytes(strings[0], pointers);
}
const setenvBytes = fn('int', 'setenv', 'void *', 'void *', 'int');
/** setenv(3), replacing. */
export const setenv = (name: Buffer, value: Buffer): number => setenvBytes(cString(name), cString(value), 1);
/** signal(2) with SIG_DFL = 0. */
export const signalDefault = (() => {
  const signal = lib.func('signal', 'intptr_t', ['int', 'intptr_t']);
  return (number: number): void => {
    signal(number, 0);
  };
})();
/** sigprocmask(SIG_SETMASK, empty set). */
export const unblockAllSignals = (): void => {
  lib.func('sigprocmask', 'int', ['int', 'void *', 'void *'])(2, Buffer.alloc(128), null);
};

/** Calls `handler` on this thread's event loop whenever `fd` is readable, until the returned function is called. */
export function watchReadable(fd: number, handler: () => void): () => void {
  const handle = koffi.node.poll(fd, { readable: true }, handler);
  return () => {
    handle.stop();
    handle.close();
  };
}
