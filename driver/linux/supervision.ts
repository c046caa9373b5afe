import { getSystemErrorName } from 'node:util';
import type { ConnectionAttempt, SourceEvent, Verdict } from '../../engine/model/attempt.ts';
import { ARCHITECTURES, type TrappedCall } from './arch.ts';
import { planBind, planListen } from './bind-plan.ts';
import { CallError, CallerAccess } from './caller.ts';
import { planConnect } from './connect-plan.ts';
import { FlowTable } from './flows.ts';
import { IdentityReader } from './identity.ts';
import * as libc from './libc.ts';
import { type Call, Listener } from './listener.ts';
import type { BlockErrno } from './messages.ts';
import { DNS_PORT, NameTable } from './names.ts';
import { type Answer, done, type Intent, type Plan, type PlanContext, type Step, type Wait } from './plan.ts';
import { Poller, READABLE } from './poller.ts';
import { mayBindPrivilegedPorts } from './privileges.ts';
import { planReceive } from './receive-plan.ts';
import { planSendmmsg, planSendmsg, planSendto } from './send-plan.ts';
import { pendingInterruption } from './signals.ts';
import { DuplicateSocket } from './socket-facts.ts';
import type { Decision } from './supervisor.ts';

type Planner = (context: PlanContext) => Plan;
const PLANNERS: { readonly [name in Exclude<TrappedCall, 'recvfrom'>]: Planner } = {
  connect: planConnect,
  bind: planBind,
  listen: planListen,
  sendto: planSendto,
  sendmsg: planSendmsg,
  sendmmsg: planSendmmsg,
};
/** Calls taken from the listener before the event loop turns again. */
const BATCH = 64;
const SIGNAL_CHECK_MS = 100;
/** Waiting calls looked at per check: bounds what hundreds of them cost. */
const SIGNAL_CHECKS = 24;
const MAX_CALLERS = 4096;

/** A call that is not answered yet: held for a verdict, or permitted and in progress. */
interface Task {
  readonly call: Call;
  readonly socket: DuplicateSocket;
  readonly plan: Plan;
  readonly attempt: ConnectionAttempt | undefined;
  /** Errno that a pending signal makes of it. */
  interrupted: number;
  held: boolean;
  /** Undo watches and timers. */
  readonly cleanup: (() => void)[];
  /** Undo what the current wait set up. */
  endWait?: (() => void) | undefined;
}

export interface SupervisionOptions {
  readonly pid: number;
  readonly listener: number;
  readonly blockErrno: BlockErrno;
  readonly mainPid: number;
}

/** Everything between a trapped call and its answer, for one listener. Single-threaded, never blocks. */
export class Supervision {
  readonly #decide: (attempt: ConnectionAttempt) => Decision;
  readonly #emit: (event: SourceEvent) => void;
  readonly #onDrained: (callers: readonly number[]) => void;
  readonly #blockErrno: number;
  readonly #poller = new Poller();
  readonly #access = new CallerAccess();
  readonly #listener: Listener;
  readonly #unwatchListener: () => void;
  readonly #identities: IdentityReader;
  readonly #flows = new FlowTable();
  readonly #tasks = new Map<bigint, Task>();
  readonly #held = new Map<number, Task>();
  readonly #callers = new Set<number>();
  readonly #planners = new Map<number, Planner>();
  readonly #names = new NameTable();
  readonly #warned = new Set<string>();
  #signalTimer: NodeJS.Timeout | undefined;
  #nextId = 1;

  constructor(
    options: SupervisionOptions,
    decide: (attempt: ConnectionAttempt) => Decision,
    emit: (event: SourceEvent) => void,
    onDrained: (callers: readonly number[]) => void,
  ) {
    this.#decide = decide;
    this.#emit = emit;
    this.#onDrained = onDrained;
    this.#blockErrno = libc.E[options.blockErrno];
    this.#identities = new IdentityReader(options.mainPid);
    const trapped = ARCHITECTURES[process.arch]?.trapped;
    if (!trapped) throw new Error(`this machine's architecture (${process.arch}) is not supported: x64 and arm64 are`);
    const planners = { ...PLANNERS, recvfrom: (context: PlanContext) => this.#planReceive(context) };
    for (const [name, number] of Object.entries(trapped)) this.#planners.set(number, planners[name as TrappedCall]);
    this.#listener = new Listener(this.#takeListener(options));
    const unwatch = this.#poller.add(this.#listener.fd, READABLE, () => this.#receive());
    if (!unwatch) throw new Error('epoll_ctl: the kernel refused to watch the listener');
    this.#unwatchListener = unwatch;
  }

  #takeListener(options: SupervisionOptions): number {
    try {
      return this.#access.duplicate(options.pid, options.listener);
    } catch (error) {
      const name = error instanceof CallError ? getSystemErrorName(-error.errno) : String(error);
      throw new Error(`pidfd_getfd: cannot take the listener from the command (${name}); see \`sallyport doctor\``);
    }
  }

