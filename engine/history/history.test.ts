import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ConnectionAttempt } from '../model/attempt.ts';
import { attemptArbitrary } from '../rules/rule-arbitrary.ts';
import type { HistoryEntry } from './history-entry.ts';
import { openHistory } from './history-store.ts';
import { queryHistory } from './query-history.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-history-'));
  path = join(folder, 'deep', 'history.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const attempt = (
  id: number,
  app = '/usr/bin/curl',
  address = '203.0.113.9',
  names: readonly string[] = [],
): ConnectionAttempt => ({
  id,
  layer: 'ALE_AUTH_CONNECT',
  family: 'v4',
  protocol: 6,
  remote: { address, port: 443 },
  identity: { pid: 42, path: app, parents: [] },
  names: names.map(name => ({ name, kind: 'dns', at: 1 })),
  at: id,
});
const entry = (id: number, change: Partial<HistoryEntry> = {}): Omit<HistoryEntry, 'seq'> => ({
  at: id,
  attempt: attempt(id),
  verdict: 'permit',
  by: { kind: 'person' },
  waited: 3,
  ...change,
});

describe('history', () => {
  test('gives back what was appended, also after it was closed', () => {
    const entries = fc.array(
      fc.record({
        at: fc.nat(1_000_000),
        attempt: attemptArbitrary,
        verdict: fc.constantFrom('permit' as const, 'block' as const, 'withdrawn' as const),
        by: fc.constantFrom<HistoryEntry['by']>(
          { kind: 'person' },
          { kind: 'rule', ruleId: 'r' },
          { kind: 'default', reason: 'timeout' },
        ),
        waited: fc.nat(1_000_000),
      }),
      { maxLength: 30 },
    );
    let run = 0;
    fc.assert(
      fc.property(entries, all => {
        const file = join(folder, `${run++}.sqlite`);
        const history = openHistory(file);
        const sorted = all.toSorted((a, b) => a.at - b.at);
        const kept = sorted.map(each => ({ ...each, seq: history.append(each) }));
        expect(history.recent(100)).toEqual(kept);
        history.close();
        expect(queryHistory(file)).toEqual(kept);
      }),
      { numRuns: 30 },
    );
  });

  test('is private', () => {
    const history = openHistory(path);
    history.append(entry(1));
    history.flush();
    for (const name of readdirSync(join(folder, 'deep'))) expect(statSync(join(folder, 'deep', name)).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'deep')).mode & 0o777).toBe(0o700);
    history.close();
  });

  test('is written by itself after a while, and then only', async () => {
    const history = openHistory(path, { flushMs: 1 });
    history.append(entry(1));
    expect(queryHistory(path)).toEqual([]);
    await expect.poll(() => queryHistory(path).length).toBe(1);
    history.close();
  });

  test('takes the result of a call before and after the entry was written', () => {
    const history = openHistory(path);
    const seqs = [history.append(entry(1)), history.append(entry(2))];
    history.setResult(seqs[0]!, 'ok');
    history.flush();
    history.setResult(seqs[1]!, 'ECONNREFUSED');
    history.close();
    expect(queryHistory(path).map(each => each.result)).toEqual(['ok', 'ECONNREFUSED']);
  });

  test('keeps the newest entries only', () => {
    const history = openHistory(path, { keep: 50 });
    for (let id = 1; id <= 500; id++) {
      history.append(entry(id));
      if (id % 20 === 0) history.flush();
    }
    history.close();
    const left = queryHistory(path, { limit: 1000 });
    expect(left.length).toBeGreaterThanOrEqual(50);
    expect(left.length).toBeLessThanOrEqual(70);
    expect(left.at(-1)?.at).toBe(500);
  });

  test('two runs write into one database without taking each other’s numbers', () => {
    const [a, b] = [openHistory(path), openHistory(path)];
    const seqs = Array.from({ length: 600 }, (_, i) => (i % 2 ? a : b).append(entry(i)));
    a.close();
    b.close();
    expect(new Set(seqs).size).toBe(600);
    expect(queryHistory(path, { limit: 1000 })).toHaveLength(600);
  });

  test('does not keep what a stranger makes long', () => {
    const history = openHistory(path);
    const long = { ...attempt(1), identity: { pid: 1, commandLine: Array(10_000).fill('x'.repeat(10_000)), parents: [] } };
    history.append(entry(1, { attempt: long }));
    history.close();
    const [kept] = queryHistory(path);
    expect(JSON.stringify(kept).length).toBeLessThan(64 * 1024);
  });

  test('closing twice is harmless', () => {
    const history = openHistory(path);
    history.close();
    history.close();
  });
});

