import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ConnectionAttempt, ProcessIdentity } from '../../engine/model/attempt.ts';
import { encodeLine, parseLine, type Recordable } from './recording-format.ts';

const START = 1_700_000_000_000;
const at = fc.integer({ min: START - 1e9, max: START + 1e9 });
const id = fc.integer({ min: 0, max: 2 ** 31 });
const address = fc.oneof(fc.ipV4(), fc.constantFrom('::1', '2001:db8::1', 'fe80::1:2'));
const endpoint = fc.record({ address, port: fc.integer({ min: 0, max: 65535 }) });
const optional = { requiredKeys: ['pid'] as ['pid'] };
const process: fc.Arbitrary<ProcessIdentity> = fc.record(
  { pid: id, path: fc.string(), commandLine: fc.array(fc.string()), cwd: fc.string(), uid: id, user: fc.string(), startTime: at },
  optional,
) as fc.Arbitrary<ProcessIdentity>;
const evidence = fc.record({ name: fc.domain(), kind: fc.constantFrom('dns' as const, 'hosts' as const, 'sni' as const), at });
const attempt: fc.Arbitrary<ConnectionAttempt> = fc.record({
  id,
  layer: fc.constantFrom('ALE_AUTH_CONNECT' as const, 'ALE_AUTH_LISTEN' as const),
  family: fc.constantFrom('v4' as const, 'v6' as const),
  protocol: fc.integer({ min: 0, max: 255 }),
  remote: endpoint,
  identity: fc.tuple(process, fc.array(process, { maxLength: 3 })).map(([own, parents]) => ({ ...own, parents })),
  names: fc.array(evidence, { maxLength: 3 }),
  at,
});

test('what was recorded is read back: attempts with all their times', () => {
  fc.assert(
    fc.property(attempt, at, (given, now) => {
      const line = encodeLine({ type: 'pended', attempt: given }, now, START);
      expect(line).not.toContain('\n');
      expect(parseLine(JSON.parse(line), START)).toEqual({ steps: [{ type: 'attempt', at: now, attempt: given }] });
    }),
  );
});

test('a decided attempt keeps its verdict and loses the filter, which means nothing elsewhere', () => {
  const given = fc.sample(attempt, 1)[0]!;
  const line = encodeLine(
    { type: 'decided', attempt: { ...given, verdict: 'block', filterId: 12n, filterKey: 'k' } },
    START,
    START,
  );
  expect(parseLine(JSON.parse(line), START)).toEqual({
    steps: [{ type: 'attempt', at: START, attempt: given, verdict: 'block' }],
  });
});

test.each<Recordable>([
  { type: 'withdrawn', id: 3, reason: 'interrupted' },
  { type: 'completed', id: 3, result: 'ok' },
  { type: 'named', address: '::1', evidence: { name: 'a.example', kind: 'dns', at: START - 1, ttl: 60 } },
  { type: 'exited', code: null, signal: 'SIGTERM' },
  { type: 'warning', message: 'w' },
  { type: 'failed', message: 'f' },
  { type: 'output', stream: 'stderr', data: Buffer.from([0xff, 0x00, 0x1b, 0xc3]) },
])('$type is read back', event => {
  const line = encodeLine(event, START + 5, START);
  expect(parseLine(JSON.parse(line), START)).toEqual({ steps: [{ type: 'told', at: START + 5, event }] });
});

test('an answer is read back', () => {
  const line = encodeLine({ type: 'verdict', id: 3, verdict: 'block' }, START, START);
  expect(parseLine(JSON.parse(line), START)).toEqual({ steps: [{ type: 'verdict', at: START, id: 3, verdict: 'block' }] });
});

test.each([
  ['a port above 65535', { remote: { address: '192.0.2.1', port: 65536 } }],
  ['no address', { remote: { address: 'localhost', port: 1 } }],
  ['a path beyond the bound', { identity: { pid: 1, parents: [], path: 'x'.repeat(5000) } }],
  ['a negative id', { id: -1 }],
  ['an unknown layer', { layer: 'DATAGRAM_DATA' }],
])('%s is refused with the place of it', (_, wrong) => {
  const base = {
    id: 1,
    layer: 'ALE_AUTH_CONNECT',
    family: 'v4',
    protocol: 6,
    identity: { pid: 1, parents: [] },
    names: [],
    at: 0,
  };
  expect(parseLine({ t: 0, type: 'pended', attempt: { ...base, ...wrong } }, START)).toMatchObject({
    bad: expect.stringContaining(`attempt.${Object.keys(wrong)[0]}`),
  });
});
