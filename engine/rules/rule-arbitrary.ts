import fc from 'fast-check';
import type { ConnectionAttempt } from '../model/attempt.ts';
import { formatV4, formatV6 } from './address.ts';
import type { Lifetime, RemoteScope, Rule, Scope } from './rule.ts';
import { canonicalScope } from './scope.ts';

/** Generated rules and attempts for property tests, drawn from few values so that they often meet. */

const v4 = fc.oneof(fc.constantFrom('127.0.0.1', '203.0.113.9', '203.0.113.10', '10.1.2.3'), fc.nat(0xffffffff).map(formatV4));
const v6 = fc.oneof(
  fc.constantFrom('::1', '2001:db8::1', '2001:db8:1::2', '::'),
  fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map(formatV6)
    .filter(text => !text.includes('.') && !text.startsWith('::ffff:')),
);
const name = fc.constantFrom(
  'example.com',
  'a.example.com',
  'b.a.example.com',
  'telemetry.example',
  'xn--bcher-kva.example',
  'any',
);
const port = fc.oneof(fc.constantFrom(0, 1, 53, 80, 443, 8080, 65535), fc.nat(65535));
const app = fc.oneof(
  fc.constantFrom('/usr/bin/curl', '/usr/bin/node', '/opt/My App/ä'),
  fc.string({ minLength: 1, maxLength: 30 }).map(text => `/${text.replaceAll('\0', '')}`),
);
const user = fc.constantFrom('S-1-22-1-0', 'S-1-22-1-1000', 'S-1-22-2-1000', 'S-1-5-18');

export const remoteArbitrary: fc.Arbitrary<RemoteScope> = fc.oneof(
  fc.constant({ kind: 'any' as const }),
  fc.oneof(v4, v6).map(address => ({ kind: 'address' as const, address })),
  fc.tuple(v4, fc.nat(32)).map(([address, prefix]) => ({ kind: 'network' as const, address, prefix })),
  fc.tuple(v6, fc.nat(128)).map(([address, prefix]) => ({ kind: 'network' as const, address, prefix })),
  fc.tuple(name, fc.boolean()).map(([text, subdomains]) => ({ kind: 'name' as const, name: text, subdomains })),
);

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const present = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;

export const scopeArbitrary: fc.Arbitrary<Scope> = fc
  .record({
    app: optional(app),
    user: optional(user),
    remote: remoteArbitrary,
    port: optional(fc.tuple(port, port).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))),
    protocol: optional(fc.constantFrom(1, 6, 17, 47, 132)),
    direction: fc.constantFrom('out' as const, 'in' as const),
  })
  .map(scope => present(scope) as Scope)
  .filter(scope => scope.direction === 'out' || scope.remote.kind !== 'name')
  .map(canonicalScope);

const time = fc.integer({ min: 0, max: 4_000_000_000_000 });

export const lastingArbitrary: fc.Arbitrary<Lifetime> = fc.oneof(
  fc.constant({ kind: 'permanent' as const }),
  time.map(at => ({ kind: 'until' as const, at })),
);

export const lifetimeArbitrary: fc.Arbitrary<Lifetime> = fc.oneof(
  lastingArbitrary,
  fc.constant({ kind: 'restart' as const }),
  fc
    .record({ kind: fc.constant('process' as const), pid: fc.nat(4_000_000), startTime: optional(time) })
    .map(present) as fc.Arbitrary<Lifetime>,
);

export const ruleArbitrary: fc.Arbitrary<Rule> = fc
  .record({
    id: fc.uuid(),
    verdict: fc.constantFrom('permit' as const, 'block' as const),
    scope: scopeArbitrary,
    lifetime: lifetimeArbitrary,
    enabled: fc.boolean(),
    note: optional(fc.string({ maxLength: 60, unit: 'grapheme' })),
    origin: fc.constantFrom('prompt' as const, 'command' as const, 'import' as const),
    createdAt: time,
  })
  .map(rule => present(rule) as Rule);

