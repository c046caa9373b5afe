import type { ConnectionAttempt, NameEvidence } from '../engine/model/attempt.ts';
import type { Request } from './guard-client.ts';

/** Attempts with the same key are one question: same program, user, layer, remote side, port, protocol and name. */
export function requestKey(attempt: ConnectionAttempt): string {
  const { identity, layer, protocol, remote, local } = attempt;
  const who = identity.path ?? `pid ${identity.pid}`;
  const side = layer === 'ALE_AUTH_CONNECT' || layer === 'ALE_AUTH_RECV_ACCEPT' ? remote : undefined;
  const port = layer === 'ALE_AUTH_CONNECT' ? remote?.port : local?.port;
  const names = attempt.names.map(({ name }) => name).sort();
  return JSON.stringify([who, identity.uid ?? identity.sid, layer, attempt.family, protocol, side?.address, port, names]);
}

interface Row {
  readonly key: string;
  request: Request;
}

/**
 * The requests that wait, by key and by each of their attempts. Everything is constant time per attempt, so five hundred at once are cheap;
 * a request that did not change keeps its identity.
 */
export class RequestTable {
  readonly #rows = new Map<number, Row>();
  readonly #byKey = new Map<string, number>();
  readonly #byAttempt = new Map<number, number>();
  readonly #attempts = new Map<number, ConnectionAttempt>();
  #list: readonly Request[] | undefined = [];

  get size(): number {
    return this.#rows.size;
  }

  /** Oldest first. The same array until something changes. */
  list(): readonly Request[] {
    this.#list ??= Array.from(this.#rows.values(), row => row.request);
    return this.#list;
  }

  get(id: number): Request | undefined {
    return this.#rows.get(id)?.request;
  }

  /** The request that an attempt belongs to. */
  of(attemptId: number): Request | undefined {
    const id = this.#byAttempt.get(attemptId);
    return id === undefined ? undefined : this.get(id);
  }

  attempt(attemptId: number): ConnectionAttempt | undefined {
    return this.#attempts.get(attemptId);
  }

  /** Joins the request with the same key, or opens one. `opened` tells which. */
  hold(attempt: ConnectionAttempt, deadline: number | undefined): { readonly request: Request; readonly opened: boolean } {
    const key = requestKey(attempt);
    const id = this.#byKey.get(key);
    const row = id === undefined ? undefined : this.#rows.get(id);
    this.#attempts.set(attempt.id, attempt);
    this.#list = undefined;
    if (row) {
      row.request = { ...row.request, attempts: [...row.request.attempts, attempt.id] };
      this.#byAttempt.set(attempt.id, row.request.id);
      return { request: row.request, opened: false };
    }
    const request: Request = {
      id: attempt.id,
      attempt,
      attempts: [attempt.id],
      state: 'identifying',
      since: attempt.at,
      ...(deadline === undefined ? {} : { deadline }),
    };
    this.#rows.set(request.id, { key, request });
    this.#byKey.set(key, request.id);
    this.#byAttempt.set(attempt.id, request.id);
    return { request, opened: true };
  }

  setState(id: number, state: Request['state']): void {
    const row = this.#rows.get(id);
    if (!row || row.request.state === state) return;
    row.request = { ...row.request, state };
    this.#list = undefined;
  }

  /** Who asks, known better than before. */
  setIdentity(id: number, identity: ConnectionAttempt['identity']): void {
    const row = this.#rows.get(id);
    if (!row) return;
    for (const each of row.request.attempts) {
      const attempt = this.#attempts.get(each);
      if (attempt) this.#attempts.set(each, { ...attempt, identity });
    }
    row.request = { ...row.request, attempt: { ...row.request.attempt, identity } };
    this.#list = undefined;
  }

  /** No later attempt joins it: its answer is on the way. */
  seal(id: number): void {
    const row = this.#rows.get(id);
    if (row && this.#byKey.get(row.key) === id) this.#byKey.delete(row.key);
  }

  /** Takes one attempt away. Gives its request as it is then; a request without attempts is over (`attempts` is empty). */
  withdraw(attemptId: number): Request | undefined {
    const id = this.#byAttempt.get(attemptId);
    const row = id === undefined ? undefined : this.#rows.get(id);
    if (!row) return undefined;
    const attempts = row.request.attempts.filter(each => each !== attemptId);
    this.#byAttempt.delete(attemptId);
    this.#attempts.delete(attemptId);
    const attempt = this.#attempts.get(attempts[0] ?? -1) ?? row.request.attempt;
    row.request = { ...row.request, attempts, attempt };
    this.#list = undefined;
    if (row.request.attempts.length === 0) this.remove(row.request.id);
    return row.request;
  }

  remove(id: number): void {
    const row = this.#rows.get(id);
    if (!row) return;
    this.seal(id);
    this.#rows.delete(id);
    for (const attempt of row.request.attempts) {
      this.#byAttempt.delete(attempt);
      this.#attempts.delete(attempt);
    }
    this.#list = undefined;
  }

  /**
   * Adds a name learned later to the attempts it speaks of: the same remote address, asked by the same process or by one of its parents.
   * Gives the requests that changed.
   */
  learn(address: string, evidence: NameEvidence): readonly Request[] {
    const changed: Request[] = [];
    for (const row of this.#rows.values()) {
      if (row.request.attempt.remote?.address !== address) continue;
      let grew = false;
      for (const id of row.request.attempts) {
        const attempt = this.#attempts.get(id);
        if (!attempt || !speaksOf(evidence, attempt)) continue;
        this.#attempts.set(id, { ...attempt, names: [evidence, ...attempt.names] });
        grew = true;
      }
      if (!grew) continue;
      const first = this.#attempts.get(row.request.attempts[0] ?? -1);
      row.request = { ...row.request, attempt: first ?? row.request.attempt };
      this.#list = undefined;
      changed.push(row.request);
    }
    return changed;
  }
}

function speaksOf(evidence: NameEvidence, attempt: ConnectionAttempt): boolean {
  if (attempt.names.some(({ name }) => name === evidence.name)) return false;
  const { pid, parents } = attempt.identity;
  return evidence.pid === undefined || evidence.pid === pid || parents.some(parent => parent.pid === evidence.pid);
}
