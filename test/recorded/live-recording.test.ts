import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openRecording } from '../../driver/recorded/recording.ts';
import type { SourceEvent } from '../../engine/model/attempt.ts';
import { requirement } from '../support/requirement.ts';

const program = new URL('../../dist/cli.mjs', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'sallyport-live-'));
afterAll(() => rmSync(folder, { recursive: true }));
const ready =
  requirement('Linux', process.platform === 'linux', 'connections can be held on Linux only') &&
  requirement('the built program', existsSync(program), 'npm run build');

test.runIf(ready)('what a real command did under supervision plays again: who, where to, and what came of it', async () => {
  const server = createServer(socket => socket.end('hello'));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const file = join(folder, 'live.jsonl');
  const client = `require('net').connect(${port}, '127.0.0.1').on('data', d => console.log('got', String(d)))`;
  const args = ['run', '--record', file, '--default', 'permit', '--timeout', '1', '--line', '--', process.execPath, '-e', client];
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SALLYPORT_HOME: join(folder, 'home') },
  });
  let told = '';
  child.stdout.on('data', data => {
    told += data;
  });
  child.stderr.on('data', data => {
    told += data;
  });
  expect(await new Promise(resolve => child.once('close', resolve)), told).toBe(0);
  server.close();
  expect(statSync(file).mode & 0o777).toBe(0o600);

  const { source, info } = await openRecording(file, { speed: Number.POSITIVE_INFINITY });
  expect(info.format).toBe('sallyport');
  const events: SourceEvent[] = [];
  await new Promise<void>(resolve => {
    void source.start(event => {
      events.push(event);
      if (event.type === 'pended') source.complete(event.attempt.id, 'permit');
      if (event.type === 'exited' || event.type === 'failed') resolve();
    });
  });
  const [held] = events.flatMap(e => (e.type === 'pended' ? [e.attempt] : []));
  expect(held).toMatchObject({
    layer: 'ALE_AUTH_CONNECT',
    protocol: 6,
    remote: { address: '127.0.0.1', port },
    identity: { path: process.execPath, commandLine: [process.execPath, '-e', client] },
  });
  expect(events).toContainEqual({ type: 'completed', id: held?.id, result: 'ok' });
  expect(events.at(-1)).toEqual({ type: 'exited', code: 0, signal: null });
});
