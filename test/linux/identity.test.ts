import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requirement } from '../support/requirement.ts';
import { compile } from './fixtures/compile.ts';
import { canRun, type TcpTarget, tcpTarget } from './fixtures/here.ts';
import { run } from './fixtures/run.ts';

describe.runIf(canRun())('identity', () => {
  let target: TcpTarget;
  let client: ReturnType<typeof compile>;
  beforeAll(async () => {
    target = await tcpTarget();
    client = compile('connect-loop');
  });
  afterAll(() => {
    target.close();
    client.dispose();
  });

  test('says program, command line, folder, user, start and parents', async () => {
    const cwd = realpathSync(tmpdir());
    const begun = Date.now();
    const running = await run(['sh', '-c', `${client.path} ${target.port} 1; exit 0`], { otherwise: 'permit' }, { cwd });
    await running.exited;
    await running.source.stop();
    const { identity } = running.attempts()[0]!;
    const { uid, username } = userInfo();
    expect(identity).toMatchObject({
      path: client.path,
      commandLine: [client.path, `${target.port}`, '1'],
      cwd,
      uid,
      user: username,
      sid: `S-1-22-1-${uid}`,
    });
    expect(identity.gids).toEqual([...new Set(process.getgid ? [process.getgid(), ...process.getgroups!()] : [])]);
    // The kernel counts hundredths of a second from a boot time in whole seconds.
    expect(Math.abs(identity.startTime! - begun)).toBeLessThan(60_000);
    const [shell, starter] = identity.parents;
    expect(shell?.pid).toBe(running.source.pid);
    expect(shell?.commandLine?.slice(0, 2)).toEqual(['sh', '-c']);
    // This program itself is left out, who started it is shown, and nobody above.
    expect(starter?.pid).toBe(process.ppid);
    expect(identity.parents).toHaveLength(2);
  });

  test('notices that a process became another program', async () => {
    const script = `exec 3<>/dev/tcp/127.0.0.1/${target.port}; exec ${client.path} ${target.port} 1`;
    const running = await run(['bash', '-c', script], { otherwise: 'permit' });
    await running.exited;
    await running.source.stop();
    const [first, second] = running.attempts().map(attempt => attempt.identity);
    expect(first?.pid).toBe(second?.pid);
    expect(first?.path).toMatch(/bash$/);
    expect(second?.path).toBe(client.path);
  });

  test('a user without privileges holds calls too', async () => {
    const isRoot = process.getuid?.() === 0;
    if (!requirement('root, to become somebody else', isRoot, 'the other tests ran without privileges already')) return;
    // Only readable for others outside root's own folders.
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-user-'));
    try {
      chmodSync(folder, 0o755);
      const root = fileURLToPath(new URL('../..', import.meta.url));
      for (const part of ['package.json', 'driver/linux', 'engine/model', 'test/linux/fixtures', 'test/support']) {
        cpSync(join(root, part), join(folder, part), { recursive: true });
      }
      for (const part of ['koffi', '@koromix']) {
        cpSync(join(root, 'node_modules', part), join(folder, 'node_modules', part), { recursive: true, dereference: true });
      }
      cpSync(client.path, join(folder, 'client'));
      cpSync(realpathSync(process.execPath), join(folder, 'node'));
      const script = join(folder, 'test/linux/fixtures/once.ts');
      const child = spawn(join(folder, 'node'), [script, join(folder, 'client'), `${target.port}`, '1'], {
        uid: 65534,
        gid: 65534,
        cwd: folder,
        env: { PATH: process.env['PATH'] },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', data => {
        stdout += data;
      });
      child.stderr.on('data', data => {
        stderr += data;
      });
      await once(child, 'close');
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toMatchObject({ asked: 1, uid: 65534, code: 0 });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
