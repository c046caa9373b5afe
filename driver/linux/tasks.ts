import { getSystemErrorName } from 'node:util';
import type { ConnectionAttempt, SourceEvent, Verdict } from '../../engine/model/attempt.ts';
import { CallError, type CallerAccess } from './caller.ts';
import { LapsedCalls } from './lapsed.ts';
import * as libc from './libc.ts';
import type { Call, Listener } from './listener.ts';
import { type Answer, done, type Intent, type Plan, type Step, type Wait } from './plan.ts';
import { type Poller, READABLE } from './poller.ts';
import { pendingInterruption } from './signals.ts';
import type { DuplicateSocket } from './socket-facts.ts';

const SIGNAL_CHECK_MS = 100;
/** Waiting calls looked at per check: bounds what hundreds of them cost. */
const SIGNAL_CHECKS = 24;

/** A call that is not answered yet: held for a verdict, or permitted and in progress. */
export interface Task {
  readonly call: Call;
  readonly socket: DuplicateSocket;
  readonly plan: Plan;
  attempt: ConnectionAttempt | undefined;
  /** Errno that a pending signal makes of it. */
  interrupted: number;
  /** Undo watches. */
  readonly cleanup: (() => void)[];
  /** Undo what the current wait set up. */
  endWait?: (() => void) | undefined;
}

export interface TaskOptions {
  readonly listener: Listener;
  readonly poller: Poller;
  readonly access: CallerAccess;
  /** What a blocked connect or datagram answers; bind and listen always answer EACCES. */
  readonly blockErrno: number;
  readonly emit: (event: SourceEvent) => void;
  /** Errno for something that went wrong. */
  readonly errnoOf: (error: unknown) => number;
  readonly processOf: (tid: number) => number;
  /** Called just before a permitted call is carried out. */
  readonly permitted: (task: Task) => void;
}

/** Calls from the moment they are planned until they are answered, or their caller is gone. */
export class Tasks {
  readonly #o: TaskOptions;
  readonly #tasks = new Map<bigint, Task>();
  readonly #held = new Map<number, Task>();
  readonly #lapsed: LapsedCalls;
  #signalTimer: NodeJS.Timeout | undefined;

  constructor(options: TaskOptions) {
    this.#o = options;
    this.#lapsed = new LapsedCalls(({ id }) => options.emit({ type: 'withdrawn', id, reason: 'interrupted' }));
  }

  /** What waits for a verdict under this attempt's id. */
  heldIntent(id: number): Intent | undefined {
    return this.#held.get(id)?.plan.intent ?? this.#lapsed.byId(id)?.intent;
  }

