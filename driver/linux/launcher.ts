/**
 * Started by `createRunSource`: puts a seccomp filter on itself, hands the listener to its parent and becomes the command.
 *
 * argv: STATUS_FD, COMMAND, ARGUMENTS… Over STATUS_FD (a pair of pipes: STATUS_FD out, STATUS_FD + 1 in) it writes one line,
 * `listener N` or `error TEXT`, then waits for one byte, then executes. After a failed exec it writes `exec` and why, as a JSON string.
 * From the filter on nothing may be called that is trapped: nobody listens yet.
 */
import { readSync, writeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { ARCHITECTURES } from './arch.ts';
import { restrictTcp } from './landlock.ts';
import type { LaunchSettings } from './launch-status.ts';
import * as libc from './libc.ts';
import { procStrings, rawBytes, rawVariables } from './raw-strings.ts';
import { encodeProgram, filterProgram } from './seccomp-filter.ts';

const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;
const FLAG_NEW_LISTENER = 8;
const FLAG_WAIT_KILLABLE_RECV = 32;
const CLOSE_RANGE_CLOEXEC = 4;
const F_SETFD = 2;
const RLIMIT_NOFILE = 7;
const SIGNALS_THAT_NODE_IGNORES = [13 /* SIGPIPE */, 25 /* SIGXFSZ */];
/** What POSIX shells answer: not executable, not found. */
const EXIT_NOT_EXECUTABLE = 126;
const EXIT_NOT_FOUND = 127;

const statusFd = Number(process.argv[2]);
const command = process.argv.slice(3);
/** Arguments need not be UTF-8, but node can only pass such. Read before the parent forbids inspection. */
const rawCommand = rawBytes(command, procStrings(`/proc/${process.ppid}/cmdline`));
const parentVariables = procStrings(`/proc/${process.ppid}/environ`);
const errorName = (): string => getSystemErrorName(-libc.errno());

/** Tells the parent. When that is gone (it was killed) there is nobody to tell, and nothing to become. */
function tell(line: string): void {
  try {
    writeSync(statusFd, `${line}\n`);
  } catch {
    process.exit(1);
  }
}

function fail(message: string, code: number): never {
  tell(`error ${message}`);
  process.exit(code);
}

function installFilter(): number {
  const arch = ARCHITECTURES[process.arch];
  if (!arch) fail(`this machine's architecture (${process.arch}) is not supported: x64 and arm64 are`, 1);
  if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) fail(`prctl(PR_SET_NO_NEW_PRIVS): ${errorName()}`, 1);
  restrictTcp();
  const program = encodeProgram(filterProgram(arch));
  const header = Buffer.alloc(16);
  header.writeUInt16LE(program.length / 8, 0);
  header.writeBigUInt64LE(libc.addressOf(program), 8);
  let listener = libc.seccomp(SECCOMP_SET_MODE_FILTER, FLAG_NEW_LISTENER | FLAG_WAIT_KILLABLE_RECV, header);
  // Kernels before 5.19 do not know the second flag.
  if (listener < 0 && libc.errno() === libc.E.EINVAL) listener = libc.seccomp(SECCOMP_SET_MODE_FILTER, FLAG_NEW_LISTENER, header);
  if (listener >= 0) return listener;
  switch (errorName()) {
    case 'EBUSY':
      return fail('seccomp: another supervisor already listens for this process; sallyport cannot run inside itself', 1);
    case 'EINVAL':
    case 'ENOSYS':
      return fail('seccomp: this kernel has no user notification; Linux 5.6 or newer is needed', 1);
    default:
      return fail(
        `seccomp: the kernel refused the filter (${errorName()}); a container may forbid it, see \`sallyport doctor\``,
        1,
      );
  }
}

/** Undoes what the node runtime changed, so that the command starts as from a shell. */
function restoreProcess(): void {
  for (const signal of SIGNALS_THAT_NODE_IGNORES) libc.signalDefault(signal);
  libc.unblockAllSignals();
  const { env, openFiles } = JSON.parse(process.env['SALLYPORT_LAUNCH'] ?? '{"env":{}}') as LaunchSettings;
  delete process.env['SALLYPORT_LAUNCH'];
  Object.assign(process.env, env);
  for (const { known, name, value } of rawVariables(process.env, parentVariables)) {
    delete process.env[known];
    libc.setenv(name, value);
  }
  if (openFiles !== undefined) limitOpenFiles(openFiles);
  libc.closeRange(3, 0x7fffffff, CLOSE_RANGE_CLOEXEC);
  // Node marks its standard streams to close on exec.
  for (const stdio of [0, 1, 2]) libc.fcntl(stdio, F_SETFD, 0);
}

function limitOpenFiles(soft: number): void {
  const limit = Buffer.alloc(16);
  if (libc.getrlimit(RLIMIT_NOFILE, limit) !== 0 || BigInt(soft) > limit.readBigUInt64LE(8)) return;
  limit.writeBigUInt64LE(BigInt(soft), 0);
  libc.setrlimit(RLIMIT_NOFILE, limit);
}

function execute(): void {
  const file = command[0] ?? '';
  libc.execvp(rawCommand);
  const code = libc.errno();
  const missing = code === libc.E.ENOENT;
  const reason = missing ? 'command not found' : code === libc.E.EACCES ? 'not executable' : getSystemErrorName(-code);
  tell(`exec ${JSON.stringify(`${file}: ${reason}`)}`);
  process.exit(missing ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

tell(`listener ${installFilter()}`);
if (readSync(statusFd + 1, Buffer.alloc(1)) !== 1) process.exit(1);
restoreProcess();
execute();
