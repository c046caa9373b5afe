import { expect, test } from 'vitest';
import { EmbeddedEngine } from '../embedded/engine.ts';
import type { ConnectionAttempt, Verdict } from '../model/attempt.ts';
import { newGuid } from '../model/guid.ts';
import { decideAttempt } from './attempt-values.ts';
import { installProvider } from './base.ts';
import type { RemoteScope, Rule } from './rule.ts';
import { covers } from './scope.ts';
import { writeRules } from './write-rules.ts';

const rule = (verdict: Verdict, remote: RemoteScope): Rule => ({
  id: newGuid(),
  verdict,
  scope: { remote, direction: 'out' },
  lifetime: { kind: 'permanent' },
  enabled: true,
  origin: 'command',
  createdAt: 1,
});
const network = (address: string, prefix: number): RemoteScope => ({ kind: 'network', address, prefix });

/** A connection of a dual-stack socket: at the V6 layer, told with its IPv4 address. */
const mapped = (address: string): ConnectionAttempt => ({
  id: 1,
  layer: 'ALE_AUTH_CONNECT',
  family: 'v6',
  protocol: 6,
  remote: { address, port: 443 },
  identity: { pid: 1, path: '/bin/x', parents: [] },
  names: [],
  at: 0,
});

test.each([
  [{ kind: 'address', address: '203.0.113.9' } as RemoteScope, '203.0.113.9', '203.0.113.8'],
  [network('203.0.113.0', 24), '203.0.113.255', '203.0.114.0'],
  [network('203.0.113.9', 32), '203.0.113.9', '203.0.113.10'],
  [network('0.0.0.0', 0), '198.51.100.7', '2001:db8::1'],
])('%o reaches a mapped address at the V6 layer, and nothing else', async (remote, inside, outside) => {
  const embedded = EmbeddedEngine.open({});
  const engine = await embedded.openSession({});
  await installProvider(engine);
  const block = rule('block', remote);
  await writeRules({ engine, mapsV4: true }, [], { put: [block] });
  const decide = (attempt: ConnectionAttempt) => decideAttempt((key, values) => embedded.classify(key, values), attempt).action;
  for (const family of ['v4', 'v6'] as const) expect(decide({ ...mapped(inside), family })).toBe('block');
  expect(decide(mapped(outside))).not.toBe('block');
  expect(covers(block.scope, mapped(inside))).toBe(true);
  expect(covers(block.scope, mapped(outside))).toBe(false);
  await writeRules({ engine, mapsV4: true }, [block], { remove: [block] });
  expect(decide(mapped(inside))).not.toBe('block');
});
