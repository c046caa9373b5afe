import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile } from './fixtures/compile.ts';
import { canRun, type TcpTarget, tcpTarget } from './fixtures/here.ts';
import { run } from './fixtures/run.ts';

const COUNT = 500;

describe.runIf(canRun())('held calls', () => {
  let target: TcpTarget;
  const programs = new Map<string, ReturnType<typeof compile>>();
  const program = (name: string): string => {
    const known = programs.get(name) ?? compile(name);
    programs.set(name, known);
    return known.path;
  };
  beforeAll(async () => {
    target = await tcpTarget();
  });
  afterAll(() => {
    target.close();
    for (const { dispose } of programs.values()) dispose();
  });

  test.each(['permit', 'block'] as const)(`${COUNT} at once wait and are answered together: %s`, async verdict => {
    const running = await run([program('many'), `${target.port}`, `${COUNT}`], { otherwise: 'ask' });
    const ids = new Set<number>();
    await running.event(event => (event.type === 'pended' && ids.add(event.attempt.id).size === COUNT ? true : undefined));
    // Nobody was let through or turned away meanwhile.
    expect(running.events.some(event => event.type === 'completed' || event.type === 'withdrawn')).toBe(false);
    // Threads are told by their process.
    expect(new Set(running.attempts().map(({ identity }) => identity.pid))).toEqual(new Set([running.source.pid]));
    for (const id of ids) expect(running.source.complete(id, verdict)).toBe(true);
    expect((await running.exited).code).toBe(0);
    await running.source.stop();
    expect(running.stdout()).toBe(verdict === 'permit' ? `${COUNT} 0 0\n` : `0 ${COUNT} 0\n`);
    expect(running.events.filter(event => event.type === 'completed')).toHaveLength(COUNT);
  });

  test('go away with a program that is killed', async () => {
    const running = await run([program('connect-loop'), `${target.port}`, '1'], { otherwise: 'ask' });
    const attempt = await running.event(event => (event.type === 'pended' ? event.attempt : undefined));
    running.source.signal?.('SIGKILL');
    const withdrawn = await running.event(event => (event.type === 'withdrawn' ? event : undefined));
    expect(withdrawn).toEqual({ type: 'withdrawn', id: attempt.id, reason: 'exited' });
    expect(running.source.complete(attempt.id, 'permit')).toBe(false);
    expect(await running.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await running.source.stop();
  });

  test('are interrupted by a signal that the program catches', async () => {
    const running = await run([program('interrupted'), `${target.port}`], { otherwise: 'ask' });
    const withdrawn = await running.event(event => (event.type === 'withdrawn' ? event : undefined));
    expect(withdrawn.reason).toBe('interrupted');
    expect((await running.exited).code).toBe(0);
    expect(running.stdout()).toBe('EINTR\n');
    await running.source.stop();
  });

  test.each(['permit', 'block'] as const)('stay one request while signals restart the call: %s', async verdict => {
    const running = await run([program('ticking'), `${target.port}`], { otherwise: 'ask' });
    const { id } = await running.event(event => (event.type === 'pended' ? event.attempt : undefined));
    // Every handler that runs took the call away.
    await running.event(() => (running.stdout().length > 5 ? true : undefined));
    expect(running.events.filter(event => event.type !== 'output')).toHaveLength(1);
    expect(running.source.complete(id, verdict)).toBe(true);
    expect((await running.exited).code).toBe(0);
    await running.source.stop();
    expect(running.stdout()).toMatch(verdict === 'permit' ? /^\.+ok\n$/ : /^\.+Permission denied\n$/);
    expect(running.attempts()).toHaveLength(1);
  });

  test('do not keep the source from stopping when the address lies in memory that nothing fills', async () => {
    const running = await run([program('unfilled')], { otherwise: 'permit' });
    const first = await running.event(event => (event.type === 'output' ? event.data.toString() : undefined));
    await running.source.stop();
    if (first === 'read\n') expect(await running.exited).toEqual({ code: null, signal: 'SIGTERM' });
    expect(first).toMatch(/^(read|not allowed)\n/);
  });

  test('fail when the source is stopped, and the command is ended', async () => {
    const running = await run(['sh', '-c', `${program('connect-loop')} ${target.port} 1; sleep 1000`], { otherwise: 'ask' });
    await running.event(event => (event.type === 'pended' ? true : undefined));
    await running.source.stop();
    expect(await running.exited).toEqual({ code: null, signal: 'SIGTERM' });
  });

  test("fail closed when the supervisor's thread crashes", async () => {
    const before = target.connections();
    const running = await run([program('keeps-trying'), `${target.port}`], { otherwise: 'ask' });
    const attempt = await running.event(event => (event.type === 'pended' ? event.attempt : undefined));
    await running.source.publish('crash');
    const failed = await running.event(event => (event.type === 'failed' ? event.message : undefined));
    expect(failed).toMatch(/crashed on purpose.*connections fail from now on/);
    expect(running.source.complete(attempt.id, 'permit')).toBe(false);
    expect((await running.exited).code).toBe(0);
    // The held call is blocked; for later ones there is no listener.
    expect(running.stdout()).toBe('Permission denied\nENOSYS\n');
    expect(target.connections()).toBe(before);
    await expect(running.source.publish({})).rejects.toThrow('does not run');
    await running.source.stop();
  });

  test('are not even made when the supervisor is killed before: the launcher ends without a word', async () => {
    const launcher = fileURLToPath(new URL('../../driver/linux/launcher.ts', import.meta.url));
    const child = spawn(process.execPath, ['--no-warnings', launcher, '3', 'echo', 'became the command'], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', data => (output += data));
    for (const pipe of [child.stdio[3], child.stdio[4]]) (pipe as Socket).destroy();
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(output).toBe('');
  });

  test('fail closed when the supervisor is killed', async () => {
    const before = target.connections();
    const guard: ChildProcess = spawn(
      process.execPath,
      [
        fileURLToPath(new URL('fixtures/guard-process.ts', import.meta.url)),
        JSON.stringify({ otherwise: 'ask' }),
        program('keeps-trying'),
        `${target.port}`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let output = '';
    guard.stdout!.on('data', data => {
      output += data;
      if (output === 'held\n') guard.kill('SIGKILL');
    });
    // The pipe is closed when the command, which holds its other end, has ended too.
    await once(guard.stdout!, 'close');
    expect(output).toBe('held\nENOSYS\nENOSYS\n');
    expect(target.connections()).toBe(before);
  });
});
