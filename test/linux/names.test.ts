import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { requirement } from '../support/requirement.ts';
import { compile } from './fixtures/compile.ts';
import { canRun } from './fixtures/here.ts';
import { type Running, run } from './fixtures/run.ts';

const able = canRun();
const folder = mkdtempSync(join(tmpdir(), 'sallyport-names-'));
const resolvConf = join(folder, 'resolv.conf');
writeFileSync(resolvConf, 'nameserver 127.0.0.1\n');
const ownNetwork = able ? compile('own-network') : undefined;
const lookup = able ? compile('lookup') : undefined;

function works(file: string, ...args: string[]): boolean {
  try {
    execFileSync(file, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const namespaces =
  able &&
  requirement(
    'user and network namespaces',
    works(ownNetwork!.path, resolvConf, 'true'),
    'sysctl kernel.unprivileged_userns_clone=1, or run the tests as root',
  );
const hasPython = namespaces && requirement('python3', works('python3', '--version'), 'apt-get install python3');
const hasCurl = namespaces && requirement('curl', works('curl', '--version'), 'apt-get install curl');

/** Runs commands beside a name server and a web server in a network of their own. */
async function beside(...commands: readonly (readonly string[])[]): Promise<Running> {
  const resolver = fileURLToPath(new URL('fixtures/resolver.ts', import.meta.url));
  const running = await run([ownNetwork!.path, resolvConf, process.execPath, resolver, JSON.stringify(commands)], {
    otherwise: 'permit',
  });
  expect(await running.exited, running.stderr()).toEqual({ code: 0, signal: null });
  await running.source.stop();
  expect(running.stdout().trim().split('\n'), running.stderr()).toEqual(commands.map(([file]) => `${file}: 0`));
  return running;
}

const namesAt = (running: Running, address: string) =>
  running
    .attempts()
    .filter(attempt => attempt.remote?.address === address && attempt.remote.port === 8080)
    .map(attempt => attempt.names.map(({ name, kind }) => `${kind} ${name}`));

describe.runIf(namespaces)('names', () => {
  afterAll(() => {
    ownNetwork?.dispose();
    lookup?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  test('getaddrinfo: both families, one family, an alias, IPv6', async () => {
    const running = await beside(
      [lookup!.path, 'a-127-0-0-11.example', '8080'],
      [lookup!.path, 'a-127-0-0-12.example', '8080', '4'],
      [lookup!.path, 'alias-127-0-0-13.example', '8080'],
      [lookup!.path, 'six.example', '8080'],
    );
    expect(namesAt(running, '127.0.0.11')).toEqual([['dns a-127-0-0-11.example']]);
    expect(namesAt(running, '127.0.0.12')).toEqual([['dns a-127-0-0-12.example']]);
    expect(namesAt(running, '127.0.0.13')).toEqual([['dns alias-127-0-0-13.example']]);
    expect(namesAt(running, '::1').at(-1)?.[0]).toBe('dns six.example');
    const evidence = running.attempts().find(({ remote }) => remote?.address === '127.0.0.11')?.names[0];
    expect(evidence?.ttl).toBe(77);
    expect(evidence?.pid).toBeGreaterThan(0);
  });

  test('two names of one address, the newest first; an address nobody asked for; a name in the command line', async () => {
    const connect = (address: string) => `require('net').connect(8080,'${address}',function(){process.exit()})`;
    const running = await beside(
      [lookup!.path, 'a-127-0-0-14.example', '8080'],
      [lookup!.path, 'alias-127-0-0-14.example', '8080'],
      [process.execPath, '-e', connect('127.0.0.15')],
      [process.execPath, '-e', connect('127.0.0.16'), 'https://unseen.example/path'],
    );
    expect(namesAt(running, '127.0.0.14')).toEqual([
      ['dns a-127-0-0-14.example'],
      ['dns alias-127-0-0-14.example', 'dns a-127-0-0-14.example'],
    ]);
    expect(namesAt(running, '127.0.0.15')).toEqual([[]]);
    expect(namesAt(running, '127.0.0.16')).toEqual([['command-line unseen.example']]);
  });

  test("Node's dns: resolve4 and lookup", async () => {
    const script = (how: string, name: string) =>
      `require('dns').${how}('${name}',(e,a)=>{if(e)throw e;require('net').connect(8080,[a].flat()[0],()=>process.exit())})`;
    const running = await beside(
      [process.execPath, '-e', script('resolve4', 'a-127-0-0-17.example')],
      [process.execPath, '-e', script('lookup', 'a-127-0-0-18.example')],
    );
    expect(namesAt(running, '127.0.0.17')).toEqual([['dns a-127-0-0-17.example']]);
    expect(namesAt(running, '127.0.0.18')).toEqual([['dns a-127-0-0-18.example']]);
  });

  test.runIf(hasPython)('Python', async () => {
    const script = 'import socket; socket.create_connection(("a-127-0-0-19.example", 8080))';
    expect(namesAt(await beside(['python3', '-c', script]), '127.0.0.19')).toEqual([['dns a-127-0-0-19.example']]);
  });

  test.runIf(hasCurl)('curl', async () => {
    const running = await beside(['curl', '-sS', 'http://a-127-0-0-20.example:8080/']);
    expect(namesAt(running, '127.0.0.20')).toEqual([['dns a-127-0-0-20.example']]);
  });

  test.runIf(hasPython)('a name that is looked up while a call to its address waits', async () => {
    const script = `
import os, socket, sys, threading, time
waiting = threading.Thread(target=lambda: socket.create_connection(("127.0.0.21", 8080)))
waiting.start()
while waiting.is_alive():
    if os.path.exists(sys.argv[1]): socket.getaddrinfo("a-127-0-0-21.example", 8080)
    time.sleep(0.05)
`;
    const waits = join(folder, 'waits');
    const rules = [{ layer: 'ALE_AUTH_CONNECT', port: 8080, protocol: 6, action: 'ask' as const }];
    const resolver = fileURLToPath(new URL('fixtures/resolver.ts', import.meta.url));
    const command = [
      ownNetwork!.path,
      resolvConf,
      process.execPath,
      resolver,
      JSON.stringify([['python3', '-c', script, waits]]),
    ];
    const running = await run(command, { rules, otherwise: 'permit' });
    const attempt = await running.event(event => (event.type === 'pended' ? event.attempt : undefined));
    writeFileSync(waits, '');
    const named = await running.event(event => (event.type === 'named' ? event : undefined));
    expect(attempt.names).toEqual([]);
    expect(named).toMatchObject({ address: '127.0.0.21', evidence: { name: 'a-127-0-0-21.example', kind: 'dns' } });
    running.source.complete(attempt.id, 'permit');
    await running.exited;
    await running.source.stop();
    expect(running.stdout()).toBe('python3: 0\n');
  });

  test('/etc/hosts', async () => {
    const running = await beside([lookup!.path, 'localhost', '8080', '4']);
    expect(namesAt(running, '127.0.0.1')[0]).toContain('hosts localhost');
  });
});
