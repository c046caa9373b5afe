import { readFileSync, readlinkSync, statSync } from 'node:fs';
import type { Identity, ProcessIdentity } from '../../engine/model/attempt.ts';
import { type ProcStat, readProc, statOf } from './proc-stat.ts';

const MAX_COMMAND_LINE = 32 * 1024;
const MAX_PARENTS = 32;
const MAX_CACHED = 512;
const PARENT_FRESH_MS = 250;
/** USER_HZ is 100 on every architecture that is supported. */
const TICKS_PER_SECOND = 100;

interface Cached {
  readonly stamp: string;
  readonly process: ProcessIdentity;
  readonly parent: number;
  /** performance.now() when it was last seen to be so. */
  readAt: number;
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** Reads who a process is out of /proc. What cannot be read stays unknown. */
export class IdentityReader {
  readonly #processes = new Map<number, Cached>();
  readonly #threads = new Map<number, { stamp: string; pid: number }>();
  readonly #bootTime: number;
  #users: { readonly mtime: number; readonly names: Map<number, string> } | undefined;
  /** This program: left out of the parents, which end with the process that started it. */
  readonly supervisor: number;

  constructor(supervisor: number) {
    this.supervisor = supervisor;
    const seconds = attempt(() => Number(/^btime (\d+)/m.exec(readFileSync('/proc/stat', 'latin1'))?.[1]));
    this.#bootTime = (seconds ?? 0) * 1000;
  }

  /** Who the thread `tid` is. Read again after every exec; check that the call is still valid after this. */
  identify(tid: number): Identity {
    const thread = attempt(() => statOf(`/proc/${tid}/task/${tid}`));
    const pid = this.#processOfThread(tid, thread?.stamp);
    // The first thread's own line holds what the process's line does.
    const self = this.#read(pid, pid === tid ? thread : attempt(() => statOf(`/proc/${pid}`)));
    if (!self) return { pid, parents: [] };
    const parents: ProcessIdentity[] = [];
    let next = self.parent;
    let above = false;
    while (next > 0 && parents.length < MAX_PARENTS) {
      const parent = this.#parent(next);
      if (!parent) break;
      if (next === this.supervisor) above = true;
      else parents.push(parent.process);
      if (above && next !== this.supervisor) break;
      next = parent.parent;
    }
    return { ...self.process, parents };
  }

  /** Start time of a process as `identify` gives it; undefined when it is gone. */
  startOf(pid: number): number | undefined {
    const stat = attempt(() => statOf(`/proc/${pid}`));
    return stat && this.#startTime(stat.started);
  }

  #startTime(ticks: number): number | undefined {
    return this.#bootTime > 0 ? this.#bootTime + (ticks * 1000) / TICKS_PER_SECOND : undefined;
  }

  /** Parents wait for their children most of the time: they are looked at again after a moment only. */
  #parent(pid: number): Cached | undefined {
    const now = performance.now();
    const known = this.#processes.get(pid);
    if (known && now - known.readAt < PARENT_FRESH_MS) return known;
    return this.#read(
      pid,
      attempt(() => statOf(`/proc/${pid}`)),
    );
  }

  #processOfThread(tid: number, stamp: string | undefined): number {
    if (stamp === undefined) return tid;
    const known = this.#threads.get(tid);
    if (known?.stamp === stamp) return known.pid;
    const status = attempt(() => readProc(`/proc/${tid}/status`).toString('latin1')) ?? '';
    const pid = Number(/^Tgid:\s*(\d+)/m.exec(status)?.[1] ?? tid);
    bound(this.#threads);
    this.#threads.set(tid, { stamp, pid });
    return pid;
  }

  #read(pid: number, stat: ProcStat | undefined): Cached | undefined {
    const path = `/proc/${pid}`;
    if (!stat) return undefined;
    const known = this.#processes.get(pid);
    if (known?.stamp === stat.stamp) {
      known.readAt = performance.now();
      return known;
    }
    const status = attempt(() => readProc(`${path}/status`).toString('latin1')) ?? '';
    const uidText = /^Uid:\s*\d+\s+(\d+)/m.exec(status)?.[1];
    const uid = uidText === undefined ? undefined : Number(uidText);
    const groups = /^Groups:[ \t]*([\d ]*)/m.exec(status)?.[1]?.trim();
    const gid = /^Gid:\s*\d+\s+(\d+)/m.exec(status)?.[1];
    const user = uid === undefined ? undefined : this.#user(uid);
    const startTime = this.#startTime(stat.started);
    const exe = attempt(() => readlinkSync(`${path}/exe`));
    const cwd = attempt(() => readlinkSync(`${path}/cwd`));
    const commandLine = attempt(() => readProc(`${path}/cmdline`, MAX_COMMAND_LINE).toString('utf8'));
    const process: ProcessIdentity = {
      pid,
      ...(exe === undefined ? {} : { path: exe }),
      ...(commandLine ? { commandLine: commandLine.replace(/\0$/, '').split('\0') } : {}),
      ...(cwd === undefined ? {} : { cwd }),
      ...(uid === undefined ? {} : { uid, sid: `S-1-22-1-${uid}` }),
      ...(user === undefined ? {} : { user }),
      ...(gid === undefined ? {} : { gids: [...new Set([gid, ...(groups ? groups.split(' ') : [])])].map(Number) }),
      ...(startTime === undefined ? {} : { startTime }),
    };
    const cached = { stamp: stat.stamp, process, parent: stat.parent, readAt: performance.now() };
    bound(this.#processes);
    this.#processes.set(pid, cached);
    return cached;
  }

  /** Name of a user by /etc/passwd, which is read again when it changed. */
  #user(uid: number): string | undefined {
    const mtime = attempt(() => statSync('/etc/passwd').mtimeMs) ?? 0;
    if (this.#users?.mtime !== mtime) {
      const names = new Map<number, string>();
      for (const line of (attempt(() => readFileSync('/etc/passwd', 'utf8')) ?? '').split('\n')) {
        const [name, , id] = line.split(':');
        if (name && id && !names.has(Number(id))) names.set(Number(id), name);
      }
      this.#users = { mtime, names };
    }
    return this.#users.names.get(uid);
  }
}

/** Forgets the oldest entry of a full cache. */
function bound(cache: Map<number, unknown>): void {
  if (cache.size < MAX_CACHED) return;
  for (const oldest of cache.keys()) return void cache.delete(oldest);
}
