import type { Verdict } from '../model/attempt.ts';
import { parseAddress } from './address.ts';
import type { Lifetime, RemoteScope, Rule, Scope } from './rule.ts';
import { RuleError } from './rule-error.ts';
import { NOTE_MAX } from './rule-schema.ts';
import { canonicalName, canonicalScope } from './scope.ts';
import { IPPROTO } from './well-known.ts';

/** What stands on a command line, as text: `rules add permit --app /usr/bin/curl --remote example.com --port 443 --for 15m`. */
export interface RuleOptions {
  readonly app?: string;
  readonly user?: string;
  readonly remote?: string;
  readonly port?: string;
  readonly protocol?: string;
  readonly direction?: string;
  readonly for?: string;
  readonly permanent?: boolean;
  readonly note?: string;
}

/** What parsing needs from the world. */
export interface RuleParseHost {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The SID of a user by the name or number that this machine knows it by; undefined when there is none. */
  readonly resolveUser: (name: string) => string | undefined;
  /** Whether incoming connections themselves are asked about, which have a remote side. Elsewhere the call that opens the port is. */
  readonly asksAtAccept?: boolean;
}

const looksNumeric = (text: string): boolean => /^[0-9.]+$/.test(text);

function parseNetwork(text: string): RemoteScope {
  const slash = text.lastIndexOf('/');
  const base = text.slice(0, slash);
  const bits = text.slice(slash + 1);
  const address = parseAddress(base);
  if (!address)
    throw new RuleError(`"${text}" is not a network: "${base}" is no address. Write it like 10.0.0.0/8 or 2001:db8::/32.`);
  const most = address.family === 'v4' ? 32 : 128;
  const family = address.family === 'v4' ? 'IPv4' : 'IPv6';
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > most) {
    throw new RuleError(`"${text}" is not a network: an ${family} prefix has 0 to ${most} bits, not "${bits}".`);
  }
  return { kind: 'network', address: address.text, prefix: Number(bits) };
}

/** ADDRESS, ADDRESS/BITS, NAME, *.NAME, `any`, or `name:NAME` for a name that is a word of its own. */
export function parseRemote(text: string): RemoteScope {
  if (text === 'any' || text === '*') return { kind: 'any' };
  if (text.includes('/')) return parseNetwork(text);
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  const address = parseAddress(bare);
  if (address) return { kind: 'address', address: address.text };
  if (bare.includes(':') && !bare.startsWith('name:')) {
    const hint = /^[^:]+:\d+$/.test(bare) ? ' Give the port with --port.' : '';
    throw new RuleError(`"${text}" is neither an IPv6 address nor a host name.${hint}`);
  }
  if (looksNumeric(bare))
    throw new RuleError(`"${text}" is not an address: IPv4 addresses are four numbers from 0 to 255, like 203.0.113.9.`);
  const plainName = bare.startsWith('name:') ? bare.slice(5) : bare;
  const subdomains = plainName.startsWith('*.');
  const name = canonicalName(subdomains ? plainName.slice(2) : plainName);
  if (name === undefined) {
    throw new RuleError(
      `"${text}" is neither an address nor a possible host name. Write 203.0.113.9, 10.0.0.0/8, example.com or *.example.com.`,
    );
  }
  return { kind: 'name', name, subdomains };
}

/** N or N-M. */
export function parsePort(text: string): NonNullable<Scope['port']> {
  const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text.trim());
  if (!match) throw new RuleError(`"${text}" is not a port: give a number like 443 or a range like 8000-8080.`);
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  const tooHigh = [from, to].find(port => port > 65535);
  if (tooHigh !== undefined) throw new RuleError(`Port ${tooHigh} is impossible: ports go up to 65535.`);
  if (from > to) throw new RuleError(`Ports ${text} are in the wrong order: write the lower one first, ${to}-${from}.`);
  return { from, to };
}

/** tcp, udp, another name that is known here, or a number. */
export function parseProtocol(text: string): number {
  const name = text.toLowerCase();
  if (Object.hasOwn(IPPROTO, name)) return IPPROTO[name as keyof typeof IPPROTO];
  const number = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (number <= 255) return number;
  throw new RuleError(`"${text}" is not a protocol: give tcp, udp or a number from 0 to 255.`);
}

const UNIT = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const LONGEST = 10 * 365 * UNIT.d;

/** 90s, 15m, 2h, 1d, 1w as milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9})([smhdw])$/.exec(text.trim());
  const ms = match ? Number(match[1]) * UNIT[match[2] as keyof typeof UNIT] : 0;
  if (ms === 0) throw new RuleError(`"${text}" is not a duration: write it like 15m, 2h or 1d.`);
  if (ms > LONGEST) throw new RuleError(`"${text}" is longer than ten years: make the rule permanent instead.`);
  return ms;
}

function parseUser(text: string, host: RuleParseHost): string {
  if (/^S-1-/i.test(text)) return text.toUpperCase();
  const sid = host.resolveUser(text);
  if (sid === undefined) throw new RuleError(`There is no user "${text}" on this machine. Give a name that it knows, or a SID.`);
  return sid;
}

function parseDirection(text: string): 'out' | 'in' {
  if (text === 'out' || text === 'in') return text;
  throw new RuleError(`"${text}" is not a direction: give out (connecting) or in (listening).`);
}

/** `permit` or `block`. */
export function parseVerdict(text: string | undefined): Verdict {
  if (text === 'permit' || text === 'block') return text;
  throw new RuleError(
    text === undefined ? 'Say first what the rule does: permit or block.' : `"${text}" is not a verdict: write permit or block.`,
  );
}

function parseLifetime(options: RuleOptions, now: number): Lifetime {
  if (options.for === undefined) return { kind: 'permanent' };
  if (options.permanent) throw new RuleError('--for and --permanent exclude each other: give one of them.');
  return { kind: 'until', at: now + parseDuration(options.for) };
}

/**
 * Makes a rule from a command line.
 * @throws RuleError with one sentence about the first thing that is wrong
 */
export function parseRule(
  verdict: string | undefined,
  options: RuleOptions,
  host: RuleParseHost,
): Omit<Rule, 'id' | 'createdAt'> {
  const says = parseVerdict(verdict);
  const direction = parseDirection(options.direction ?? 'out');
  const remote = parseRemote(options.remote ?? 'any');
  if (direction === 'in' && remote.kind !== 'any' && !host.asksAtAccept) {
    throw new RuleError(
      '--remote cannot go with --direction in: what is held is the call that opens the port, and that has no remote side yet.',
    );
  }
  if (options.app !== undefined && !/^([/\\]|[A-Za-z]:)/.test(options.app)) {
    throw new RuleError(
      `"${options.app}" is not a whole path: give the program's file, like ${'/usr/bin/'}${options.app.split('/').at(-1) ?? ''}.`,
    );
  }
  if (options.note !== undefined && options.note.length > NOTE_MAX)
    throw new RuleError(`The note has ${options.note.length} characters: ${NOTE_MAX} are possible.`);
  const scope = canonicalScope({
    ...(options.app === undefined ? {} : { app: options.app }),
    ...(options.user === undefined ? {} : { user: parseUser(options.user, host) }),
    remote,
    ...(options.port === undefined ? {} : { port: parsePort(options.port) }),
    ...(options.protocol === undefined ? {} : { protocol: parseProtocol(options.protocol) }),
    direction,
  });
  return {
    verdict: says,
    scope,
    lifetime: parseLifetime(options, host.now),
    enabled: true,
    ...(options.note ? { note: options.note } : {}),
    origin: 'command',
  };
}
