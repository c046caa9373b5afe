import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { landlockVersion } from '../../driver/linux/landlock.ts';
import { requirement } from '../support/requirement.ts';
import { compile } from './fixtures/compile.ts';
import { canRun, type TcpTarget, tcpTarget } from './fixtures/here.ts';
import { run } from './fixtures/run.ts';

const able = canRun();
const landlock = requirement('Landlock for TCP', landlockVersion() >= 4, 'boot Linux 6.7 or newer with landlock in lsm=');

describe.runIf(able)('a hostile or starving machine', () => {
  let target: TcpTarget;
  const programs: ReturnType<typeof compile>[] = [];
  const program = (name: string): string => {
    const compiled = compile(name);
    programs.push(compiled);
    return compiled.path;
  };
  beforeAll(async () => {
    target = await tcpTarget();
  });
  afterAll(() => {
    target.close();
    for (const { dispose } of programs) dispose();
  });

  test.runIf(landlock)('a descriptor that is swapped after the check connects nowhere', async () => {
    const policy = { rules: [{ port: target.port, action: 'block' as const }], otherwise: 'permit' as const };
    const running = await run([program('swap'), `${target.port}`, '10000'], policy);
    expect((await running.exited).code).toBe(0);
    await running.source.stop();
    const [ok, denied, local] = running.stdout().trim().split(' ').map(Number);
    expect(ok).toBe(0);
    expect(target.connections()).toBe(0);
    // Both sockets were met.
    expect(denied).toBeGreaterThan(0);
    expect(local).toBeGreaterThan(0);
  });

  test('a listening socket that is shut down after the check connects nowhere', async () => {
    const rules = [{ layer: 'ALE_AUTH_CONNECT', action: 'block' as const }];
    const before = target.connections();
    const running = await run([program('shutdown-race'), `${target.port}`, '3000'], { rules, otherwise: 'permit' });
    expect((await running.exited).code).toBe(0);
    await running.source.stop();
    const [connected, denied, listening] = running.stdout().trim().split(' ').map(Number);
    expect(connected).toBe(0);
    expect(target.connections()).toBe(before);
    // Both states were met.
    expect(denied).toBeGreaterThan(0);
    expect(listening).toBeGreaterThan(0);
  });

  test('a socket that asks for its source address is told, and reaches nobody', async () => {
    const running = await run([program('undecided')], { otherwise: 'block' });
    expect((await running.exited).code).toBe(0);
    await running.source.stop();
    expect(running.stdout().trim().split('\n')).toEqual([
      ...['connect: ok', 'source 127.0.0.1', 'remote 127.0.0.1 0', 'send: ok', 'dissolve: ok'],
      ...['connect: ok', 'source 127.0.0.1', 'remote 127.0.0.1 0'],
      ...['connect: ok', 'source ::1', 'broadcast: EACCES'],
    ]);
    expect(running.attempts()).toEqual([]);
  });

  test('in another network a socket that asked for its source address sends nothing', async () => {
    const running = await run([program('undecided'), 'elsewhere'], { otherwise: 'block' });
    expect((await running.exited).code).toBe(0);
    await running.source.stop();
    expect(running.stdout().trim().split('\n').slice(0, 6)).toEqual([
      ...['unshare: ok', 'loopback: ok', 'connect: ok', 'source 127.0.0.1', 'remote 127.0.0.9 0', 'send: EPIPE'],
    ]);
  });

  test.each([1, 2, 3])('calls with nonsense for arguments are all answered (seed %i)', async seed => {
    const running = await run([program('fuzz'), `${seed}`, '5000'], { otherwise: 'permit' });
    expect(await running.exited).toEqual({ code: 0, signal: null });
    await running.source.stop();
    expect(running.stdout()).toBe('done\n');
    expect(running.events.filter(event => event.type === 'warning' || event.type === 'failed')).toEqual([]);
    // Some were right by chance, so all paths were walked.
    expect(new Set(running.attempts().map(({ layer }) => layer)).size).toBeGreaterThan(1);
  });

  test('without descriptors calls are blocked and a warning is given; those that are held stay held', async () => {
    const many = program('many');
    const starved = fileURLToPath(new URL('fixtures/starved.ts', import.meta.url));
    const command = ['ulimit -n 100; exec "$@"', 'sh', process.execPath, starved, many, `${target.port}`, '200'];
    const { stdout } = await promisify(execFile)('sh', ['-c', ...command]);
    const { warning, output } = JSON.parse(stdout) as { warning: string; output: string };
    expect(warning).toMatch(/out of file descriptors/);
    const [ok, denied, other] = output.trim().split(' ').map(Number);
    expect(ok! + denied! + other!).toBe(200);
    expect(ok).toBeGreaterThan(10);
    expect(denied).toBeGreaterThan(0);
  });
});
