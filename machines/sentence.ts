import type { ConnectionAttempt } from '../engine/model/attempt.ts';
import {
  describeDuration,
  describePort,
  describeRemote,
  describeUser,
  programName,
  protocolName,
} from '../engine/rules/describe.ts';
import type { Lifetime, RemoteScope, Scope } from '../engine/rules/rule.ts';
import { canonicalName, covers } from '../engine/rules/scope.ts';
import type { Request } from './guard-client.ts';

/** The parts of the answer's sentence, in the order they are read. */
export const PARTS = ['program', 'user', 'remote', 'port', 'protocol', 'lifetime'] as const;
export type PartKey = (typeof PARTS)[number];

/** A lifetime that is not yet bound to a time: `for` counts from the moment of the answer. */
export type LifetimeChoice = Exclude<Lifetime, { kind: 'until' }> | { readonly kind: 'for'; readonly ms: number };

export interface Step<T> {
  readonly label: string;
  readonly value: T;
}

/** One part with its steps from narrow to wide. `at` is the chosen one. */
export interface Part<T> {
  readonly steps: readonly Step<T>[];
  readonly at: number;
}

/** What the answer will say: every step of every part covers every request that it is about. */
export interface Sentence {
  /** The requests it is about. */
  readonly requests: readonly number[];
  readonly direction: 'out' | 'in';
  readonly program: Part<string | undefined>;
  readonly user: Part<string | undefined>;
  readonly remote: Part<RemoteScope>;
  readonly port: Part<Scope['port']>;
  readonly protocol: Part<number | undefined>;
  readonly lifetime: Part<LifetimeChoice>;
}

const MINUTE = 60_000;
/** The value that all have in common, or undefined. */
function common<T>(values: readonly T[]): T | undefined {
  const [first, ...rest] = values;
  return rest.every(value => value === first) ? first : undefined;
}

const directionOf = (attempt: ConnectionAttempt): 'out' | 'in' => (attempt.layer === 'ALE_AUTH_CONNECT' ? 'out' : 'in');

/** Address, then the names it goes by, then the domains above them, then any. */
function remoteChain(attempt: ConnectionAttempt): readonly RemoteScope[] {
  const chain: RemoteScope[] = [];
  if (attempt.remote) chain.push({ kind: 'address', address: attempt.remote.address });
  const names = attempt.layer === 'ALE_AUTH_CONNECT' ? attempt.names.flatMap(({ name }) => canonicalName(name) ?? []) : [];
  for (const name of new Set(names)) chain.push({ kind: 'name', name, subdomains: false });
  for (const name of new Set(names)) {
    const labels = name.split('.');
    for (let i = 1; i < labels.length; i++) chain.push({ kind: 'name', name: labels.slice(i).join('.'), subdomains: true });
  }
  return [...new Map(chain.map(remote => [describeRemote(remote), remote])).values()];
}

function remotePart(attempts: readonly ConnectionAttempt[], direction: 'out' | 'in'): Part<RemoteScope> {
  const [first] = attempts;
  const steps = (first ? remoteChain(first) : [])
    .filter(remote => attempts.every(attempt => covers({ remote, direction }, attempt)))
    .map(value => ({ value, label: describeRemote(value) }));
  const all = [...steps, { value: { kind: 'any' } as const, label: direction === 'out' ? 'any address' : 'anyone' }];
  const name = all.findIndex(step => step.value.kind === 'name');
  return { steps: all, at: Math.max(0, name) };
}

/** `narrow` steps, when they are common to all requests, before the widest one. */
function part<T>(narrow: readonly (Step<T> | undefined)[], widest: Step<T>, at = 0): Part<T> {
  const steps = [...narrow.filter(step => step !== undefined), widest];
  return { steps, at: Math.min(at, steps.length - 1) };
}

const labelled = <T>(value: T | undefined, label: (value: T) => string): Step<T | undefined> | undefined =>
  value === undefined ? undefined : { value, label: label(value) };

function lifetimePart(attempts: readonly ConnectionAttempt[]): Part<LifetimeChoice> {
  const pid = common(attempts.map(({ identity }) => identity.pid));
  // 0: the process is not known.
  const identity = pid === undefined || pid === 0 ? undefined : attempts[0]?.identity;
  const narrow: (Step<LifetimeChoice> | undefined)[] = [
    { value: { kind: 'once' }, label: 'once' },
    ...[15 * MINUTE, 60 * MINUTE, 24 * 60 * MINUTE].map(ms => ({
      value: { kind: 'for', ms } as const,
      label: `for ${describeDuration(ms)}`,
    })),
    identity && {
      value: {
        kind: 'process',
        pid: identity.pid,
        ...(identity.startTime === undefined ? {} : { startTime: identity.startTime }),
      },
      label: `until ${identity.path === undefined ? `pid ${identity.pid}` : programName(identity.path)} exits`,
    },
    { value: { kind: 'restart' }, label: 'until Sallyport ends' },
  ];
  return part<LifetimeChoice>(narrow, { value: { kind: 'permanent' }, label: 'for ever' }, narrow.length);
}

