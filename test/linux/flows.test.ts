import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile } from './fixtures/compile.ts';
import { canRun, type TcpTarget, udpTarget } from './fixtures/here.ts';
import { run } from './fixtures/run.ts';

describe.runIf(canRun())('datagram flows', () => {
  let sender: ReturnType<typeof compile>;
  const targets: TcpTarget[] = [];
  beforeAll(async () => {
    sender = compile('datagrams');
    targets.push(await udpTarget(), await udpTarget());
  });
  afterAll(() => {
    sender.dispose();
    for (const target of targets) target.close();
  });
  const command = (...more: string[]) => [sender.path, ...targets.map(({ port }) => `${port}`), ...more];

  test('the first datagram to each remote is asked about, later ones follow its verdict', async () => {
    const [first, second] = targets.map(({ port }) => port);
    const running = await run(
      command(),
      { otherwise: 'ask' },
      { answer: ({ remote }) => (remote?.port === first ? 'permit' : 'block') },
    );
    expect((await running.exited).code).toBe(0);
    await running.source.stop();
    expect(running.attempts().map(({ layer, protocol, remote }) => [layer, protocol, remote?.port])).toEqual([
      ['ALE_AUTH_CONNECT', 17, first],
      ['ALE_AUTH_CONNECT', 17, second],
    ]);
    expect(running.stdout()).toBe('ok ok ok\nEACCES EACCES EACCES\n');
  });

  test('a published change makes known flows be decided anew', async () => {
    const running = await run(command('wait'), { otherwise: 'permit' }, { stdio: 'pipe' });
    await running.event(() =>
      running.stdout().includes('EACCES') || running.stdout().split('\n').length > 2 ? true : undefined,
    );
    await running.source.publish({ otherwise: 'block' });
    running.source.signal?.('SIGUSR1');
    expect((await running.exited).code).toBe(0);
    await running.source.stop();
    expect(running.stdout()).toBe('ok ok ok\nok ok ok\nEACCES EACCES EACCES\nEACCES EACCES EACCES\n');
  });
});