describe('a history file that is not right', () => {
  test.each([
    ['no database', 'this is not a database, it is a letter to a friend '.repeat(50)],
    ['a database header and then nothing sensible', `SQLite format 3\0${'x'.repeat(4000)}`],
  ])('%s is moved aside, whole, and a new one begun', (_, text) => {
    openHistory(path).close();
    writeFileSync(path, text);
    expect(() => queryHistory(path)).toThrow(/is damaged|cannot be used/);
    const history = openHistory(path, { now: () => Date.UTC(2026, 10, 23) });
    expect(history.movedAside).toBe(`${path}.damaged-2026-11-23T00-00-00-000Z`);
    expect(readFileSync(history.movedAside!, 'latin1')).toBe(text);
    history.append(entry(1));
    history.close();
    expect(queryHistory(path)).toHaveLength(1);
  });

  test("another program's database is left alone", () => {
    const path = join(folder, 'theirs.sqlite');
    const foreign = new DatabaseSync(path);
    foreign.exec('CREATE TABLE theirs (a)');
    expect(() => openHistory(path)).toThrow('is not a history of Sallyport');
    expect(() => queryHistory(path)).toThrow('is not a history of Sallyport');
    expect(foreign.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'theirs' }]);
    foreign.close();
  });

  test('of a newer version is left alone', () => {
    openHistory(path).close();
    const database = new DatabaseSync(path);
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(() => openHistory(path)).toThrow(`History in ${path} was written by a newer Sallyport.`);
    expect(() => queryHistory(path)).toThrow('newer Sallyport');
  });

  test('that is locked loses nothing: what could not be written is written later', () => {
    const history = openHistory(path);
    history.append(entry(1));
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    expect(() => history.flush()).toThrow(`History in ${path} is locked by another program.`);
    other.exec('ROLLBACK');
    other.close();
    history.flush();
    history.close();
    expect(queryHistory(path)).toHaveLength(1);
  });

  test('a folder in its place is one sentence', () => {
    expect(() => openHistory(folder)).toThrow(/^History in .* cannot be used: /);
  });
});

describe('asking history', () => {
  test('by program, remote side, verdict, time and number, newest last', () => {
    const history = openHistory(path);
    history.append(entry(1, { attempt: attempt(1, '/usr/bin/curl', '10.0.0.1') }));
    history.append(entry(2, { attempt: attempt(2, '/usr/bin/node', '10.0.0.2', ['A.Example']), verdict: 'block' }));
    history.append(entry(3, { attempt: attempt(3, '/opt/curl', '203.0.113.9', ['example']) }));
    history.append(entry(4, { attempt: attempt(4, 'C:\\bin\\curl', '203.0.113.9'), verdict: 'withdrawn' }));
    history.close();
    const ids = (query: Parameters<typeof queryHistory>[1]) => queryHistory(path, query).map(each => each.at);
    expect(ids({})).toEqual([1, 2, 3, 4]);
    expect(ids({ limit: 2 })).toEqual([3, 4]);
    expect(ids({ app: 'curl' })).toEqual([1, 3, 4]);
    expect(ids({ app: '/usr/bin/curl' })).toEqual([1]);
    expect(ids({ app: 'url' })).toEqual([]);
    expect(ids({ app: '%' })).toEqual([]);
    expect(ids({ verdict: 'block' })).toEqual([2]);
    expect(ids({ since: 3 })).toEqual([3, 4]);
    expect(ids({ remote: { kind: 'network', address: '10.0.0.0', prefix: 8 } })).toEqual([1, 2]);
    expect(ids({ remote: { kind: 'address', address: '203.0.113.9' }, limit: 1 })).toEqual([4]);
    expect(ids({ remote: { kind: 'name', name: 'example', subdomains: true } })).toEqual([2]);
    expect(ids({ remote: { kind: 'name', name: 'example', subdomains: false } })).toEqual([3]);
  });

  test('where there is none, there is none, and no file is made', () => {
    expect(queryHistory(path)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });
});
