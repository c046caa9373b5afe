import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Actor, createActor, fromPromise } from 'xstate';
import type { ConnectionAttempt, NameEvidence, Verdict } from '../engine/model/attempt.ts';
import { connectionMachine, type Outcome } from './connection-machine.ts';
import type { DecidedBy, Request } from './guard-client.ts';
import type { GuardHost } from './guard-host.ts';
import { RequestTable } from './request-table.ts';

export interface DeskOptions {
  readonly defaultVerdict: Verdict;
  readonly timeoutMs?: number;
  readonly asksPerson: boolean;
}

/** What the desk tells: each is called once per request or attempt. */
export interface DeskListener {
  changed(): void;
  held(request: Request, attempt: ConnectionAttempt): void;
  /** The outcome of every attempt of a request, after the source was told. */
  decided(attempt: ConnectionAttempt, outcome: Outcome, waited: number): void;
  withdrawn(attempt: ConnectionAttempt, reason: string, waited: number): void;
  recordFailed(request: Request, outcome: Outcome): void;
  problem(message: string): void;
}

/** Why a filter's decision was made, in the words of history. */
export const decidedBy = (filterId: string | undefined, ruleId: string | undefined): DecidedBy => {
  if (ruleId !== undefined) return { kind: 'rule', ruleId };
  return filterId === undefined ? { kind: 'no-match' } : { kind: 'filter', filterId };
};

type Connection = Actor<typeof connectionMachine>;

/** Actors that are started, or requests that are settled, before the event loop gets its turn: a few milliseconds of work. */
const SLICE = 40;

/**
 * Every request that waits, with the actor that carries it. Attempts join the request they belong to; each attempt is completed at the
 * source once, with the verdict of its request.
 */
export class RequestDesk {
  readonly table = new RequestTable();
  readonly #host: GuardHost;
  readonly #options: DeskOptions;
  readonly #listener: DeskListener;
  readonly #actors = new Map<number, Connection>();
  readonly #unstarted = new Set<number>();
  #burst = 0;
  #starting = false;
  readonly #records = new Map<string, Promise<{ ruleId: string }>>();
  readonly #machine;

  constructor(host: GuardHost, options: DeskOptions, listener: DeskListener) {
    this.#host = host;
    this.#options = options;
    this.#listener = listener;
    this.#machine = connectionMachine.provide({
      actors: {
        identify: fromPromise(({ input }: { input: { id: number } }) => this.#identify(input.id)),
        record: fromPromise(({ input }: { input: { record: string } }) => this.#record(input.record)),
      },
    });
  }

