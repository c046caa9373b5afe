import { readdirSync, readFileSync } from 'node:fs';

/**
 * Whether a signal waits for a thread that sleeps in a held call. `certain`: the kernel marked this very thread, so a restart
 * code will be turned into EINTR or a restart. `possible`: another thread of the process may be the marked one; a restart code
 * would then reach the program as it is, so only EINTR may be answered.
 */
export type Interruption = 'none' | 'certain' | 'possible';

interface SignalState {
  readonly own: bigint;
  readonly shared: bigint;
  readonly blocked: bigint;
}

/** Parses the signal sets of /proc/PID/status. */
export function parseSignals(status: string): SignalState {
  const set = (name: string) => BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0'}`);
  return { own: set('SigPnd'), shared: set('ShdPnd'), blocked: set('SigBlk') };
}

const signalsOf = (path: string): SignalState => parseSignals(readFileSync(`${path}/status`, 'latin1'));

/** @param tid the waiting thread */
export function pendingInterruption(tid: number): Interruption {
  try {
    const status = readFileSync(`/proc/${tid}/status`, 'latin1');
    const state = parseSignals(status);
    if ((state.own & ~state.blocked) !== 0n) return 'certain';
    const shared = state.shared & ~state.blocked;
    if (shared === 0n) return 'none';
    const pid = Number(/^Tgid:\s*(\d+)/m.exec(status)?.[1] ?? tid);
    // The kernel prefers the first thread; if that blocks the signal, a thread that is the only one to take it.
    if (pid === tid) return 'certain';
    if ((shared & ~signalsOf(`/proc/${pid}`).blocked) !== 0n) return 'none';
    const takers = readdirSync(`/proc/${pid}/task`).filter(
      thread => (shared & ~signalsOf(`/proc/${pid}/task/${thread}`).blocked) !== 0n,
    );
    return takers.length === 1 ? 'certain' : 'possible';
  } catch {
    return 'none';
  }
}
