import type {
  AttemptLayer,
  ConnectionAttempt,
  Identity,
  NameEvidence,
  ProcessIdentity,
  Verdict,
} from '../../engine/model/attempt.ts';
import type { Lifetime, RemoteScope, Scope } from '../../engine/rules/rule.ts';
import { nameGroups } from '../../engine/rules/scope.ts';
import { clean, cut } from '../text/clean.ts';
import { type Line, lineCells, type Span } from '../text/paint.ts';
import type { SourceWords } from './source-words.ts';

/** Last part of a path, of either platform. */
export const baseName = (path: string): string => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1) || path;

/** A process by its number; 0 stands for one that nobody told of. */
export const pidWords = ({ pid }: ProcessIdentity): string => (pid === 0 ? 'pid not known' : `pid ${pid}`);

/** What a program is called in one word; never a guess. */
export function programName(identity: ProcessIdentity): string {
  if (identity.path) return baseName(identity.path);
  const first = identity.commandLine?.[0];
  return first ? baseName(first) : identity.pid === 0 ? 'a program not known' : `pid ${identity.pid}`;
}

const visible = (text: string) =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');

/** The command line as one would type it; line breaks are written out. */
export function commandText(identity: ProcessIdentity): string {
  const words = identity.commandLine;
  if (!words?.length) return identity.path ?? pidWords(identity);
  return words.map(word => (/^[^\s'"\\]+$/.test(word) ? word : `'${visible(word).replaceAll("'", "'\\''")}'`)).join(' ');
}

/** Longest that a parent's command is written where several stand in a row. */
const BRIEF = 28;

/** A parent in a few words: the name of the program and its arguments, without folders. */
export function shortCommand(identity: ProcessIdentity): string {
  const [first, ...rest] = identity.commandLine ?? [];
  const words = first
    ? [first, ...rest].map(word => (/^[/\\]/.test(word) ? baseName(word) : visible(word)))
    : [programName(identity)];
  return cut(clean(words.join(' ')), BRIEF);
}

export const protocolName = (protocol: number): string =>
  ({ 1: 'ICMP', 6: 'TCP', 17: 'UDP', 58: 'ICMPv6', 132: 'SCTP' })[protocol] ?? `protocol ${protocol}`;

/** `[2001:db8::1]:443`, `203.0.113.9:443`. */
export const endpointText = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

const two = (n: number) => String(n).padStart(2, '0');

/** `0:04`, `12:31`, `1:02:03`; never negative. */
export function clockSpan(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(s / 60);
  return minutes < 60 ? `${minutes}:${two(s % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`;
}

/** Local time of day. */
export function timeOfDay(at: number): string {
  const d = new Date(at);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** An age in words: `0.3 s`, `12 s`, `5 min`, `3 h`, `2 days`. */
export function ageWords(ms: number): string {
  const s = Math.max(0, ms) / 1000;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 100) return `${Math.round(s)} s`;
  if (s < 6000) return `${Math.round(s / 60)} min`;
  return s < 48 * 3600 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86_400)} days`;
}

/** How long it took until something was answered; empty when it was decided at once. */
export const tookWords = (ms: number): string => (ms === 0 ? '' : ms < 1000 ? `${Math.round(ms)} ms` : ageWords(ms));

/** `1254` as `1,254`. Intl would do it too, at 20 ms for the first number. */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

export const countOf = (n: number, one: string, many = `${one}s`): string => `${grouped(n)} ${n === 1 ? one : many}`;

export const directionOf = (layer: AttemptLayer): 'out' | 'in' => (layer === 'ALE_AUTH_CONNECT' ? 'out' : 'in');

/** Names of the remote side, each once, most recent first. */
export const distinctNames = (names: readonly NameEvidence[]): readonly string[] => [
  ...new Set(names.map(evidence => evidence.name)),
];

/**
 * The one name that the remote side goes by, of aliases in the hosts file the first; undefined when nobody looked it up or several names
 * were looked up: then only the address is sure.
 */
export function remoteName(attempt: ConnectionAttempt): string | undefined {
  const groups = nameGroups(attempt.names);
  return groups.length === 1 ? groups[0]?.[0] : undefined;
}

/** Where an attempt goes, in a list: name or address, with its port. */
export function targetText(attempt: ConnectionAttempt): string {
  const { remote, local } = attempt;
  if (remote) return endpointText(remoteName(attempt) ?? remote.address, remote.port);
  if (!local) return 'not known';
  const at = local.port === 0 ? `${local.address} any port` : endpointText(local.address, local.port);
  return `${attempt.layer === 'ALE_AUTH_LISTEN' ? 'listen' : 'bind'} ${at}`;
}

/** `connect to`, `listen on`… what the call asks for. */
export const askWords: Readonly<Record<AttemptLayer, string>> = {
  ALE_AUTH_CONNECT: 'connect to',
  ALE_RESOURCE_ASSIGNMENT: 'use',
  ALE_AUTH_LISTEN: 'listen on',
  ALE_AUTH_RECV_ACCEPT: 'accept from',
};

/**
 * *curl (pid 4242, started by bash) wants to connect to registry.example:443 over TCP*, in spans. Where it does not fit, what the details
 * say too gives way: who started it, then the pid.
 */
export function questionSentence(
  attempt: ConnectionAttempt,
  words: Pick<SourceWords, 'asks'>,
  width = Number.POSITIVE_INFINITY,
): Line {
  const { identity } = attempt;
  const parent = identity.parents[0];
  const pid = identity.pid === 0 ? [] : [`pid ${identity.pid}`];
  const told = [[...pid, ...(parent ? [`started by ${programName(parent)}`] : [])], pid, []];
  const lines = told.map(aside => sentenceWith(attempt, aside.length > 0 ? ` (${aside.join(', ')})` : '', words.asks));
  return lines.find(line => lineCells(line) <= width) ?? lines.at(-1)!;
}

function sentenceWith(attempt: ConnectionAttempt, aside: string, [verb, end]: SourceWords['asks']): Line {
  const { identity, remote, local } = attempt;
  const line: Span[] = [[programName(identity), 'title'], [`${aside} ${verb} ${askWords[attempt.layer]} `]];
  const over = ` over ${protocolName(attempt.protocol)}`;
  if (attempt.layer === 'ALE_AUTH_CONNECT' || attempt.layer === 'ALE_AUTH_RECV_ACCEPT') {
    line.push(
      [remote ? endpointText(remoteName(attempt) ?? remote.address, remote.port) : 'an address that is not known', 'title'],
      [over],
    );
    if (attempt.layer === 'ALE_AUTH_RECV_ACCEPT' && local) line.push([` on its port ${local.port}`]);
  } else {
    line.push([local ? (local.port === 0 ? 'any free port' : `port ${local.port}`) : 'a port', 'title'], [over]);
    if (local) line.push([` at ${isEveryAddress(local.address) ? 'every address' : local.address}`]);
  }
  if (end) line.push([end]);
  return line;
}

const isEveryAddress = (address: string) => address === '0.0.0.0' || address === '::';

/** The remote part of a rule. */
export function remoteWords(remote: RemoteScope): string {
  switch (remote.kind) {
    case 'any':
      return 'any address';
    case 'address':
      return remote.address;
    case 'network':
      return `${remote.address}/${remote.prefix}`;
    case 'name':
      return remote.subdomains ? `*.${remote.name}` : remote.name;
  }
}

export const portWords = (port: Scope['port']): string =>
  !port ? 'any port' : port.from === port.to ? `port ${port.from}` : `ports ${port.from} to ${port.to}`;

/** Lifetimes in words; `now` makes a duration of a point in time. */
export function lifetimeWords(lifetime: Lifetime, now?: number): string {
  switch (lifetime.kind) {
    case 'once':
      return 'once';
    case 'process':
      return 'until the program exits';
    case 'restart':
      return 'until restart';
    case 'permanent':
      return 'for ever';
    case 'until':
      return now === undefined ? `until ${timeOfDay(lifetime.at)}` : `for ${ageWords(lifetime.at - now)}`;
  }
}

/** What a rule covers, as the second half of a sentence: `curl to connect to telemetry.example, port 443, TCP`. */
export function scopeWords(scope: Scope): string {
  const who = scope.app ? baseName(scope.app) : 'any program';
  const user = scope.user ? ` of user ${scope.user}` : '';
  const protocol = scope.protocol === undefined ? '' : `, ${protocolName(scope.protocol)}`;
  const ask = scope.direction === 'out' ? 'to connect to' : 'to take connections from';
  return `${who}${user} ${ask} ${remoteWords(scope.remote)}, ${portWords(scope.port)}${protocol}`;
}

/** Symbol and word for a verdict: never colour alone. */
export const verdictSpan = (verdict: Verdict | 'withdrawn'): Span =>
  verdict === 'permit' ? ['✓ permit', 'permit'] : verdict === 'block' ? ['✕ block ', 'block'] : ['· gone  ', 'muted'];

/** Program and its parents, nearest first: `/usr/bin/curl ← sh postinstall.sh ← npm ci ← bash`. */
export const ancestry = (identity: Identity): string =>
  [identity.path ?? 'path not known', ...identity.parents.map(shortCommand)].join(' ← ');
