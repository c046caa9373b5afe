import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EmbeddedEngine } from '../embedded/engine.ts';
import type { ClassifyValues } from '../model/classify.ts';
import type { FilterEngine } from '../model/filter-engine.ts';
import { newGuid } from '../model/guid.ts';
import { removeAsking } from './asking.ts';
import { changeNameLookups, installBase } from './base.ts';
import { blobText } from './conditions.ts';
import { ASK_CALLOUTS, ruleLayer } from './well-known.ts';
import { writeRules } from './write-rules.ts';

const DHCP = 'S-1-5-80-2940520708-3855866260-481812779-327648279-1710889582';
const layers = ['ALE_AUTH_CONNECT', 'ALE_AUTH_RECV_ACCEPT'] as const;
let embedded: EmbeddedEngine;
let engine: FilterEngine;
let dynamic: FilterEngine;

beforeEach(() => {
  embedded = EmbeddedEngine.open();
  engine = embedded.openSession();
  dynamic = embedded.openSession({ dynamic: true });
  for (const key of ASK_CALLOUTS) embedded.registerCallout(key, () => ({ action: 'block', pend: true }));
});
afterEach(() => embedded.close());

interface Packet {
  readonly family: 'v4' | 'v6';
  readonly protocol: number;
  readonly app?: string;
  readonly sids?: readonly string[];
  readonly local?: number;
  readonly remote?: number;
}

/** As the kernel shows a first packet; the token is known as a whole. */
function outcome(layer: (typeof layers)[number], { family, protocol, app = 'System', sids = [], local, remote }: Packet) {
  const values: ClassifyValues = {
    ALE_APP_ID: { type: 'FWP_BYTE_BLOB_TYPE', value: blobText(app) },
    ALE_USER_ID: { type: 'FWP_TOKEN_ACCESS_INFORMATION_TYPE', value: { sids: [...sids, 'S-1-1-0'] } },
    IP_PROTOCOL: { type: 'FWP_UINT8', value: protocol },
    IP_LOCAL_PORT: { type: 'FWP_UINT16', value: local ?? 0 },
    IP_REMOTE_PORT: { type: 'FWP_UINT16', value: remote ?? 0 },
    FLAGS: { type: 'FWP_UINT32', value: 0 },
  };
  const result = embedded.classify(ruleLayer(layer, family).layerKey, values);
  return result.pend ? 'ask' : result.action;
}

const svchost = '\\device\\harddiskvolume3\\windows\\system32\\svchost.exe';
const dhcp: Packet = { family: 'v4', protocol: 17, app: svchost, sids: [DHCP], local: 68, remote: 67 };
const dhcpV6: Packet = { ...dhcp, family: 'v6', local: 546, remote: 547 };
const icmpV6 = (type: number): Packet => ({ family: 'v6', protocol: 58, local: type });

const needed: readonly (readonly [string, Packet])[] = [
  ['a lease', dhcp],
  ['a lease for IPv6', dhcpV6],
  ['multicast groups', { family: 'v4', protocol: 2 }],
  ...[130, 131, 132, 133, 134, 135, 136, 143].map(type => [`ICMPv6 type ${type} of the kernel`, icmpV6(type)] as const),
];

describe.each(layers)('at %s', layer => {
  test.each(needed)('%s needs no question, unless it is wanted', async (_name, packet) => {
    await installBase(engine, dynamic, { failPolicy: 'closed', layers, coreNetworking: true });
    expect(outcome(layer, packet)).toBe('permit');
    await dynamic.close();
    dynamic = embedded.openSession({ dynamic: true });
    await installBase(engine, dynamic, { failPolicy: 'closed', layers });
    expect(outcome(layer, packet)).toBe('ask');
  });

  test.each([
    ['another service on the ports of DHCP', { ...dhcp, sids: ['S-1-5-80-1'] }],
    ['DHCP to another port', { ...dhcp, remote: 53 }],
    ['DHCP from another port', { ...dhcp, local: 5000 }],
    ['DHCP’s ports over TCP', { ...dhcp, protocol: 6 }],
    ['the ports of IPv4 over IPv6', { ...dhcp, family: 'v6' as const }],
    ['a program that makes ICMPv6 itself', { ...icmpV6(135), app: svchost }],
    ['an echo of the kernel', icmpV6(128)],
    ['a redirect', icmpV6(137)],
    ['a protocol of the kernel', { family: 'v4', protocol: 47 } as const],
  ])('%s is asked about', async (_name, packet) => {
    await installBase(engine, dynamic, { failPolicy: 'closed', layers, coreNetworking: true });
    expect(outcome(layer, packet)).toBe('ask');
  });
});

test.each(['callout', 'drop'] as const)('a guard that dies (asking by %s) leaves its machine the network', async by => {
  await installBase(engine, dynamic, { failPolicy: 'closed', layers, by, outlives: true, coreNetworking: true });
  await dynamic.close();
  expect([outcome('ALE_AUTH_CONNECT', dhcp), outcome('ALE_AUTH_RECV_ACCEPT', icmpV6(135))]).toEqual(['permit', 'permit']);
  await removeAsking(engine);
  expect(await engine.filterEnum()).toEqual([]);
});

test('a rule of a person goes before', async () => {
  await installBase(engine, dynamic, { failPolicy: 'closed', layers, coreNetworking: true });
  const block = {
    id: newGuid(),
    verdict: 'block',
    scope: { remote: { kind: 'any' }, protocol: 17, port: { from: 67, to: 67 }, direction: 'out' },
    lifetime: { kind: 'permanent' },
    enabled: true,
    origin: 'command',
    createdAt: 0,
  } as const;
  await writeRules({ engine }, [], { put: [block] });
  expect(outcome('ALE_AUTH_CONNECT', dhcp)).toBe('block');
});

test('name look-ups of dual-stack sockets are permitted at the V6 layer too, and follow the machine there', async () => {
  const count = async () => (await engine.filterEnum({ layerKey: ruleLayer('ALE_AUTH_CONNECT', 'v6').layerKey })).length;
  await installBase(engine, dynamic, { failPolicy: 'closed', layers, nameLookups: ['192.0.2.53'], form: { mapsV4: true } });
  expect(await count()).toBe(3);
  await changeNameLookups(dynamic, ['192.0.2.53'], [], { mapsV4: true });
  expect(await count()).toBe(1);
});
