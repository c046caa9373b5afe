import { existsSync, readFileSync } from 'node:fs';
import { ARCHITECTURES } from './arch.ts';
import { CallerAccess } from './caller.ts';
import { landlockVersion } from './landlock.ts';
import * as libc from './libc.ts';
import { notificationSizes } from './listener.ts';

export interface RunProblem {
  readonly what: string;
  /** What to do about it, in one line. */
  readonly fix: string;
}

export interface RunProbe {
  /** `sallyport run` can hold connections here. */
  readonly ok: boolean;
  /** What is missing, gravest first; with `ok` only what makes it weaker. */
  readonly problems: readonly RunProblem[];
}

const SECCOMP_GET_ACTION_AVAIL = 2;
const USER_NOTIF = 0x7fc00000;

/** Asks what holding connections without root needs of this machine. Changes nothing. */
export function probeRun(): RunProbe {
  if (process.platform !== 'linux') {
    return {
      ok: false,
      problems: [{ what: `this is ${process.platform}, not Linux`, fix: 'use a Linux machine, or play a recording' }],
    };
  }
  if (!ARCHITECTURES[process.arch]) {
    const what = `the processor architecture ${process.arch} is not supported`;
    return { ok: false, problems: [{ what, fix: 'use an x64 or arm64 machine' }] };
  }
  const fatal = [...seccompProblems(), ...pidfdProblems(), ...memoryProblems()];
  return { ok: fatal.length === 0, problems: [...fatal, ...weaknesses()] };
}

function seccompProblems(): RunProblem[] {
  const action = Buffer.alloc(4);
  action.writeUInt32LE(USER_NOTIF);
  if (notificationSizes() && libc.seccomp(SECCOMP_GET_ACTION_AVAIL, 0, action) === 0) return [];
  const errno = libc.errno();
  if (errno === libc.E.EPERM) {
    return [{ what: 'seccomp is forbidden here', fix: 'in a container: run it with --security-opt seccomp=unconfined' }];
  }
  return [{ what: 'the kernel has no seccomp user notification', fix: 'boot Linux 5.6 or newer with CONFIG_SECCOMP_FILTER=y' }];
}

function pidfdProblems(): RunProblem[] {
  const self = libc.pidfdOpen(process.pid, 0);
  if (self < 0) return [{ what: 'pidfd_open does not work', fix: 'boot Linux 5.6 or newer; in a container allow the call' }];
  const duplicate = libc.pidfdGetfd(self, self);
  libc.close(self);
  if (duplicate < 0)
    return [{ what: 'pidfd_getfd does not work', fix: 'boot Linux 5.6 or newer; in a container allow the call' }];
  libc.close(duplicate);
  const scope = yamaScope();
  if (scope < 2) return [];
  return [{ what: `kernel.yama.ptrace_scope is ${scope}`, fix: 'sysctl kernel.yama.ptrace_scope=1 (as root)' }];
}

function memoryProblems(): RunProblem[] {
  const source = Buffer.from('memory');
  try {
    if (new CallerAccess().read(process.pid, libc.addressOf(source), source.length).equals(source)) return [];
  } catch {
    // Told below.
  }
  return [{ what: 'process_vm_readv does not work', fix: 'in a container: allow the call (docker run --cap-add SYS_PTRACE)' }];
}

function yamaScope(): number {
  const path = '/proc/sys/kernel/yama/ptrace_scope';
  try {
    return existsSync(path) ? Number(readFileSync(path, 'latin1')) : 0;
  } catch {
    return 0;
  }
}

function weaknesses(): RunProblem[] {
  if (landlockVersion() >= 4) return [];
  const what = 'Landlock does not know TCP here: a hostile program with several threads has one wall less before it';
  return [{ what, fix: 'boot Linux 6.7 or newer with landlock in the lsm= list' }];
}