  /** An attempt waits. What the filters decide by now is decided without asking. */
  hold(attempt: ConnectionAttempt): void {
    const already = this.#decide([attempt]);
    if (already) {
      this.#give(attempt, already);
      return;
    }
    const { timeoutMs, asksPerson } = this.#options;
    const deadline = timeoutMs !== undefined && asksPerson ? attempt.at + timeoutMs : undefined;
    const { request, opened } = this.table.hold(attempt, deadline);
    this.#listener.held(request, attempt);
    this.#listener.changed();
    if (!opened) return;
    this.#burst++;
    this.#unstarted.add(request.id);
    if (!asksPerson || this.#burst <= SLICE) this.#actorOf(request.id);
    this.#startOthers();
  }

  /**
   * Starts in slices what a flood brought: a request is shown before its actor runs, and an answer starts it if need be. A slice is what may
   * pass without a frame.
   */
  #startOthers(): void {
    if (this.#starting) return;
    this.#starting = true;
    setImmediate(() => {
      this.#starting = false;
      this.#burst = 0;
      for (const id of Array.from(this.#unstarted).slice(0, SLICE)) this.#actorOf(id);
      if (this.#unstarted.size > 0) this.#startOthers();
    });
  }

  /** The actor of a request that waits, started now if it was not yet. */
  #actorOf(id: number): Connection | undefined {
    const known = this.#actors.get(id);
    const request = this.#unstarted.delete(id) ? this.table.get(id) : undefined;
    if (known || !request) return known;
    const { attempt, deadline } = request;
    const { asksPerson, defaultVerdict } = this.#options;
    const timeoutMs = deadline === undefined ? undefined : Math.max(0, deadline - this.#host.clock.now());
    const actor = createActor(this.#machine, {
      clock: this.#host.clock,
      input: {
        id: request.id,
        defaultVerdict,
        asksPerson,
        identifies: this.#host.identify !== undefined && attempt.identity.path === undefined,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      },
    });
    this.#actors.set(request.id, actor);
    actor.on('complete', ({ outcome }) => this.#complete(request.id, outcome));
    actor.subscribe({
      next: snapshot => {
        if (snapshot.value === 'withdrawn' || snapshot.value === 'done') return;
        this.table.setState(request.id, snapshot.value as Request['state']);
        this.#listener.changed();
      },
      error: () => this.#complete(request.id, { verdict: defaultVerdict, by: { kind: 'default', reason: 'error' } }),
    });
    actor.start();
    return actor;
  }

  withdraw(attemptId: number, reason: 'exited' | 'interrupted'): void {
    const attempt = this.table.attempt(attemptId);
    const request = attempt && this.table.withdraw(attemptId);
    if (!attempt || !request) return;
    if (request.attempts.length === 0) this.#end(request.id)?.send({ type: 'withdrawn', reason });
    this.#listener.withdrawn(attempt, reason, this.#waited(attempt));
    this.#listener.changed();
  }

  /** A name was learned: what it changes is decided anew. */
  learn(address: string, evidence: NameEvidence): void {
    const changed = this.table.learn(address, evidence);
    if (changed.length === 0) return;
    this.#listener.changed();
    this.redecide(changed.map(request => request.id));
  }

  /** True while an answer would still count. */
  canAnswer(id: number): boolean {
    const state = this.table.get(id)?.state;
    return state === 'asking' || state === 'identifying';
  }

  /** Answers requests. With `record`, each waits until that is kept. Gives the ids that took the answer. */
  answer(
    ids: readonly number[],
    verdict: Verdict,
    record?: { readonly name: string; readonly kept: Promise<{ ruleId: string }> },
  ): number[] {
    const takers = [...new Set(ids)].filter(id => this.canAnswer(id));
    if (record) {
      this.#records.set(record.name, record.kept);
      record.kept.catch(() => undefined).finally(() => this.#records.delete(record.name));
    }
    for (const id of takers) {
      this.table.seal(id);
      this.#actorOf(id)?.send({ type: 'answered', verdict, ...(record ? { record: record.name } : {}) });
    }
    return takers;
  }

  /**
   * Asks the filters again about requests that wait. A request is settled when all of its attempts are decided alike. Gives how many were.
   */
  redecide(ids: readonly number[]): number {
    let settled = 0;
    for (const id of ids) {
      const request = this.table.get(id);
      if (!request || !this.canAnswer(id)) continue;
      const decision = this.#decide(request.attempts.flatMap(each => this.table.attempt(each) ?? []));
      if (!decision) continue;
      settled++;
      this.table.seal(id);
      this.#actorOf(id)?.send({ type: 'settled', ...decision });
    }
    return settled;
  }

  /** `redecide` for all that wait, in slices, so that a screen keeps its pace when one rule settles hundreds. */
  async redecideAll(): Promise<number> {
    const ids = this.table.list().map(request => request.id);
    let settled = 0;
    for (let at = 0; at < ids.length; at += SLICE) {
      if (at > 0) await nextTurn();
      settled += this.redecide(ids.slice(at, at + SLICE));
    }
    return settled;
  }

  /** The guard ends: whatever still waits is taken as withdrawn; the source applies its fail policy. */
  close(): void {
    for (const request of [...this.table.list()]) for (const id of request.attempts) this.withdraw(id, 'exited');
  }

  #decide(attempts: readonly ConnectionAttempt[]): Omit<Outcome, 'recordFailure'> | undefined {
    let outcome: Omit<Outcome, 'recordFailure'> | undefined;
    for (const attempt of attempts) {
      const { action, filterId, ruleId } = this.#classify(attempt);
      if (action === 'ask' || (outcome && outcome.verdict !== action)) return undefined;
      const filter = filterId === undefined ? undefined : String(filterId);
      outcome = {
        verdict: action,
        by: decidedBy(filter, ruleId),
        ...(ruleId ? { ruleId } : {}),
        ...(filter ? { filterId: filter } : {}),
      };
    }
    return outcome;
  }

  /** An engine that fails cannot decide: then a person is asked. */
  #classify(attempt: ConnectionAttempt): ReturnType<GuardHost['decide']> {
    try {
      return this.#host.decide(attempt);
    } catch (error) {
      this.#listener.problem(`The filters could not be asked: ${error instanceof Error ? error.message : String(error)}`);
      return { action: 'ask' };
    }
  }

  #complete(id: number, outcome: Outcome): void {
    const request = this.table.get(id);
    if (!request) return;
    const attempts = request.attempts.flatMap(each => this.table.attempt(each) ?? []);
    this.table.remove(id);
    this.#end(id);
    for (const attempt of attempts) this.#give(attempt, outcome);
    if (outcome.recordFailure !== undefined) this.#listener.recordFailed(request, outcome);
    this.#listener.changed();
  }

  #give(attempt: ConnectionAttempt, outcome: Outcome): void {
    const waited = this.#waited(attempt);
    if (this.#host.source.complete(attempt.id, outcome.verdict)) this.#listener.decided(attempt, outcome, waited);
    else this.#listener.withdrawn(attempt, 'interrupted', waited);
  }

  #end(id: number): Connection | undefined {
    this.#unstarted.delete(id);
    const actor = this.#actors.get(id);
    this.#actors.delete(id);
    return actor;
  }

  #waited(attempt: ConnectionAttempt): number {
    return Math.max(0, this.#host.clock.now() - attempt.at);
  }

  async #identify(id: number): Promise<void> {
    const attempt = this.table.get(id)?.attempt;
    const identity = attempt && (await this.#host.identify?.(attempt));
    if (identity) {
      this.table.setIdentity(id, identity);
      this.#listener.changed();
      this.redecide([id]);
    }
  }

  #record(name: string): Promise<{ ruleId: string }> {
    return this.#records.get(name) ?? Promise.reject(new Error('the rule was lost'));
  }
}
