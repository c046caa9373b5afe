import type { Lifetime, RemoteScope, Rule, Scope } from './rule.ts';
import { IPPROTO } from './well-known.ts';

/** Text from outside made safe for one line of a terminal: control and direction-changing characters become `·`. */
export const plain = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, '·');

const protocolNames = new Map<number, string>(Object.entries(IPPROTO).map(([name, number]) => [number, name]));

/** `tcp`, `udp`, … or `protocol 47`. */
export const protocolName = (protocol: number): string => protocolNames.get(protocol) ?? `protocol ${protocol}`;

/** The last part of a program's path. */
export const programName = (path: string): string => plain(path.split(/[\\/]/).findLast(part => part !== '') ?? path);

/** `any address`, `203.0.113.9`, `10.0.0.0/8`, `example.com`, `*.example.com`. */
export function describeRemote(remote: RemoteScope): string {
  if (remote.kind === 'any') return 'any address';
  if (remote.kind === 'address') return remote.address;
  if (remote.kind === 'network') return `${remote.address}/${remote.prefix}`;
  return plain(remote.subdomains ? `*.${remote.name}` : remote.name);
}

/** `443` or `1000-2000`. */
export const describePort = (port: NonNullable<Scope['port']>): string =>
  port.from === port.to ? String(port.from) : `${port.from}-${port.to}`;

/** `S-1-22-1-1000` becomes `uid 1000`; other SIDs stay as they are. */
export function describeUser(sid: string): string {
  const unix = /^S-1-22-([12])-(\d+)$/.exec(sid);
  return unix ? `${unix[1] === '1' ? 'uid' : 'gid'} ${unix[2]}` : sid;
}

/**
 * A scope in words: `curl → example.com port 443 over tcp`; `node listens on port 8080`; `any program → any address`.
 * `fullPath` writes the program's whole path.
 */
export function describeScope(scope: Scope, options: { readonly fullPath?: boolean } = {}): string {
  const program = scope.app === undefined ? 'any program' : options.fullPath ? plain(scope.app) : programName(scope.app);
  const who = scope.user === undefined ? program : `${program} of ${describeUser(scope.user)}`;
  const port = scope.port ? ` port ${describePort(scope.port)}` : '';
  const over = scope.protocol === undefined ? '' : ` over ${protocolName(scope.protocol)}`;
  if (scope.direction === 'out') return `${who} → ${describeRemote(scope.remote)}${port}${over}`;
  const from = scope.remote.kind === 'any' ? '' : ` from ${describeRemote(scope.remote)}`;
  return `${who} listens on${port === '' ? ' any port' : port}${over}${from}`;
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/** `15 min`, `2 h`, `1 d 3 h`: the two largest units, rounded down. */
export function describeDuration(ms: number): string {
  const at = units.findIndex(([, size]) => ms >= size);
  if (at < 0) return '0 s';
  let rest = ms;
  return units
    .slice(at, at + 2)
    .flatMap(([unit, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count === 0 ? [] : `${count} ${unit}`;
    })
    .join(' ');
}

/** A lifetime in words. With `now`, what is left of it. */
export function describeLifetime(lifetime: Lifetime, now?: number): string {
  switch (lifetime.kind) {
    case 'once':
      return 'once';
    case 'until':
      if (now === undefined) return `until ${new Date(lifetime.at).toISOString()}`;
      return lifetime.at <= now ? 'expired' : `for ${describeDuration(lifetime.at - now + 999)}`;
    case 'process':
      return `until pid ${lifetime.pid} exits`;
    case 'restart':
      return 'until Sallyport ends';
    case 'permanent':
      return 'for ever';
  }
}

/** `block curl → example.com port 443 over tcp`. */
export const describeRule = (rule: Pick<Rule, 'verdict' | 'scope'>): string => `${rule.verdict} ${describeScope(rule.scope)}`;
