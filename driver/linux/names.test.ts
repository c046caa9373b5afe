import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { namesInCommandLine } from './command-line-names.ts';
import { FlowTable } from './flows.ts';
import { HostsFile, parseHosts } from './hosts-file.ts';
import { NameTable } from './names.ts';
import { parseStat } from './proc-stat.ts';
import { parseSignals } from './signals.ts';

test('hosts: comments, several names, IPv6 in any spelling, mapped addresses', () => {
  const parsed = parseHosts(
    '127.0.0.1 localhost Box # me\n# 1.2.3.4 no\n0:0::1 six\n::ffff:10.0.0.1 mapped\nnonsense x\n127.0.0.1 again\n',
  );
  expect([...parsed]).toEqual([
    ['127.0.0.1', ['localhost', 'box', 'again']],
    ['::1', ['six']],
    ['10.0.0.1', ['mapped']],
  ]);
});

test('a missing hosts file has no names', () => {
  expect(new HostsFile('/nonexistent').namesOf('127.0.0.1')).toEqual([]);
});

test.each([
  [['curl', 'https://user:pw@registry.example:8443/x?y'], ['registry.example']],
  [['git', 'clone', 'git@code.example:team/repo.git'], ['code.example']],
  [['prog', '--url=http://api.example/'], ['api.example']],
  [['nc', 'mail.example:25'], ['mail.example']],
  [['ping', 'www.example.'], ['www.example']],
  [['node', 'server.js', 'package.json', './a.b'], []],
  [['x', '127.0.0.1', 'http://[::1]/', '1.2.3'], []],
  [['x', 'a\x1b[2J.example'], []],
])('%j names %j', (commandLine, names) => {
  expect(namesInCommandLine({ pid: 1, commandLine })).toEqual(names);
});

function answerFor(name: string, last: number): Buffer {
  const labels = Buffer.concat(name.split('.').map(label => Buffer.from([label.length, ...Buffer.from(label)])));
  const head = Buffer.from([0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
  const question = Buffer.concat([labels, Buffer.from([0, 0, 1, 0, 1])]);
  return Buffer.concat([head, question, Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, last])]);
}

test('names by kind: seen answers newest first, hosts, then words of the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-hosts-'));
  try {
    writeFileSync(join(folder, 'hosts'), '192.0.2.1 file.example\n');
    const table = new NameTable(new HostsFile(join(folder, 'hosts')));
    const process = { pid: 7, commandLine: ['curl', 'https://a.example/', 'https://c.example/'], startTime: 5 };
    const at = (address: string, port = 443) =>
      table.of({ address, port }, process, 99).map(({ name, kind }) => `${kind} ${name}`);
    expect(at('192.0.2.9')).toEqual(['command-line a.example', 'command-line c.example']);
    table.learn(answerFor('a.example', 1), 7, 1);
    table.learn(answerFor('b.example', 1), 7, 2);
    expect(at('192.0.2.1')).toEqual(['dns b.example', 'dns a.example', 'hosts file.example']);
    table.learn(answerFor('a.example', 1), 7, 3);
    expect(at('192.0.2.1').slice(0, 2)).toEqual(['dns a.example', 'dns b.example']);
    // Its look-up was seen and gave another address: the word says nothing about this one.
    expect(at('192.0.2.9')).toEqual(['command-line c.example']);
    expect(at('192.0.2.9', 53)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('what is remembered is bounded', () => {
  const table = new NameTable(new HostsFile('/nonexistent'));
  for (let i = 0; i < 200; i++) table.learn(answerFor(`n${i}.example`, 1), 1, i);
  expect(table.of({ address: '192.0.2.1', port: 1 }, { pid: 1 }, 0)).toHaveLength(8);
  for (let i = 0; i < 2000; i++) table.addResolverSocket(i);
  expect([table.isResolverSocket(0), table.isResolverSocket(1999)]).toEqual([false, true]);
});

test('a permitted flow lives while it is used, a blocked one a minute', () => {
  const flows = new FlowTable();
  flows.set('p', 'permit', 0);
  flows.set('b', 'block', 0);
  expect([flows.get('p', 50_000), flows.get('b', 50_000)]).toEqual(['permit', 'block']);
  expect([flows.get('p', 100_000), flows.get('b', 100_000)]).toEqual(['permit', undefined]);
  expect(flows.get('p', 160_001)).toBeUndefined();
  for (let i = 0; i < 5000; i++) flows.set(String(i), 'permit', 0);
  expect([flows.get('0', 0), flows.get('4999', 0)]).toEqual([undefined, 'permit']);
  flows.clear();
  expect(flows.get('4999', 0)).toBeUndefined();
});

test('a stat line whose program name looks like more fields', () => {
  const stat = parseStat(`42 (a) R 7 (b) S 41 ${Array.from({ length: 48 }, (_, i) => i + 5).join(' ')}`);
  expect(stat).toMatchObject({ state: 'S', parent: 41, started: 22 });
});

test('signal sets', () => {
  const status = 'SigPnd:\t0000000000000001\nShdPnd:\t0000000000002000\nSigBlk:\t0000000000000003\n';
  expect(parseSignals(status)).toEqual({ own: 1n, shared: 0x2000n, blocked: 3n });
});
