import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loopbackServer } from '../support/loopback.ts';
import { ProgramInTerminal, temporaryHome } from '../support/pty.ts';
import { requirement } from '../support/requirement.ts';

let home: ReturnType<typeof temporaryHome>;
beforeEach(() => {
  home = temporaryHome();
});
afterEach(() => home.remove());

/** The bench's traffic program: every connect in a thread of its own. */
function traffic(): string | undefined {
  const program = join(home.path, 'traffic');
  try {
    execFileSync('gcc', ['-O1', '-pthread', '-o', program, new URL('../bench/traffic.c', import.meta.url).pathname]);
    return program;
  } catch {
    requirement('a C compiler', false, 'apt-get install gcc libc6-dev');
    return undefined;
  }
}

test('500 requests at once are all shown, answered by one rule, and none is lost', async () => {
  const program = traffic();
  if (!program) return;
  const server = await loopbackServer();
  const terminal = new ProgramInTerminal(['run', '--timeout', '600', '--', program, 'many', String(server.port), '500'], {
    home: home.path,
    columns: 120,
    rows: 40,
  });
  try {
    await terminal.waitFor('500 waiting');
    const until = async (key: string, wanted: string | RegExp) => {
      const press = setInterval(() => terminal.press(key), 300);
      await terminal.waitFor(wanted).finally(() => clearInterval(press));
    };
    await until('A', /500 waiting requests/);
    await until('y', / 0 waiting|Nothing waits/);
    terminal.press('5');
    // Nobody listens on those addresses of loopback, so a call that was let through is refused by the kernel, not denied.
    await terminal.waitFor('done 0 ok, 500 refused, 0 denied of 500');
  } finally {
    await terminal.end();
    await server.close();
  }
});

test('when Sallyport is killed, what waits and what follows fails', async () => {
  const program = traffic();
  if (!program) return;
  const server = await loopbackServer();
  const result = join(home.path, 'result');
  // Twice: once held when Sallyport dies, once begun after it.
  const twice = `"$0" many ${server.port} 20 > "${result}" && "$0" many ${server.port} 1 >> "${result}"`;
  const terminal = new ProgramInTerminal(['run', '--timeout', '600', '--', 'sh', '-c', twice, program], { home: home.path });
  await terminal.waitFor('20 waiting');
  terminal.kill('SIGKILL');
  await terminal.exited;
  // Neither connected, nor refused by the kernel's network, nor denied: the calls answer ENOSYS.
  await expect
    .poll(() => readFileSync(result, 'utf8'), { timeout: 10_000 })
    .toBe('done 0 ok, 0 refused, 0 denied of 20\ndone 0 ok, 0 refused, 0 denied of 1\n');
  await terminal.end();
  await server.close();
});