/** An attempt at any layer, with names, users and programs that rules may know. */
export const attemptArbitrary: fc.Arbitrary<ConnectionAttempt> = fc
  .record({
    layer: fc.constantFrom(
      'ALE_AUTH_CONNECT',
      'ALE_AUTH_CONNECT',
      'ALE_RESOURCE_ASSIGNMENT',
      'ALE_AUTH_LISTEN',
      'ALE_AUTH_RECV_ACCEPT',
    ),
    family: fc.constantFrom('v4' as const, 'v6' as const),
    protocol: fc.constantFrom(6, 17, 47),
    remote4: v4,
    remote6: v6,
    remotePort: port,
    localPort: port,
    path: optional(app),
    uid: optional(fc.constantFrom(0, 1000)),
    gids: optional(fc.constant([1000])),
    names: fc.uniqueArray(name, { maxLength: 3 }),
    kind: fc.constantFrom('dns' as const, 'hosts' as const, 'command-line' as const),
  })
  .map(({ layer, family, remote4, remote6, remotePort, localPort, path, uid, gids, names, kind, protocol }) => {
    const remote = { address: family === 'v4' ? remote4 : remote6, port: remotePort };
    const hasRemote = layer === 'ALE_AUTH_CONNECT' || layer === 'ALE_AUTH_RECV_ACCEPT';
    return {
      id: 1,
      layer,
      family,
      protocol: layer === 'ALE_AUTH_LISTEN' ? 6 : protocol,
      local: { address: family === 'v4' ? '0.0.0.0' : '::', port: localPort },
      ...(hasRemote ? { remote } : {}),
      identity: present({ pid: 42, path, uid, gids, parents: [] }),
      names:
        layer === 'ALE_AUTH_CONNECT'
          ? names.map((text, index) => ({ name: text, kind: index === 0 ? kind : ('dns' as const), at: 1 }))
          : [],
      at: 1000,
    } as ConnectionAttempt;
  });

const bits = fc.array(fc.boolean(), { minLength: 7, maxLength: 7 });

/** An attempt that shares some members with a scope, often all of them. */
export const attemptNear = (scope: Scope): fc.Arbitrary<ConnectionAttempt> =>
  fc
    .tuple(attemptArbitrary, fc.oneof(fc.constant(Array<boolean>(7).fill(true)), bits), v4, v6)
    .map(([attempt, like, any4, any6]) => {
      const { remote, app: path, user: sid, port: ports, protocol, direction } = scope;
      const out = direction === 'out';
      const layer = like[0]
        ? out
          ? 'ALE_AUTH_CONNECT'
          : attempt.layer === 'ALE_AUTH_CONNECT'
            ? 'ALE_AUTH_LISTEN'
            : attempt.layer
        : attempt.layer;
      const hasRemote = layer === 'ALE_AUTH_CONNECT' || layer === 'ALE_AUTH_RECV_ACCEPT';
      const given = remote.kind === 'address' || remote.kind === 'network' ? remote.address : undefined;
      const family = like[1] && given !== undefined ? (given.includes(':') ? 'v6' : 'v4') : attempt.family;
      const other = family === 'v4' ? any4 : any6;
      const address = like[1] && given !== undefined ? given : other;
      const name =
        remote.kind === 'name'
          ? [
              {
                name: remote.subdomains ? `${any4.endsWith('3') ? 'not' : 'www.'}${remote.name}` : remote.name,
                kind: 'dns' as const,
                at: 1,
              },
            ]
          : [];
      const port = like[2] && ports ? ports.to : 443;
      const uid = sid?.startsWith('S-1-22-1-') ? Number(sid.slice(9)) : attempt.identity.uid;
      const { remote: _, ...rest } = attempt;
      return {
        ...rest,
        layer,
        family,
        local: { address: family === 'v4' ? '0.0.0.0' : '::', port: out ? 0 : port },
        ...(hasRemote ? { remote: { address, port } } : {}),
        protocol: like[3] && protocol !== undefined ? protocol : attempt.protocol,
        identity: {
          ...attempt.identity,
          ...(like[4] && path !== undefined ? { path } : {}),
          ...(like[5] && uid !== undefined ? { uid } : {}),
        },
        names: layer !== 'ALE_AUTH_CONNECT' ? [] : like[6] ? name : attempt.names,
      };
    });