  complete(id: number, verdict: Verdict): void {
    const task = this.#held.get(id);
    if (!task) return;
    this.#held.delete(id);
    task.held = false;
    const flow = task.plan.intent?.flow;
    if (flow) this.#flows.set(flow, verdict, performance.now());
    this.#carryOut(task, verdict);
  }

  /** Later datagrams of known flows are decided anew. */
  filtersChanged(): void {
    this.#flows.clear();
  }

  /** Fails what is held and closes the listener: from now on trapped calls answer ENOSYS. @returns processes seen calling */
  stop(): readonly number[] {
    for (const task of [...this.#tasks.values()]) this.#answer(task, done(this.#blockErrno, -1));
    clearInterval(this.#signalTimer);
    this.#unwatchListener();
    this.#poller.close();
    this.#listener.close();
    this.#access.close();
    return [...this.#callers];
  }

  #receive(): void {
    for (let i = 0; i < BATCH; i++) {
      const call = this.#listener.receive();
      if (call) this.#take(call);
      else if (i === 0 && this.#listener.drained) {
        this.#unwatchListener();
        this.#onDrained([...this.#callers]);
        return;
      } else return;
    }
  }

  /** Whatever goes wrong while a call is looked at, it is answered, and never with a permit. */
  #take(call: Call): void {
    let socket: DuplicateSocket | undefined;
    try {
      socket = new DuplicateSocket(this.#access.duplicate(call.tid, call.int(0)));
      this.#examine(call, socket);
    } catch (error) {
      socket?.close();
      this.#listener.respond(call.id, this.#errnoOf(error), -1);
    }
  }

  #errnoOf(error: unknown): number {
    if (!(error instanceof CallError)) {
      this.#warn(`a call was blocked because of an error: ${error instanceof Error ? error.message : String(error)}`);
      return libc.E.EACCES;
    }
    if (error.errno === libc.E.EMFILE || error.errno === libc.E.ENFILE) {
      this.#warn('out of file descriptors: calls are blocked until some are answered (raise `ulimit -n`)');
      return libc.E.EACCES;
    }
    if (error.errno === libc.E.EPERM || error.errno === libc.E.ESRCH) {
      if (error.errno === libc.E.EPERM)
        this.#warn('a process may not be inspected, its calls are blocked (see `sallyport doctor`)');
      return libc.E.EACCES;
    }
    return error.errno;
  }

  #examine(call: Call, socket: DuplicateSocket): void {
    if (!socket.isInternet) {
      socket.close();
      this.#listener.continue(call.id);
      return;
    }
    const planner = this.#planners.get(call.nr);
    if (!planner) throw new CallError(libc.E.ENOSYS);
    const context: PlanContext = {
      access: this.#access,
      call,
      socket,
      permits: intent => this.#permitsFurther(call, intent),
      mayBindPrivileged: () => mayBindPrivilegedPorts(call.tid),
      warn: message => this.#warn(message),
    };
    const plan = planner(context);
    // Everything was read: if the caller is still in this very call, it was this caller's.
    if (!this.#listener.isValid(call.id)) {
      socket.close();
      return;
    }
    const task = (attempt?: ConnectionAttempt): Task => {
      return { call, socket, plan, attempt, interrupted: libc.E.ERESTARTSYS, held: false, cleanup: [] };
    };
    const { intent } = plan;
    const known = intent ? this.#knownVerdict(intent) : 'permit';
    if (!intent || known) {
      this.#begin(task(), known ?? 'permit');
      return;
    }
    const attempt = this.#attempt(call, intent);
    if (!this.#listener.isValid(call.id)) {
      socket.close();
      return;
    }
    const decision = this.#decide(attempt);
    if (decision.action === 'ask') {
      this.#hold(task(attempt));
      return;
    }
    const verdict = decision.action;
    if (intent.flow) this.#flows.set(intent.flow, verdict, performance.now());
    this.#begin(task(attempt), verdict, () => this.#emitDecided(attempt, decision, verdict));
  }

  #planReceive(context: PlanContext): Plan {
    return planReceive(context, this.#names, datagram => {
      const { pid } = this.#identities.identify(context.call.tid);
      for (const { address, evidence } of this.#names.learn(datagram, pid, Date.now())) {
        const waits = [...this.#held.values()].some(task => task.attempt?.remote?.address === address);
        if (waits) this.#emit({ type: 'named', address, evidence });
      }
    });
  }

