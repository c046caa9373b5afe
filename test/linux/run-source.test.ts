import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile } from './fixtures/compile.ts';
import { canRun, type TcpTarget, tcpTarget, udpTarget } from './fixtures/here.ts';
import { run } from './fixtures/run.ts';

const able = canRun();
const programs = new Map<string, ReturnType<typeof compile>>();
const program = (name: string): string => {
  const known = programs.get(name) ?? compile(name);
  programs.set(name, known);
  return known.path;
};

describe.runIf(able)('a supervised command', () => {
  let good: TcpTarget;
  let bad: TcpTarget;
  beforeAll(async () => {
    good = await tcpTarget();
    bad = await tcpTarget();
  });
  afterAll(() => {
    good.close();
    bad.close();
    for (const { dispose } of programs.values()) dispose();
  });

  test('sees the same answers as without supervision', async () => {
    const path = program('behaviours');
    const bare = await promisify(execFile)(path);
    const running = await run([path], { otherwise: 'permit' });
    expect(await running.exited).toEqual({ code: 0, signal: null });
    await running.source.stop();
    expect(running.stdout()).toBe(bare.stdout);
    expect(bare.stdout.split('\n').length).toBeGreaterThan(90);
  });

  test.each([
    ['tcp', tcpTarget],
    ['udp', udpTarget],
  ])('cannot change a checked %s address before it is used', async (kind, target) => {
    const allowed = await target();
    const forbidden = await target();
    const policy = { rules: [{ port: forbidden.port, action: 'block' as const }], otherwise: 'permit' as const };
    const running = await run([program('race'), kind, `${allowed.port}`, `${forbidden.port}`, '10000'], policy);
    await running.exited;
    await running.source.stop();
    const [ok, denied, other] = running.stdout().trim().split(' ').map(Number);
    expect(forbidden.connections()).toBe(0);
    expect(ok! + denied!).toBe(10_000);
    expect(other).toBe(0);
    // The race was run: both addresses were seen.
    expect(ok).toBeGreaterThan(0);
    expect(denied).toBeGreaterThan(0);
    allowed.close();
    forbidden.close();
  });

  test('is not stalled by handshakes that nobody answers', async () => {
    const running = await run([program('slow'), `${good.port}`], { otherwise: 'permit' });
    await running.exited;
    await running.source.stop();
    expect(running.stdout()).toBe('quick 0\n');
  });

  test('finds no way around the filter', async () => {
    const running = await run([program('ways-around')], { otherwise: 'permit' });
    await running.exited;
    await running.source.stop();
    const lines = running.stdout().trim().split('\n');
    expect(lines.slice(0, 8)).toEqual([
      'io_uring_setup: ENOSYS',
      'sctp: EPROTONOSUPPORT',
      'sctp by type: EPROTONOSUPPORT',
      'local seqpacket: ok',
      'smc: EAFNOSUPPORT',
      'loose source route: EPERM',
      'routing header: EPERM',
      'source route in a message: EPERM',
    ]);
    for (const line of lines.slice(8)) expect(line).toMatch(/ENOSYS|no emulation|none/);
  });

  test.each(['EACCES', 'ECONNREFUSED'] as const)('is told %s when blocked', async blockErrno => {
    const before = bad.connections();
    const running = await run([program('connect-loop'), `${bad.port}`, '1'], { otherwise: 'block' }, { blockErrno });
    expect((await running.exited).code).toBe(1);
    await running.source.stop();
    expect(running.stderr()).toBe(blockErrno === 'EACCES' ? 'connect: Permission denied\n' : 'connect: Connection refused\n');
    expect(bad.connections()).toBe(before);
    const decided = running.events.filter(event => event.type === 'decided');
    expect(decided.map(({ attempt }) => [attempt.verdict, attempt.layer, attempt.remote?.port])).toEqual([
      ['block', 'ALE_AUTH_CONNECT', bad.port],
    ]);
    expect(running.events).toContainEqual({ type: 'completed', id: decided[0]!.attempt.id, result: blockErrno });
  });

  test('ends after everything that is told of its calls', async () => {
    for (let i = 0; i < 20; i++) {
      const running = await run([program('connect-loop'), `${good.port}`, '3'], { otherwise: 'permit' });
      await running.exited;
      expect(running.events.at(-1)?.type).toBe('exited');
      expect(running.events.filter(({ type }) => type === 'completed')).toHaveLength(3);
      await running.source.stop();
      expect(running.events.at(-1)?.type).toBe('exited');
    }
  });

  test('shows bind and listen at their layers', async () => {
    const running = await run([program('slow'), `${good.port}`], { otherwise: 'permit' });
    await running.exited;
    await running.source.stop();
    const [bind, listen] = running.attempts();
    expect(bind).toMatchObject({
      layer: 'ALE_RESOURCE_ASSIGNMENT',
      family: 'v4',
      protocol: 6,
      local: { address: '127.0.0.1', port: 0 },
    });
    expect(listen).toMatchObject({ layer: 'ALE_AUTH_LISTEN', family: 'v4', protocol: 6, local: { address: '127.0.0.1' } });
    expect(listen!.local!.port).toBeGreaterThan(0);
  });

  test('uses what was published from then on', async () => {
    const held = 'held' as const;
    const running = await run([program('connect-loop'), `${good.port}`, '3'], { otherwise: 'ask' });
    const first = await running.event(event => (event.type === 'pended' ? event.attempt : undefined));
    await running.source.publish({ otherwise: 'permit' });
    expect(running.source.complete(first.id, 'permit'), held).toBe(true);
    expect(running.source.complete(first.id, 'permit')).toBe(false);
    expect((await running.exited).code).toBe(0);
    await running.source.stop();
    expect(running.events.filter(event => event.type === 'pended')).toHaveLength(1);
    expect(running.events.filter(event => event.type === 'decided')).toHaveLength(2);
  });

  test('reports a command that cannot be started', async () => {
    const missing = await run(['/nonexistent/program'], { otherwise: 'permit' });
    expect((await missing.exited).code).toBe(127);
    expect(missing.events).toContainEqual({ type: 'warning', message: 'run: /nonexistent/program: command not found' });
    await missing.source.stop();
    const odd = await run(['/nonexistent/a\nb'], { otherwise: 'permit' });
    await odd.exited;
    expect(odd.events).toContainEqual({ type: 'warning', message: 'run: /nonexistent/a\nb: command not found' });
    await odd.source.stop();
    const forbidden = await run(['/etc/passwd'], { otherwise: 'permit' });
    expect((await forbidden.exited).code).toBe(126);
    await forbidden.source.stop();
  });

  test('says what is wrong when it cannot start', async () => {
    await expect(run([], { otherwise: 'permit' })).rejects.toThrow('run: no command given');
    await expect(run(['true'], { otherwise: 'permit' }, { cwd: '/nonexistent' })).rejects.toThrow('/nonexistent does not exist');
    const lost = () => new Worker(new URL('fixtures/no-such-worker.ts', import.meta.url));
    await expect(run(['true'], { otherwise: 'permit' }, { worker: lost })).rejects.toThrow(/supervisor failed.*no-such-worker/);
  });

  test('cannot be supervised twice', async () => {
    const inner = fileURLToPath(new URL('fixtures/once.ts', import.meta.url));
    const running = await run([process.execPath, inner, 'true'], { otherwise: 'permit' });
    expect((await running.exited).code).toBe(1);
    await running.source.stop();
    expect(running.stderr()).toMatch(/seccomp: another supervisor already listens/);
  });

  test('gets arguments and variables that are no UTF-8 as they were given', async () => {
    const once = fileURLToPath(new URL('fixtures/guard-process.ts', import.meta.url));
    const policy = JSON.stringify({ otherwise: 'permit' });
    const script = `X="$(printf 'v\\376')" exec "$0" "$@" "$(printf 'a\\377')"`;
    const show = 'printf %s "$0$X" | od -An -tx1';
    const { stdout } = await promisify(execFile)('sh', ['-c', script, process.execPath, once, policy, 'sh', '-c', show]);
    expect(stdout.trim()).toBe('61 ff 76 fe');
  });

  test('starts as from a shell: signals, descriptors, environment', async () => {
    const script = 'grep SigIgn /proc/self/status; ls /proc/self/fd; env | grep -c SALLYPORT_LAUNCH; echo problem > /dev/stderr';
    const running = await run(
      ['sh', '-c', script],
      { otherwise: 'permit' },
      { env: { ...process.env, NODE_OPTIONS: '--no-deprecation' } },
    );
    await running.exited;
    await running.source.stop();
    expect(running.stdout().split(/\s+/).filter(Boolean)).toEqual(['SigIgn:', '0000000000000000', '0', '1', '2', '3', '0']);
    expect(running.stderr()).toBe('problem\n');
  });
});