/**
 * The sentence that answers these requests with one rule, with careful defaults: this program, this name (or address), this port, for ever.
 * Parts that the requests do not have in common have only their widest step. Undefined when they go in different directions or there are none.
 */
export function sentenceFor(requests: readonly Request[]): Sentence | undefined {
  const attempts = requests.map(request => request.attempt);
  const direction = common(attempts.map(directionOf));
  if (direction === undefined) return undefined;
  const identities = attempts.map(({ identity }) => identity);
  const app = common(identities.map(identity => identity.path));
  const user = common(identities.map(({ uid, sid }) => (uid === undefined ? sid : `S-1-22-1-${uid}`)));
  const userName = common(identities.map(identity => identity.user));
  const port = common(attempts.map(({ remote, local }) => (direction === 'out' ? remote : local)?.port));
  const protocol = common(attempts.map(attempt => attempt.protocol));
  const userPart = part<string | undefined>([labelled(user, sid => userName ?? describeUser(sid))], {
    value: undefined,
    label: 'any user',
  });
  return {
    requests: requests.map(request => request.id),
    direction,
    program: part<string | undefined>([labelled(app, programName)], { value: undefined, label: 'any program' }),
    user: { ...userPart, at: userPart.steps.length - 1 },
    remote: remotePart(attempts, direction),
    port: part<Scope['port']>(
      [
        labelled(port, number => String(number)) && {
          value: { from: port ?? 0, to: port ?? 0 },
          label: describePort({ from: port ?? 0, to: port ?? 0 }),
        },
      ],
      { value: undefined, label: 'any port' },
    ),
    protocol: part<number | undefined>([labelled(protocol, protocolName)], { value: undefined, label: 'any protocol' }),
    lifetime: lifetimePart(attempts),
  };
}

const chosen = <T>({ steps, at }: Part<T>): T => (steps[at] as Step<T>).value;

/** What the rule will cover. */
export function scopeOf(sentence: Sentence): Scope {
  const app = chosen(sentence.program);
  const user = chosen(sentence.user);
  const port = chosen(sentence.port);
  const protocol = chosen(sentence.protocol);
  return {
    ...(app === undefined ? {} : { app }),
    ...(user === undefined ? {} : { user }),
    remote: chosen(sentence.remote),
    ...(port ? { port } : {}),
    ...(protocol === undefined ? {} : { protocol }),
    direction: sentence.direction,
  };
}

export const lifetimeOf = (sentence: Sentence): LifetimeChoice => chosen(sentence.lifetime);

/** The lifetime as it is kept, with times counted from `now` (milliseconds since the epoch). */
export const boundLifetime = (choice: LifetimeChoice, now: number): Lifetime =>
  choice.kind === 'for' ? { kind: 'until', at: now + choice.ms } : choice;

/** Moves a part one step; stays at the ends. */
export function moved(sentence: Sentence, key: PartKey, by: 1 | -1): Sentence {
  const { steps, at } = sentence[key];
  const next = Math.min(Math.max(at + by, 0), steps.length - 1);
  return next === at ? sentence : { ...sentence, [key]: { ...sentence[key], at: next } };
}

/** The next lifetime, from the widest back to the narrowest. */
export function nextLifetime(sentence: Sentence): Sentence {
  const { steps, at } = sentence.lifetime;
  return { ...sentence, lifetime: { ...sentence.lifetime, at: (at + 1) % steps.length } };
}

/** The sentence for the whole program: any address, any port, any protocol, for ever. Undefined when the program is not known. */
export function wholeProgram(sentence: Sentence): Sentence | undefined {
  if (sentence.program.steps[0]?.value === undefined) return undefined;
  const widest = <T>(of: Part<T>): Part<T> => ({ ...of, at: of.steps.length - 1 });
  return {
    ...sentence,
    program: { ...sentence.program, at: 0 },
    user: widest(sentence.user),
    remote: widest(sentence.remote),
    port: widest(sentence.port),
    protocol: widest(sentence.protocol),
    lifetime: widest(sentence.lifetime),
  };
}

/** A part as a screen shows it: `‹telemetry.example›`. */
export interface PartView {
  readonly key: PartKey;
  readonly label: string;
  readonly canWiden: boolean;
  readonly canNarrow: boolean;
}

/** The parts in reading order; a part without a choice (the remote side of a listening socket) is left out. */
export function partViews(sentence: Sentence): readonly PartView[] {
  return PARTS.filter(key => key !== 'remote' || sentence.direction === 'out' || sentence.remote.steps.length > 1).map(key => {
    const { steps, at } = sentence[key];
    return { key, label: steps[at]?.label ?? '', canWiden: at < steps.length - 1, canNarrow: at > 0 };
  });
}