  isWaitingFor(address: string): boolean {
    return [...this.#held.values()].some(task => task.attempt?.remote?.address === address);
  }

  complete(id: number, verdict: Verdict): void {
    const task = this.#held.get(id);
    const lapse = this.#lapsed.byId(id);
    if (lapse) lapse.verdict = verdict;
    if (!task) return;
    this.#held.delete(id);
    this.#carryOut(task, verdict);
  }

  /** Answers everything as blocked. */
  failAll(): void {
    for (const task of [...this.#tasks.values()]) this.#answer(task, done(this.#o.blockErrno, -1));
    this.#lapsed.clear();
    clearInterval(this.#signalTimer);
  }

  /** Holds a call for a verdict. Throws CallError when there is no room. */
  hold(task: Task): void {
    const { attempt, plan } = task;
    if (!attempt || !plan.intent || !this.#watchDeath(task)) throw new CallError(libc.E.EMFILE);
    const before = this.#lapsed.take(task.call.tid, attempt, plan.intent);
    if (before) task.attempt = before.attempt;
    if (before?.verdict) {
      this.begin(task, before.verdict);
      return;
    }
    this.#tasks.set(task.call.id, task);
    this.#held.set(task.attempt?.id ?? attempt.id, task);
    this.#startSignalChecks();
    if (!before) this.#o.emit({ type: 'pended', attempt });
  }

  /** The pidfd turns readable when the caller dies. */
  #watchDeath(task: Task): boolean {
    const pidfd = this.#o.access.openPidfd(task.call.tid);
    const unwatch = this.#o.poller.add(pidfd, READABLE, () => this.#withdraw(task, 'exited'));
    task.cleanup.push(() => {
      unwatch?.();
      libc.close(pidfd);
    });
    if (!unwatch) this.#release(task);
    return unwatch !== undefined;
  }

  /** Takes a call whose verdict is known. `decided` is run once the caller goes on. */
  begin(task: Task, verdict: Verdict, decided?: () => void): void {
    this.#tasks.set(task.call.id, task);
    this.#carryOut(task, verdict, decided);
  }

  #carryOut(task: Task, verdict: Verdict, decided?: () => void): void {
    const local = task.plan.intent?.layer === 'ALE_AUTH_CONNECT' ? this.#o.blockErrno : libc.E.EACCES;
    if (verdict === 'block') this.#answer(task, done(local, -1), decided);
    else if (!this.#o.listener.isValid(task.call.id)) this.#withdraw(task, 'exited');
    else {
      this.#o.permitted(task);
      this.#advance(task, () => task.plan.perform(), decided);
    }
  }

  #advance(task: Task, work: () => Step, decided?: () => void): void {
    let step: Step;
    try {
      step = work();
      if (step.kind === 'wait') this.#wait(task, step);
    } catch (error) {
      step = done(this.#o.errnoOf(error), -1);
    }
    if (step.kind === 'wait') decided?.();
    else this.#answer(task, step, decided);
  }

  #wait(task: Task, step: Wait): void {
    if (task.cleanup.length === 0 && !this.#watchDeath(task)) throw new CallError(libc.E.EMFILE);
    task.interrupted = step.interrupted;
    const go = (timedOut: boolean) => {
      task.endWait?.();
      task.endWait = undefined;
      this.#advance(task, () => step.resume(timedOut));
    };
    const unwatch = this.#o.poller.add(task.socket.fd, step.events, () => go(false));
    if (!unwatch) throw new CallError(libc.E.EMFILE);
    const timer = step.timeout === undefined ? undefined : setTimeout(go, step.timeout, true);
    task.endWait = () => {
      unwatch();
      clearTimeout(timer);
    };
    this.#startSignalChecks();
  }

  #answer(task: Task, step: Answer, decided?: () => void): void {
    const { call, attempt } = task;
    if (step.kind === 'done' && step.signal !== undefined) {
      libc.tgkill(this.#o.processOf(call.tid), call.tid, step.signal);
    }
    const sent =
      step.kind === 'continue' ? this.#o.listener.continue(call.id) : this.#o.listener.respond(call.id, step.errno, step.value);
    this.#release(task);
    decided?.();
    if (!attempt) return;
    if (!sent) this.#o.emit({ type: 'withdrawn', id: attempt.id, reason: 'exited' });
    else this.#o.emit({ type: 'completed', id: attempt.id, result: step.kind === 'done' ? resultName(step.errno) : 'ok' });
  }

  #withdraw(task: Task, reason: 'exited' | 'interrupted'): void {
    this.#release(task);
    if (task.attempt) this.#o.emit({ type: 'withdrawn', id: task.attempt.id, reason });
  }

  #release(task: Task): void {
    this.#tasks.delete(task.call.id);
    if (task.attempt) this.#held.delete(task.attempt.id);
    task.endWait?.();
    for (const undo of task.cleanup.splice(0)) undo();
    task.socket.close();
    if (this.#tasks.size === 0) {
      clearInterval(this.#signalTimer);
      this.#signalTimer = undefined;
    }
  }

  #startSignalChecks(): void {
    this.#signalTimer ??= setInterval(() => this.#checkSignals(), SIGNAL_CHECK_MS);
  }

  /** A waiting call only ends by a fatal signal; other signals are seen here, and the kernel does the rest. */
  #checkSignals(): void {
    let left = Math.min(SIGNAL_CHECKS, this.#tasks.size);
    for (const [id, task] of this.#tasks) {
      if (left-- === 0) return;
      // To the end of the line, so that every task has its turn.
      this.#tasks.delete(id);
      this.#tasks.set(id, task);
      if (!this.#o.listener.isValid(id)) {
        this.#withdraw(task, 'exited');
        continue;
      }
      const interruption = pendingInterruption(task.call.tid);
      if (interruption === 'none') continue;
      this.#o.listener.respond(id, interruption === 'certain' ? task.interrupted : libc.E.EINTR);
      const { attempt, plan, call } = task;
      if (attempt && plan.intent && this.#held.has(attempt.id)) {
        this.#release(task);
        this.#lapsed.keep(call.tid, attempt, plan.intent);
      } else this.#withdraw(task, 'interrupted');
    }
  }
}

function resultName(errno: number): string {
  if (errno === 0 || errno === libc.E.EINPROGRESS) return 'ok';
  return getSystemErrorName(-errno);
}
