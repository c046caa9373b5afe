import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { describePort } from './describe.ts';
import { parsePort, parseProtocol, parseRemote } from './parse-rule.ts';
import type { Lifetime, RemoteScope, Rule } from './rule.ts';
import { RuleError } from './rule-error.ts';
import { NOTE_MAX, toRule } from './rule-schema.ts';
import { canonicalScope, scopeKey } from './scope.ts';
import { IPPROTO } from './well-known.ts';

/** A rule as it stands in a file: flat, in words. Members that say the usual are left out. */
export interface ExchangeEntry {
  readonly id: string;
  readonly verdict: 'permit' | 'block';
  readonly direction?: 'in';
  readonly program?: string;
  readonly user?: string;
  readonly remote?: string;
  readonly port?: string | number;
  readonly protocol?: string | number;
  readonly lifetime?: string | { readonly until: string } | { readonly process: number; readonly started?: string };
  readonly enabled?: false;
  readonly note?: string;
  readonly origin?: Rule['origin'];
  readonly created?: string;
}

const time = (ms: number): string => new Date(ms).toISOString();
const protocolNames = new Map<number, string>(Object.entries(IPPROTO).map(([name, number]) => [number, name]));

function remoteText(remote: RemoteScope): string {
  if (remote.kind === 'address') return remote.address;
  if (remote.kind === 'network') return `${remote.address}/${remote.prefix}`;
  if (remote.kind === 'any') return 'any';
  const name = remote.subdomains ? `*.${remote.name}` : remote.name;
  return name === 'any' ? `name:${name}` : name;
}

function lifetimeValue(lifetime: Lifetime): ExchangeEntry['lifetime'] {
  if (lifetime.kind === 'until') return { until: time(lifetime.at) };
  if (lifetime.kind !== 'process') return lifetime.kind;
  return { process: lifetime.pid, ...(lifetime.startTime === undefined ? {} : { started: time(lifetime.startTime) }) };
}

/** A rule as it is written. */
export function toEntry(rule: Rule): ExchangeEntry {
  const { app, user, remote, port, protocol, direction } = canonicalScope(rule.scope);
  return {
    id: rule.id,
    verdict: rule.verdict,
    ...(direction === 'in' ? { direction } : {}),
    ...(app === undefined ? {} : { program: app }),
    ...(user === undefined ? {} : { user }),
    ...(remote.kind === 'any' ? {} : { remote: remoteText(remote) }),
    ...(port ? { port: port.from === port.to ? port.from : describePort(port) } : {}),
    ...(protocol === undefined ? {} : { protocol: protocolNames.get(protocol) ?? protocol }),
    ...(rule.lifetime.kind === 'permanent'
      ? {}
      : { lifetime: lifetimeValue(rule.lifetime) as NonNullable<ExchangeEntry['lifetime']> }),
    ...(rule.enabled ? {} : { enabled: false }),
    ...(rule.note === undefined ? {} : { note: rule.note }),
    ...(rule.origin === 'import' ? {} : { origin: rule.origin }),
    created: time(rule.createdAt),
  };
}

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const instant = v.pipe(
  v.string(),
  v.check(value => !Number.isNaN(Date.parse(value)), 'is no time: write it like 2026-11-23T12:00:00Z'),
  v.transform(value => Date.parse(value)),
);

const entrySchema = v.strictObject({
  id: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'must be a GUID, or be left out'))),
  verdict: v.picklist(['permit', 'block'], 'must be permit or block'),
  direction: v.optional(v.picklist(['out', 'in'], 'must be out or in'), 'out'),
  program: v.optional(text(4096)),
  user: v.optional(text(184)),
  remote: v.optional(text(260), 'any'),
  port: v.optional(v.union([text(20), v.number()], 'must be a port like 443 or a range like 8000-8080')),
  protocol: v.optional(v.union([text(20), v.number()], 'must be tcp, udp or a number')),
  lifetime: v.optional(
    v.union(
      [
        v.picklist(['permanent', 'restart', 'once']),
        v.strictObject({ until: instant }),
        v.strictObject({ process: v.number(), started: v.optional(instant) }),
      ],
      'must be permanent, restart, or {until: TIME}',
    ),
    'permanent',
  ),
  enabled: v.optional(v.boolean('must be true or false'), true),
  note: v.optional(text(NOTE_MAX)),
  origin: v.optional(v.picklist(['prompt', 'command', 'import', 'builtin']), 'import'),
  created: v.optional(instant),
});

const KEYS = Object.keys(entrySchema.entries).join(', ');

function lifetimeOf(value: v.InferOutput<typeof entrySchema>['lifetime']): Lifetime {
  if (typeof value === 'string') return { kind: value };
  if ('until' in value) return { kind: 'until', at: value.until };
  return { kind: 'process', pid: value.process, ...(value.started === undefined ? {} : { startTime: value.started }) };
}

function derivedId(key: string): string {
  const hash = createHash('sha256').update(`rule ${key}`).digest('hex');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

/**
 * Reads one rule as it is written. A rule without an id gets one that follows from its scope, so reading the same file again gives the same rules.
 * @param now for rules that do not say when they were made
 * @throws RuleError with what is wrong
 */
export function fromEntry(value: unknown, now: number): Rule {
  const parsed = v.safeParse(entrySchema, value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const path = v.getDotPath(issue);
    const unknown = issue.type === 'strict_object' && issue.expected === 'never';
    throw new RuleError(
      unknown ? `"${path}" is not a member of a rule: these are ${KEYS}` : `${path ? `"${path}" ` : ''}${issue.message}`,
    );
  }
  const { output } = parsed;
  const scope = canonicalScope({
    ...(output.program === undefined ? {} : { app: output.program }),
    ...(output.user === undefined ? {} : { user: output.user }),
    remote: parseRemote(output.remote),
    ...(output.port === undefined ? {} : { port: parsePort(String(output.port)) }),
    ...(output.protocol === undefined ? {} : { protocol: parseProtocol(String(output.protocol)) }),
    direction: output.direction,
  });
  return toRule({
    id: output.id?.toLowerCase() ?? derivedId(scopeKey(scope)),
    verdict: output.verdict,
    scope,
    lifetime: lifetimeOf(output.lifetime),
    enabled: output.enabled,
    ...(output.note === undefined ? {} : { note: output.note }),
    origin: output.origin,
    createdAt: output.created ?? now,
  });
}
