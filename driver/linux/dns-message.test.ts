import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDnsAnswer } from './dns-message.ts';

interface Written {
  readonly owner: string;
  readonly type: number;
  readonly data: Uint8Array;
  readonly ttl?: number;
}

const encodeName = (name: string): Buffer =>
  Buffer.concat([...name.split('.').map(label => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0])]);

function message(name: string, type: number, records: readonly Written[], flags = 0x8180): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(0x1234, 0);
  header.writeUInt16BE(flags, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  const question = Buffer.concat([encodeName(name), Buffer.from([0, type, 0, 1])]);
  const answers = records.map(record => {
    const head = Buffer.alloc(10);
    head.writeUInt16BE(record.type, 0);
    head.writeUInt16BE(1, 2);
    head.writeUInt32BE(record.ttl ?? 60, 4);
    head.writeUInt16BE(record.data.length, 8);
    return Buffer.concat([encodeName(record.owner), head, record.data]);
  });
  return Buffer.concat([header, question, ...answers]);
}

const address = (last: number) => Uint8Array.from([192, 0, 2, last]);

test('addresses of the name, through its aliases, and of nothing else', () => {
  const bytes = message('WWW.Example', 1, [
    { owner: 'www.example', type: 5, data: encodeName('a.example') },
    { owner: 'a.example', type: 5, data: encodeName('b.example') },
    { owner: 'b.example', type: 1, data: address(1), ttl: 300 },
    { owner: 'stranger.example', type: 1, data: address(9) },
  ]);
  expect(parseDnsAnswer(bytes)).toEqual({ id: 0x1234, name: 'www.example', addresses: [{ address: '192.0.2.1', ttl: 300 }] });
});

test('IPv6', () => {
  const data = Buffer.from('20010db8000000000000000000000001', 'hex');
  expect(parseDnsAnswer(message('six.example', 28, [{ owner: 'six.example', type: 28, data }]))?.addresses[0]?.address).toBe(
    '2001:db8::1',
  );
});

test.each([
  ['a question', message('a.example', 1, [], 0x0100)],
  ['an error', message('a.example', 1, [], 0x8183)],
  ['another type', message('a.example', 16, [])],
  ['nothing', Buffer.alloc(0)],
  [
    'two questions',
    (() => {
      const m = message('a.example', 1, []);
      m[5] = 2;
      return m;
    })(),
  ],
])('%s is no answer', (_, bytes) => {
  expect(parseDnsAnswer(bytes)).toBeUndefined();
});

test('names that point at themselves end', () => {
  const loop = Buffer.concat([message('a', 1, []).subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])]);
  expect(parseDnsAnswer(loop)).toBeUndefined();
  const records = [
    { owner: 'a.example', type: 5, data: encodeName('b.example') },
    { owner: 'b.example', type: 5, data: encodeName('a.example') },
  ];
  expect(parseDnsAnswer(message('a.example', 1, records))?.addresses).toEqual([]);
});

test('control characters in a name cannot reach a terminal', () => {
  expect(parseDnsAnswer(message('a\x1b[2J.example', 1, []))?.name).toBe('a\\027\\0912j.example');
});

test('never throws and never answers nonsense, whatever comes', () => {
  const good = message('www.example', 1, [
    { owner: 'www.example', type: 5, data: encodeName('a.example') },
    { owner: 'a.example', type: 1, data: address(1) },
  ]);
  const broken = fc
    .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 })
    .chain(edits => fc.nat(good.length).map(length => ({ edits, length })))
    .map(({ edits, length }) => {
      const copy = Buffer.from(good);
      for (const [at, value] of edits) copy[at] = value;
      return copy.subarray(0, length);
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), broken), bytes => {
      const answer = parseDnsAnswer(bytes);
      if (!answer) return;
      expect(answer.name).toMatch(/^[a-z0-9_\\.-]+$/);
      expect(answer.addresses.length).toBeLessThanOrEqual(128);
      for (const { address: text } of answer.addresses) expect(text).toMatch(/^[0-9a-f.:]+$/);
    }),
    { numRuns: 5000 },
  );
});
