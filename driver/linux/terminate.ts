import { readdirSync } from 'node:fs';
import { statOf } from './proc-stat.ts';

export interface TerminateOptions {
  /** The supervised command. */
  readonly pid: number;
  /** It leads a process group of its own. */
  readonly group: boolean;
  /** Other processes that were seen under supervision. */
  readonly callers: readonly number[];
  readonly graceMs: number;
}

interface Victim {
  readonly pid: number;
  readonly started: number;
}

function victimOf(pid: number): Victim | undefined {
  try {
    return { pid, started: statOf(`/proc/${pid}`).started };
  } catch {
    return undefined;
  }
}

/** The command and what descends from it, as /proc shows it now. */
function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const { parent } = statOf(`/proc/${name}`);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // It ended meanwhile.
    }
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}

const alive = (victim: Victim): boolean => {
  const now = victimOf(victim.pid);
  return now !== undefined && now.started === victim.started && stateOf(victim.pid) !== 'Z';
};

function stateOf(pid: number): string {
  try {
    return statOf(`/proc/${pid}`).state;
  } catch {
    return 'Z';
  }
}

/** SIGTERM to the command, its group and every process that is known to belong to it; SIGKILL to what is left after the grace. */
export async function terminate(options: TerminateOptions): Promise<void> {
  const pids = new Set([...descendants(options.pid), ...options.callers]);
  pids.delete(process.pid);
  const victims = [...pids].flatMap(pid => victimOf(pid) ?? []);
  const send = (signal: NodeJS.Signals) => {
    if (options.group) kill(-options.pid, signal);
    for (const victim of victims) if (alive(victim)) kill(victim.pid, signal);
  };
  send('SIGTERM');
  const deadline = performance.now() + options.graceMs;
  while (victims.some(alive) && performance.now() < deadline) await new Promise(resolve => setTimeout(resolve, 10));
  send('SIGKILL');
}
