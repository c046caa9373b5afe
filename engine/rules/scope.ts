import { domainToASCII } from 'node:url';
import type { ConnectionAttempt, NameEvidence, Verdict } from '../model/attempt.ts';
import { inNetwork, networkOf, parseAddress } from './address.ts';
import type { RemoteScope, Scope } from './rule.ts';
import { RuleError } from './rule-error.ts';
import { IPPROTO } from './well-known.ts';

const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** A name as it is compared: lower case, IDNA in ASCII form, no final dot. Undefined when the text can be no host name. */
export function canonicalName(text: string): string | undefined {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  const ascii = /^[\x21-\x7e]+$/.test(bare) ? bare.toLowerCase() : domainToASCII(bare);
  if (ascii === '' || ascii.length > 253) return undefined;
  const labels = ascii.split('.');
  if (!labels.every(part => label.test(part))) return undefined;
  return /^[0-9]+$/.test(labels.at(-1) ?? '') ? undefined : ascii;
}

const whole = (value: number, low: number, high: number) => Number.isInteger(value) && value >= low && value <= high;

function canonicalRemote(remote: RemoteScope): RemoteScope {
  if (remote.kind === 'any') return { kind: 'any' };
  if (remote.kind === 'name') {
    const name = canonicalName(remote.name);
    if (name === undefined) throw new RuleError(`"${remote.name}" is neither an address nor a possible host name.`);
    return { kind: 'name', name, subdomains: remote.subdomains };
  }
  const address = parseAddress(remote.address);
  if (!address) throw new RuleError(`"${remote.address}" is not an IPv4 or IPv6 address.`);
  if (remote.kind === 'address') return { kind: 'address', address: address.text };
  const bits = address.family === 'v4' ? 32 : 128;
  if (!whole(remote.prefix, 0, bits)) {
    throw new RuleError(
      `"/${remote.prefix}" is not a possible prefix: an ${address.family === 'v4' ? 'IPv4' : 'IPv6'} network has 0 to ${bits} bits.`,
    );
  }
  return { kind: 'network', address: networkOf(address, remote.prefix).text, prefix: remote.prefix };
}

/**
 * The scope in its one canonical form: addresses as canonical text, networks with their host bits cleared, names in lower case,
 * absent members absent. Two scopes cover the same requests by the same conditions exactly when their canonical forms are equal.
 * @throws RuleError when a member is impossible
 */
export function canonicalScope(scope: Scope): Scope {
  const { app, user, port, protocol, direction } = scope;
  if (app !== undefined && (app === '' || app.includes('\0') || app.length > 4096)) {
    throw new RuleError('A program path has 1 to 4096 characters and no NUL.');
  }
  if (user !== undefined && !/^S-1(-[0-9]{1,20}){1,16}$/.test(user)) {
    throw new RuleError(`"${user}" is not a SID (like S-1-22-1-1000).`);
  }
  if (port && (!whole(port.from, 0, 65535) || !whole(port.to, 0, 65535) || port.from > port.to)) {
    throw new RuleError(`Ports ${port.from}-${port.to} are impossible: ports go from 0 to 65535, the lower one first.`);
  }
  if (protocol !== undefined && !whole(protocol, 0, 255)) {
    throw new RuleError(`Protocol ${protocol} is impossible: protocol numbers go from 0 to 255.`);
  }
  const remote = canonicalRemote(scope.remote);
  if (direction === 'in' && remote.kind === 'name') {
    throw new RuleError(
      'A rule for incoming traffic cannot name its remote side: nobody looks a name up there. Give an address or a network.',
    );
  }
  return {
    ...(app === undefined ? {} : { app }),
    ...(user === undefined ? {} : { user }),
    remote,
    ...(port ? { port: { from: port.from, to: port.to } } : {}),
    ...(protocol === undefined ? {} : { protocol }),
    direction,
  };
}

const windowsPath = /^([a-z]:\\|\\)/i;

/** A program path as it is compared: Windows' file names differ by case in nothing, others do. */
const foldApp = (path: string): string => (windowsPath.test(path) ? path.toLowerCase() : path);

