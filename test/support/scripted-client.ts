import type { ConnectionAttempt, NameEvidence } from '../../engine/model/attempt.ts';
import type { ClassifyTrace } from '../../engine/model/classify.ts';
import type { Scope } from '../../engine/rules/rule.ts';
import type {
  ActivityEntry,
  CommandResult,
  GuardClient,
  GuardCommand,
  GuardSnapshot,
  GuardStatus,
  Request,
} from '../../machines/guard-client.ts';

/** A fixed moment for tests of the screen: 2026-11-23 12:04:31 UTC. */
export const NOON = Date.UTC(2026, 10, 23, 12, 4, 31);

export function anAttempt(
  id: number,
  more: Partial<ConnectionAttempt> & { program?: string; name?: string; parent?: string } = {},
): ConnectionAttempt {
  const { program = '/usr/bin/curl', name, parent = 'sh', ...rest } = more;
  const names: readonly NameEvidence[] = name ? [{ name, kind: 'dns', at: NOON - 300 - id, pid: 4000 + id, ttl: 60 }] : [];
  return {
    id,
    layer: 'ALE_AUTH_CONNECT',
    family: 'v4',
    protocol: 6,
    remote: { address: `203.0.113.${1 + (id % 250)}`, port: 443 },
    identity: {
      pid: 4000 + id,
      path: program,
      commandLine: [program.slice(program.lastIndexOf('/') + 1), '-s', `https://${name ?? `203.0.113.${1 + (id % 250)}`}/v1`],
      cwd: '/home/alice/app',
      uid: 1000,
      user: 'alice',
      sid: 'S-1-22-1-1000',
      startTime: NOON - 5000,
      parents: [
        { pid: 3000, path: `/usr/bin/${parent}`, commandLine: [parent, 'postinstall.sh'] },
        { pid: 2000, path: '/usr/bin/node', commandLine: ['npm', 'ci'] },
      ],
    },
    names,
    at: NOON,
    ...rest,
  };
}

export const aRequest = (id: number, more: Parameters<typeof anAttempt>[1] & { deadline?: number } = {}): Request => {
  const { deadline, ...attempt } = more;
  return {
    id,
    attempt: anAttempt(id, attempt),
    attempts: [id],
    state: 'asking',
    since: NOON - 4000,
    ...(deadline ? { deadline } : {}),
  };
};

const status: GuardStatus = {
  kind: 'run',
  title: 'run: npm ci',
  phase: 'running',
  failPolicy: 'closed',
  defaultVerdict: 'block',
  timeout: 30,
  decided: 0,
};

export const emptySnapshot: GuardSnapshot = {
  revision: 0,
  status,
  requests: [],
  activity: [],
  rules: [],
  filters: [],
  subLayers: [],
  layers: [],
  output: [],
  notices: [],
  canUndo: false,
};

/** Whether a scope covers an attempt: enough of a rule's meaning to answer `preview`. */
export function covers(scope: Scope, attempt: ConnectionAttempt): boolean {
  const { remote } = scope;
  const port = attempt.remote?.port ?? attempt.local?.port;
  return (
    (scope.app === undefined || scope.app === attempt.identity.path) &&
    (scope.protocol === undefined || scope.protocol === attempt.protocol) &&
    (!scope.port || (port !== undefined && port >= scope.port.from && port <= scope.port.to)) &&
    (remote.kind === 'any' ||
      (remote.kind === 'address' && remote.address === attempt.remote?.address) ||
      (remote.kind === 'name' &&
        attempt.names.some(({ name }) => (remote.subdomains ? name.endsWith(`.${remote.name}`) : name === remote.name))))
  );
}

/** A guard in memory that does what a test scripts: keeps a snapshot, records commands, settles what an answer covers. */
export class ScriptedClient implements GuardClient {
  readonly sent: GuardCommand[] = [];
  result: CommandResult | undefined;
  trace: ClassifyTrace | undefined;
  #snapshot: GuardSnapshot;
  readonly #listeners = new Set<(snapshot: GuardSnapshot) => void>();

  constructor(start: Partial<GuardSnapshot> = {}) {
    this.#snapshot = { ...emptySnapshot, ...start };
  }

  /** Changes the snapshot; parts not named keep their identity. */
  change(parts: Partial<GuardSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...parts, revision: this.#snapshot.revision + 1 };
    for (const listener of this.#listeners) listener(this.#snapshot);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  subscribe(listener: (snapshot: GuardSnapshot) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#snapshot);
    return () => this.#listeners.delete(listener);
  }

  snapshot(): GuardSnapshot {
    return this.#snapshot;
  }

  async send(command: GuardCommand): Promise<CommandResult> {
    this.sent.push(command);
    if (this.result) return this.result;
    if (command.type !== 'answer') return { ok: true, settled: 0 };
    const settled = this.#snapshot.requests.filter(
      request =>
        command.requests.includes(request.id) || (command.lifetime.kind !== 'once' && covers(command.scope, request.attempt)),
    );
    const gone = new Set(settled.map(request => request.id));
    const entries = settled.map(
      (request, i): ActivityEntry => ({
        seq: this.#snapshot.activity.length + i + 1,
        at: NOON,
        attempt: request.attempt,
        verdict: command.verdict,
        by: { kind: 'person' },
        waited: 1500,
      }),
    );
    this.change({
      requests: this.#snapshot.requests.filter(request => !gone.has(request.id)),
      activity: [...this.#snapshot.activity, ...entries],
      canUndo: true,
    });
    return { ok: true, settled: settled.length };
  }

  preview(scope: Scope): ReturnType<GuardClient['preview']> {
    const settles = this.#snapshot.requests.filter(request => covers(scope, request.attempt)).map(request => request.id);
    const matched = this.#snapshot.activity.filter(entry => covers(scope, entry.attempt)).length;
    return { settles, matched, of: this.#snapshot.activity.length };
  }

  explain(): ClassifyTrace {
    if (!this.trace) throw new Error('no trace was scripted');
    return this.trace;
  }
}
