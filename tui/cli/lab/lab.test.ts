import { spawn } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canRun, type LabServers, labCommand, labRules, startLabServers } from './lab.ts';
import { findProgram, labClients } from './lab-clients.ts';
import { answerQuestion, dnsAddress, PACKAGES_NAME } from './lab-dns.ts';
import { nodeClient } from './lab-node-client.ts';
import { portArguments, readPorts } from './lab-ports.ts';

let servers: LabServers;
beforeAll(async () => {
  servers = await startLabServers();
});
afterAll(() => servers.stop());

describe('the name server', () => {
  test('answers a real resolver, and knows one name', async () => {
    const resolver = new Resolver({ timeout: 5000, tries: 1 });
    resolver.setServers([`${dnsAddress(servers.ports.dns)}:${servers.ports.dns}`]);
    expect(await resolver.resolve4(PACKAGES_NAME, { ttl: true })).toEqual([
      { address: expect.stringMatching(/^127\./), ttl: 60 },
    ]);
    await expect(resolver.resolve4('other.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(resolver.resolve6(PACKAGES_NAME)).rejects.toMatchObject({ code: 'ENODATA' });
  });

  test('bears any datagram', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), bytes => {
        const answer = answerQuestion(Buffer.from(bytes), '127.0.0.2');
        if (answer) expect(answer.length).toBeLessThan(600);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('clients that need Node alone', () => {
  test('reach every server, and are refused where nobody listens', async () => {
    const { http, udp, dns, packages, telemetry, refused, tcp6 } = servers.ports;
    expect(await nodeClient(['http', 'localhost', String(http)])).toBe('connected: HTTP 200 from localhost');
    expect(await nodeClient(['udp', '127.0.0.1', String(udp)])).toBe('answered: echo ping');
    expect(await nodeClient(['resolve', PACKAGES_NAME, String(dns), String(packages)])).toBe(
      `connected: HTTP 200 from ${PACKAGES_NAME}`,
    );
    expect(await nodeClient(['tcp', '127.0.0.1', String(telemetry)])).toContain('connected: 127.0.0.1');
    expect(await nodeClient(['tcp', '127.0.0.1', String(refused)])).toBe('not connected: ECONNREFUSED');
    expect(await nodeClient(['listen', '127.0.0.1'])).toBe('listened on 127.0.0.1');
    if (tcp6) expect(await nodeClient(['tcp', '::1', String(tcp6)])).toContain('connected: ::1');
  });

  test('make the whole lab on a machine that has nothing else', () => {
    const clients = labClients(servers.ports, ['node', 'lab-main', 'client'], () => undefined);
    expect(clients.length).toBeGreaterThanOrEqual(6);
    expect(clients.every(client => client.command[0] === 'node')).toBe(true);
    expect(new Set(clients.map(client => client.name)).size).toBe(clients.length);
  });
});

test('programs are taken where they are installed, so they are told apart by path', () => {
  const clients = labClients(servers.ports, ['node', 'lab-main', 'client'], name => `/usr/bin/${name}`);
  expect(new Set(clients.map(client => client.command[0])).size).toBe(6);
  expect(findProgram('there-is-no-such-program')).toBeUndefined();
  expect(findProgram('env')).toMatch(/^\/(usr\/)?bin\//);
});

test('ports survive the way through the command line, and nothing else does', () => {
  expect(readPorts(portArguments(servers.ports))).toEqual(servers.ports);
  expect(readPorts(portArguments(servers.ports).slice(1))).toBeUndefined();
  expect(readPorts(portArguments({ ...servers.ports, http: 0 }))).toBeUndefined();
  expect(readPorts(portArguments({ ...servers.ports, tcp6: 0 }))).toEqual({ ...servers.ports, tcp6: 0 });
  fc.assert(fc.property(fc.array(fc.string()), args => readPorts(args) === undefined));
});

test("the lab's own rule blocks its telemetry port and no other", () => {
  const [rule, ...others] = labRules({ telemetry: 4711 });
  expect(others).toEqual([]);
  expect(rule).toMatchObject({
    verdict: 'block',
    lifetime: { kind: 'restart' },
    scope: { port: { from: 4711, to: 4711 }, direction: 'out' },
  });
});

test('a second lab beside the first finds ports of its own', async () => {
  const second = await startLabServers();
  const { dns, packages } = second.ports;
  expect(dns).not.toBe(servers.ports.dns);
  expect(await nodeClient(['resolve', PACKAGES_NAME, String(dns), String(packages)])).toBe(
    `connected: HTTP 200 from ${PACKAGES_NAME}`,
  );
  await second.stop();
});

describe('where it runs', () => {
  const probe = { ok: false, detail: 'no seccomp', fix: 'use Linux' };

  test('live where calls can be held, else recorded, else not at all, each with its reason', () => {
    expect(canRun({ ok: true, detail: '' }, undefined)).toEqual({ kind: 'live' });
    expect(canRun(probe, '/r.jsonl')).toEqual({
      kind: 'recorded',
      path: '/r.jsonl',
      message: expect.stringMatching(/no seccomp \(use Linux\).*nothing is enforced/),
    });
  });
});

test('the command starts every client, passes on what they print, and takes them along when it is ended', async () => {
  const [program = '', ...args] = labCommand(servers.ports).command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const names = labClients(servers.ports, []).map(client => client.name);
  let text = '';
  const allPrinted = new Promise<void>(resolve => {
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString();
      if (names.every(name => text.includes(`\n${name.padEnd(14)} `))) resolve();
    });
  });
  const closed = new Promise<number | null>(resolve => child.once('close', resolve));
  await Promise.race([allPrinted, closed]);
  child.kill('SIGTERM');
  // Its output closes only when no client holds it any more.
  expect(await closed).toBe(1);
  expect(text).toMatch(/connected: HTTP 200/);
  expect(text).toMatch(/[Rr]efused/);
});

test('lab-main by hand says how it is started', async () => {
  const { command } = labCommand(servers.ports);
  expect(existsSync(command[1] ?? '')).toBe(true);
  const child = spawn(command[0] ?? '', [command[1] ?? '']);
  let text = '';
  child.stderr.on('data', data => {
    text += data;
  });
  expect(await new Promise(resolve => child.once('close', resolve))).toBe(2);
  expect(text).toContain('sallyport lab');
});
