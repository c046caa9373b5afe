import { closeSync, openSync, readSync } from 'node:fs';

const buffer = Buffer.alloc(4096);

/** Reads up to `limit` bytes of a /proc file in one read. Throws when it cannot be read. */
export function readProc(path: string, limit = buffer.length): Buffer {
  const into = limit <= buffer.length ? buffer : Buffer.alloc(limit);
  const fd = openSync(path, 'r');
  try {
    return into.subarray(0, readSync(fd, into, 0, limit, null));
  } finally {
    closeSync(fd);
  }
}

/** Fields of /proc/PID/stat (proc(5)); `started` in clock ticks since boot. */
export interface ProcStat {
  /** R, S, D, Z, T … */
  readonly state: string;
  readonly parent: number;
  readonly started: number;
  /** Differs after every fork and exec: start time, parent, bottom of the stack and program start. */
  readonly stamp: string;
}

/** Parses a stat line. The command's name may hold spaces and brackets, so fields count from the last bracket. */
export function parseStat(text: string): ProcStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => fields[number - 3] ?? '0';
  return {
    state: field(3),
    parent: Number(field(4)),
    started: Number(field(22)),
    stamp: `${field(22)} ${field(4)} ${field(28)} ${field(48)}`,
  };
}

export const statOf = (path: string): ProcStat => parseStat(readProc(`${path}/stat`).toString('latin1'));