/** Whether a rule's program is the one that asks: by the path that people see, or by the engine's own form of it. */
const sameApp = (app: string, { path, appId }: ConnectionAttempt['identity']): boolean =>
  app === path ||
  (path !== undefined && foldApp(app) === foldApp(path)) ||
  (appId !== undefined && foldApp(app) === foldApp(appId));

const keys = new WeakMap<Scope, string>();

/** A text that is equal for two scopes exactly when they are the same. Remembered per scope object: scopes are immutable. */
export function scopeKey(scope: Scope): string {
  let key = keys.get(scope);
  if (key === undefined) {
    const canonical = canonicalScope(scope);
    key = JSON.stringify(canonical.app === undefined ? canonical : { ...canonical, app: foldApp(canonical.app) });
    keys.set(scope, key);
  }
  return key;
}

export const sameScope = (a: Scope, b: Scope): boolean => scopeKey(a) === scopeKey(b);

/** Every SID that the attempt's token is known to hold: user first, then groups. */
export function sidsOf(identity: ConnectionAttempt['identity']): readonly string[] {
  if (identity.uid === undefined) return identity.sid === undefined ? [] : [identity.sid];
  return [`S-1-22-1-${identity.uid}`, ...(identity.gids ?? []).map(gid => `S-1-22-2-${gid}`)];
}

/** Whether the evidence shows that the address goes by the name. What stands in a command line is a claim of the program that asks. */
export const isProof = ({ kind }: NameEvidence): boolean => kind !== 'command-line';

/**
 * The names of an address in groups. Every name that was looked up stands for itself: another service may share the address. Those of
 * the machine's own hosts file are aliases of one thing (localhost and the machine's name, say) and form one group.
 */
export function nameGroups(names: readonly NameEvidence[]): readonly (readonly string[])[] {
  const own = new Set<string>();
  const aliases = new Set<string>();
  for (const { name, kind } of names) (kind === 'hosts' ? aliases : own).add(name);
  return [...Array.from(own, name => [name]), ...(aliases.size > 0 ? [[...aliases]] : [])];
}

function remoteCovers(remote: RemoteScope, attempt: ConnectionAttempt, verdict: Verdict): boolean {
  if (remote.kind === 'any') return true;
  if (attempt.remote === undefined) return false;
  if (remote.kind === 'name') {
    const fits = ({ name }: { readonly name: string }) => {
      const canonical = canonicalName(name) ?? name.toLowerCase();
      return remote.subdomains ? canonical.endsWith(`.${remote.name}`) : canonical === remote.name;
    };
    // One name in doubt is enough to block; to permit, every group of names that the address goes by must be permitted.
    if (verdict === 'block') return attempt.names.some(fits);
    return attempt.names.some(isProof) && nameGroups(attempt.names).every(group => group.some(name => fits({ name })));
  }
  const address = parseAddress(attempt.remote.address);
  const wanted = parseAddress(remote.address);
  if (!address || !wanted || address.family !== wanted.family) return false;
  return remote.kind === 'address' ? address.text === wanted.text : inNetwork(address, wanted, remote.prefix);
}

/**
 * Whether a rule of this scope would decide the attempt, if no other rule did: the same answer as the compiled filters give,
 * without an engine, cheap enough for every key press.
 */
export function covers(scope: Scope, attempt: ConnectionAttempt, verdict: Verdict = 'permit'): boolean {
  const out = attempt.layer === 'ALE_AUTH_CONNECT';
  if (out !== (scope.direction === 'out')) return false;
  if (attempt.layer === 'ALE_AUTH_LISTEN' && scope.protocol !== undefined && scope.protocol !== IPPROTO.tcp) return false;
  if (attempt.layer === 'ALE_RESOURCE_ASSIGNMENT' && (attempt.protocol === IPPROTO.tcp || attempt.local?.port === 0))
    return false;
  if (scope.app !== undefined && !sameApp(scope.app, attempt.identity)) return false;
  if (scope.user !== undefined && !sidsOf(attempt.identity).includes(scope.user)) return false;
  if (scope.protocol !== undefined && attempt.layer !== 'ALE_AUTH_LISTEN' && attempt.protocol !== scope.protocol) return false;
  if (scope.port) {
    const port = (out ? attempt.remote : attempt.local)?.port;
    if (port === undefined || port < scope.port.from || port > scope.port.to) return false;
  }
  return remoteCovers(scope.remote, attempt, verdict);
}
