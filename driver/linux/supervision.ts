import { getSystemErrorName } from 'node:util';
import type { ConnectionAttempt, SourceEvent, Verdict } from '../../engine/model/attempt.ts';
import { ARCHITECTURES, type TrappedCall } from './arch.ts';
import { planBind, planListen } from './bind-plan.ts';
import { CallError, CallerAccess, UninspectableError } from './caller.ts';
import { planConnect } from './connect-plan.ts';
import { FlowTable } from './flows.ts';
import { IdentityReader } from './identity.ts';
import * as libc from './libc.ts';
import { type Call, Listener } from './listener.ts';
import type { BlockErrno } from './messages.ts';
import { DNS_PORT, NameTable } from './names.ts';
import type { Intent, Plan, PlanContext } from './plan.ts';
import { Poller, READABLE } from './poller.ts';
import { mayUse } from './privileges.ts';
import { planReceive } from './receive-plan.ts';
import { planSendmmsg, planSendmsg, planSendto } from './send-plan.ts';
import { DuplicateSocket } from './socket-facts.ts';
import type { Decision } from './supervisor.ts';
import { type Task, Tasks } from './tasks.ts';

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
const MAX_CALLERS = 4096;

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
  readonly #onDrained: () => void;
  readonly #poller = new Poller();
  readonly #access = new CallerAccess();
  readonly #listener: Listener;
  readonly #tasks: Tasks;
  readonly #unwatchListener: () => void;
  readonly #identities: IdentityReader;
  readonly #flows = new FlowTable();
  /** Processes that were seen, with their start time: their ids may be used again. */
  readonly #callers = new Map<number, number | undefined>();
  readonly #planners = new Map<number, Planner>();
  readonly #names = new NameTable();
  readonly #warned = new Set<string>();
  #nextId = 1;

  constructor(
    options: SupervisionOptions,
    decide: (attempt: ConnectionAttempt) => Decision,
    emit: (event: SourceEvent) => void,
    onDrained: () => void,
  ) {
    this.#decide = decide;
    this.#emit = emit;
    this.#onDrained = onDrained;
    this.#identities = new IdentityReader(options.mainPid);
    const trapped = ARCHITECTURES[process.arch]?.trapped;
    if (!trapped) throw new Error(`this machine's architecture (${process.arch}) is not supported: x64 and arm64 are`);
    const planners = { ...PLANNERS, recvfrom: (context: PlanContext) => this.#planReceive(context) };
    for (const [name, number] of Object.entries(trapped)) this.#planners.set(number, planners[name as TrappedCall]);
    this.#listener = new Listener(this.#takeListener(options));
    this.#tasks = new Tasks({
      listener: this.#listener,
      poller: this.#poller,
      access: this.#access,
      blockErrno: libc.E[options.blockErrno],
      emit,
      errnoOf: error => this.#errnoOf(error),
      processOf: tid => this.#identities.identify(tid).pid,
      permitted: task => this.#permitted(task),
    });
    const unwatch = this.#poller.add(this.#listener.fd, READABLE, () => this.#receive());
    if (!unwatch) throw new Error('epoll_ctl: the kernel refused to watch the listener');
    this.#unwatchListener = unwatch;
  }

  #takeListener(options: SupervisionOptions): number {
    try {
      return this.#access.duplicate(options.pid, options.listener);
    } catch (error) {
      const name = error instanceof CallError ? getSystemErrorName(-error.errno) : 'EPERM';
      throw new Error(`pidfd_getfd: cannot take the listener from the command (${name}); see \`sallyport doctor\``);
    }
  }

  get listenerFd(): number {
    return this.#listener.fd;
  }

  complete(id: number, verdict: Verdict): void {
    const flow = this.#tasks.heldIntent(id)?.flow;
    if (flow) this.#flows.set(flow, verdict, performance.now());
    this.#tasks.complete(id, verdict);
  }

  /** Later datagrams of known flows are decided anew. */
  filtersChanged(): void {
    this.#flows.clear();
  }

  /** Fails what is held and closes the listener: from now on trapped calls answer ENOSYS. @returns processes that were seen and still live */
  stop(): readonly number[] {
    this.#tasks.failAll();
    this.#unwatchListener();
    this.#poller.close();
    this.#listener.close();
    this.#access.close();
    return [...this.#callers].filter(([pid, started]) => this.#identities.startOf(pid) === started).map(([pid]) => pid);
  }

  #receive(): void {
    for (let i = 0; i < BATCH; i++) {
      const call = this.#listener.receive();
      if (call) this.#take(call);
      else if (i === 0 && this.#listener.drained) {
        this.#unwatchListener();
        this.#onDrained();
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
    if (error instanceof UninspectableError) {
      this.#warn('a process may not be inspected, its calls are blocked (see `sallyport doctor`)');
      return libc.E.EACCES;
    }
    if (!(error instanceof CallError)) {
      this.#warn(`a call was blocked because of an error: ${error instanceof Error ? error.message : String(error)}`);
      return libc.E.EACCES;
    }
    if (error.errno === libc.E.EMFILE || error.errno === libc.E.ENFILE) {
      this.#warn('out of file descriptors: calls are blocked until some are answered (raise `ulimit -n`)');
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
      mayUse: capability => mayUse(call.tid, capability),
      warn: message => this.#warn(message),
    };
    const plan = planner(context);
    // Everything was read: if the caller is still in this very call, it was this caller's.
    if (!this.#listener.isValid(call.id)) {
      socket.close();
      return;
    }
    const task = (attempt?: ConnectionAttempt): Task => {
      return { call, socket, plan, attempt, interrupted: libc.E.ERESTARTSYS, cleanup: [] };
    };
    const { intent } = plan;
    const known = intent ? this.#knownVerdict(intent) : 'permit';
    if (!intent || known) {
      this.#tasks.begin(task(), known ?? 'permit');
      return;
    }
    const attempt = this.#attempt(call, intent);
    if (!this.#listener.isValid(call.id)) {
      socket.close();
      return;
    }
    const decision = this.#decide(attempt);
    if (decision.action === 'ask') {
      this.#tasks.hold(task(attempt));
      return;
    }
    const verdict = decision.action;
    if (intent.flow) this.#flows.set(intent.flow, verdict, performance.now());
    this.#tasks.begin(task(attempt), verdict, () => this.#emitDecided(attempt, decision, verdict));
  }

  #permitted({ plan: { intent }, socket }: Task): void {
    if (intent?.flow && intent.remote?.port === DNS_PORT) this.#names.addResolverSocket(socket.inode);
  }

  #planReceive(context: PlanContext): Plan {
    return planReceive(context, this.#names, datagram => {
      const { pid } = this.#identities.identify(context.call.tid);
      for (const { address, evidence } of this.#names.learn(datagram, pid, Date.now())) {
        if (this.#tasks.isWaitingFor(address)) this.#emit({ type: 'named', address, evidence });
      }
    });
  }

  #knownVerdict(intent: Intent): Verdict | undefined {
    return intent.flow ? this.#flows.get(intent.flow, performance.now()) : undefined;
  }

  #attempt(call: Call, intent: Intent): ConnectionAttempt {
    const identity = this.#identities.identify(call.tid);
    if (this.#callers.size < MAX_CALLERS) this.#callers.set(identity.pid, identity.startTime);
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

  #warn(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#emit({ type: 'warning', message });
  }
}
