import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { ConnectionSource, SourceEvent } from '../../engine/model/attempt.ts';
import { RecordingError } from './error.ts';
import { recordedWhile, recordTo } from './recorder.ts';
import { openRecording } from './recording.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-recorder-'));
afterAll(() => rmSync(folder, { recursive: true }));
const NOW = Date.parse('2026-01-01T00:00:00Z');

test('writes a private file that nobody can read but its owner', () => {
  const path = join(folder, 'mode.jsonl');
  recordTo(path).close();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('never writes over something', () => {
  const path = join(folder, 'precious');
  writeFileSync(path, 'mine');
  expect(() => recordTo(path)).toThrow(RecordingError);
  expect(() => recordTo(path)).toThrow('it exists already');
  expect(readFileSync(path, 'utf8')).toBe('mine');
  expect(() => recordTo(join(folder, 'no', 'such', 'folder'))).toThrow('there is no such file');
  expect(existsSync(join(folder, 'no'))).toBe(false);
});

test('ends before its bound, says so once, and what it wrote can be played', async () => {
  const path = join(folder, 'bound.jsonl');
  const problems: string[] = [];
  const recorder = recordTo(path, { maxBytes: 500, onProblem: message => problems.push(message) });
  for (let i = 0; i < 100; i++) recorder.record({ type: 'warning', message: `number ${i}` });
  recorder.close();
  expect(statSync(path).size).toBeLessThanOrEqual(500);
  expect(problems).toEqual([expect.stringContaining('reached 500 bytes')]);
  const { source } = await openRecording(path);
  await source.stop();
});

test('a recorded source behaves as before, and plays again as it was', async () => {
  const path = join(folder, 'wrapped.jsonl');
  let tell: (event: SourceEvent) => void = () => {};
  let now = NOW;
  const completed: [number, string][] = [];
  const original: ConnectionSource = {
    kind: 'run',
    failPolicy: 'closed',
    title: 'run: npm ci',
    async start(listener) {
      tell = listener;
    },
    complete(id, verdict) {
      completed.push([id, verdict]);
      tell({ type: 'completed', id, result: 'EHOSTUNREACH' });
      return true;
    },
    async stop() {},
  };
  const source = recordedWhile(original, recordTo(path, { title: original.title, now: () => now }));
  expect(source).toMatchObject({ kind: 'run', failPolicy: 'closed', title: 'run: npm ci' });
  const seen: SourceEvent[] = [];
  await source.start(event => seen.push(event));
  const attempt = {
    id: 41,
    layer: 'ALE_AUTH_CONNECT',
    family: 'v6',
    protocol: 6,
    remote: { address: '2001:db8::1', port: 443 },
    identity: { pid: 9, path: '/usr/bin/curl', commandLine: ['curl', 'x'], startTime: NOW - 1000, parents: [{ pid: 1 }] },
    names: [{ name: 'a.example', kind: 'dns', at: NOW - 50, ttl: 60 }],
    at: NOW,
  } as const;
  tell({ type: 'pended', attempt });
  now += 3000;
  expect(source.complete(41, 'permit')).toBe(true);
  tell({ type: 'exited', code: 5, signal: null });
  await source.stop();
  expect(completed).toEqual([[41, 'permit']]);
  expect(seen.map(e => e.type)).toEqual(['pended', 'completed', 'exited']);
  expect(readFileSync(path, 'utf8')).not.toContain(String(NOW)); // all times are relative

  const opened = await openRecording(path, { speed: Number.POSITIVE_INFINITY });
  expect(opened.info).toMatchObject({ recorded: 'run: npm ci', startedAt: NOW });
  const replayed: SourceEvent[] = [];
  await new Promise<void>(resolve => {
    void opened.source.start(event => {
      replayed.push(event);
      if (event.type === 'pended') opened.source.complete(event.attempt.id, 'permit');
      if (event.type === 'exited') resolve();
    });
  });
  const [first] = replayed;
  if (first?.type !== 'pended') throw new Error('nothing was held');
  const age = first.attempt.at - NOW;
  expect(first.attempt).toEqual({
    ...attempt,
    id: 1,
    at: NOW + age,
    names: [{ ...attempt.names[0], at: NOW - 50 + age }],
    identity: { ...attempt.identity, startTime: NOW - 1000 + age },
  });
  expect(replayed.slice(1)).toEqual([
    { type: 'completed', id: 1, result: 'EHOSTUNREACH' },
    { type: 'exited', code: 5, signal: null },
  ]);
});