  #knownVerdict(intent: Intent): Verdict | undefined {
    return intent.flow ? this.#flows.get(intent.flow, performance.now()) : undefined;
  }

  #attempt(call: Call, intent: Intent): ConnectionAttempt {
    const identity = this.#identities.identify(call.tid);
    if (this.#callers.size < MAX_CALLERS) this.#callers.add(identity.pid);
    const { flow: _, ...what } = intent;
    const at = Date.now();
    const names = intent.remote ? this.#names.of(intent.remote, identity, at) : [];
    return { id: this.#nextId++, ...what, identity, names, at };
  }

  #permitsFurther(call: Call, intent: Intent): boolean {
    const known = this.#knownVerdict(intent);
    if (known) return known === 'permit';
    const attempt = this.#attempt(call, intent);
    const decision = this.#decide(attempt);
    if (decision.action !== 'permit') return false;
    if (intent.flow) this.#flows.set(intent.flow, 'permit', performance.now());
    this.#emitDecided(attempt, decision, 'permit');
    return true;
  }

  #emitDecided(attempt: ConnectionAttempt, decision: Decision, verdict: Verdict): void {
    const { filterId, filterKey } = decision;
    const by = { ...(filterId === undefined ? {} : { filterId }), ...(filterKey === undefined ? {} : { filterKey }) };
    this.#emit({ type: 'decided', attempt: { ...attempt, verdict, ...by } });
  }

  #hold(task: Task): void {
    const { attempt } = task;
    if (!attempt || !this.#watchDeath(task)) throw new CallError(libc.E.EMFILE);
    task.held = true;
    this.#tasks.set(task.call.id, task);
    this.#held.set(attempt.id, task);
    this.#startSignalChecks();
    this.#emit({ type: 'pended', attempt });
  }

  /** The pidfd turns readable when the caller dies. */
  #watchDeath(task: Task): boolean {
    const pidfd = this.#access.openPidfd(task.call.tid);
    const unwatch = this.#poller.add(pidfd, READABLE, () => this.#withdraw(task, 'exited'));
    task.cleanup.push(() => {
      unwatch?.();
      libc.close(pidfd);
    });
    if (!unwatch) this.#release(task);
    return unwatch !== undefined;
  }

  #begin(task: Task, verdict: Verdict, decided?: () => void): void {
    this.#tasks.set(task.call.id, task);
    this.#carryOut(task, verdict, decided);
  }

  #carryOut(task: Task, verdict: Verdict, decided?: () => void): void {
    const local = task.plan.intent?.layer === 'ALE_AUTH_CONNECT' ? this.#blockErrno : libc.E.EACCES;
    if (verdict === 'block') this.#answer(task, done(local, -1), decided);
    else if (!this.#listener.isValid(task.call.id)) this.#withdraw(task, 'exited');
    else {
      const { intent } = task.plan;
      if (intent?.flow && intent.remote?.port === DNS_PORT) this.#names.addResolverSocket(task.socket.inode);
      this.#advance(task, () => task.plan.perform(), decided);
    }
  }

  #advance(task: Task, work: () => Step, decided?: () => void): void {
    let step: Step;
    try {
      step = work();
      if (step.kind === 'wait') this.#wait(task, step);
    } catch (error) {
      step = done(this.#errnoOf(error), -1);
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
    const unwatch = this.#poller.add(task.socket.fd, step.events, () => go(false));
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
      libc.tgkill(this.#identities.identify(call.tid).pid, call.tid, step.signal);
    }
    const sent =
      step.kind === 'continue' ? this.#listener.continue(call.id) : this.#listener.respond(call.id, step.errno, step.value);
    this.#release(task);
    decided?.();
    if (!attempt) return;
    if (!sent) this.#emit({ type: 'withdrawn', id: attempt.id, reason: 'exited' });
    else this.#emit({ type: 'completed', id: attempt.id, result: step.kind === 'done' ? resultName(step.errno) : 'ok' });
  }

  #withdraw(task: Task, reason: 'exited' | 'interrupted'): void {
    this.#release(task);
    if (task.attempt) this.#emit({ type: 'withdrawn', id: task.attempt.id, reason });
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
    let left = SIGNAL_CHECKS;
    for (const [id, task] of this.#tasks) {
      if (left-- === 0) return;
      // To the end of the line, so that every task has its turn.
      this.#tasks.delete(id);
      this.#tasks.set(id, task);
      if (!this.#listener.isValid(id)) {
        this.#withdraw(task, 'exited');
        continue;
      }
      const interruption = pendingInterruption(task.call.tid);
      if (interruption === 'none') continue;
      this.#listener.respond(id, interruption === 'certain' ? task.interrupted : libc.E.EINTR);
      this.#withdraw(task, 'interrupted');
    }
  }

  #warn(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#emit({ type: 'warning', message });
  }
}

function resultName(errno: number): string {
  if (errno === 0 || errno === libc.E.EINPROGRESS) return 'ok';
  return getSystemErrorName(-errno);
}
