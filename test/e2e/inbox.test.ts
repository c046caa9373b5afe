import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sallyport } from '../support/cli.ts';
import { connectScript, type LoopbackServer, loopbackServer } from '../support/loopback.ts';
import { ProgramInTerminal, temporaryHome } from '../support/pty.ts';

let home: ReturnType<typeof temporaryHome>;
let server: LoopbackServer;
let open: ProgramInTerminal[];

beforeEach(async () => {
  home = temporaryHome();
  server = await loopbackServer();
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map(program => program.end()));
  await server.close();
  home.remove();
});

function start(args: readonly string[], size?: { columns: number; rows: number }): ProgramInTerminal {
  const program = new ProgramInTerminal(args, { home: home.path, ...size });
  open.push(program);
  return program;
}

const guarded = () => ['run', '--', process.execPath, '-e', connectScript(server.port)];

/** Presses a verdict again until the screen reacts: within 400 ms of a new selection none is taken. */
async function answer(program: ProgramInTerminal, key: string, settled: string | RegExp): Promise<void> {
  const press = setInterval(() => program.press(key), 250);
  try {
    await program.waitFor(settled);
  } finally {
    clearInterval(press);
  }
}

describe('a connection is held, asked about and remembered', () => {
  test('allowed by key, decided by the filter the next time, after a restart too', async () => {
    const first = start(guarded());
    await first.waitFor('wants to connect to');
    expect(first.screen()).toContain(`:${server.port} over TCP`);
    expect(first.bufferType).toBe('alternate');
    expect(server.reached()).toBe(0);
    await answer(first, 'a', /0 waiting|nothing waits|Inbox(?! \d)/i);
    first.press('5');
    await first.waitFor('got hello');
    expect(server.reached()).toBe(1);
    first.press('4');
    await first.waitFor(new RegExp(`permit\\s+node.*${server.port}`));
    first.press('q');
    const end = await first.exited;
    expect(end.exitCode).toBe(0);
    await expect.poll(() => first.bufferType).toBe('normal');

    const again = await sallyport(['run', '--default', 'block', ...guarded().slice(1)], { home: home.path });
    expect(again.stdout).toContain('got hello');
    expect(again.stderr).toMatch(/permit +node.*rule [0-9a-f]{8}/);
    expect(again.stderr).not.toContain(' held ');
    expect(server.reached()).toBe(2);
  });

  test('blocked by key: the program gets EACCES and nothing reaches the server', async () => {
    const program = start(guarded(), { columns: 160, rows: 48 });
    await program.waitFor('wants to connect to');
    await answer(program, 'b', /0 waiting|nothing waits|Inbox(?! \d)/i);
    program.press('5');
    await program.waitFor('failed EACCES');
    expect(server.reached()).toBe(0);
    const rules = JSON.parse((await sallyport(['rules', 'list', '--json'], { home: home.path })).stdout) as {
      rules: { verdict: string }[];
    };
    expect(rules.rules.map(rule => rule.verdict)).toEqual(['block']);
  });

  test('a rule added in another terminal answers what waits', async () => {
    const program = start(guarded());
    await program.waitFor('wants to connect to');
    const added = await sallyport(['rules', 'add', 'permit', '--remote', '127.0.0.1', '--port', String(server.port)], {
      home: home.path,
    });
    expect(added.code).toBe(0);
    program.press('5');
    await program.waitFor('got hello');
  });
});

describe('the terminal is given back', () => {
  test.each(['SIGTERM', 'SIGHUP', 'SIGINT'])('after %s', async signal => {
    const program = start(guarded());
    await program.waitFor('wants to connect to');
    program.kill(signal);
    await program.exited;
    // What the program wrote last may still be on its way through the pseudo terminal.
    await expect.poll(() => program.bufferType).toBe('normal');
    expect(program.raw).toContain('\u001b[?25h');
    expect(server.reached()).toBe(0);
  });
});

describe('line mode on a terminal', () => {
  test('Ctrl-C reaches the command, and its exit code comes back', async () => {
    const program = start(['run', '--line', '--', 'sh', '-c', 'trap "exit 5" INT; echo rea""dy; while :; do sleep 0.1; done']);
    await program.waitFor('ready');
    program.press('\u0003');
    expect((await program.exited).exitCode).toBe(5);
  });

  test('Ctrl-C before there is a command ends Sallyport', async () => {
    const program = start(['run', '--line', '--', 'sh', '-c', 'while :; do sleep 0.1; done']);
    await program.waitFor('sallyport guards');
    program.press('\u0003');
    expect((await program.exited).exitCode).toBe(130);
  });
});
