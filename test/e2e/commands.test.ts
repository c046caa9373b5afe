import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sallyport } from '../support/cli.ts';
import { connectScript, loopbackServer } from '../support/loopback.ts';
import { CLI, temporaryHome } from '../support/pty.ts';

let home: ReturnType<typeof temporaryHome>;
beforeEach(() => {
  home = temporaryHome();
});
afterEach(() => home.remove());

const run = (...args: string[]) => sallyport(args, { home: home.path });

describe('bad input gets one sentence and the right exit code', () => {
  test.each<[string[], number, RegExp]>([
    [['--nope'], 2, /unknown option --nope/],
    [['frobnicate'], 2, /unknown command 'frobnicate'; commands: run, (guard, )?lab/],
    [['run'], 2, /name the command to guard: sallyport run -- COMMAND/],
    [['run', 'curl', 'x'], 2, /put -- before the command: sallyport run -- curl x/],
    [['run', '--default', 'deny', '--', 'true'], 2, /--default takes block or permit, got 'deny'/],
    [['run', '--timeout', '1h', '--', 'true'], 2, /--timeout takes whole seconds/],
    [['run', '--rules', '/no/such/file', '--', 'true'], 1, /there is no file \/no\/such\/file/],
    [['rules', 'add'], 2, /Say first what the rule does: permit or block/],
    [['rules', 'add', 'permit', '--remote', '1.2.3.400'], 2, /"1\.2\.3\.400" is not an address/],
    [['rules', 'add', 'permit', '--remote', '10.0.0.0/33'], 2, /prefix has 0 to 32 bits/],
    [['rules', 'add', 'permit', '--port', '9-3'], 2, /9-3/],
    [['rules', 'remove', 'abcdef'], 1, /there is no rule abcdef/],
    [['rules', 'frob'], 2, /unknown subcommand 'frob'/],
    [['rules', 'import', '/dev/zero'], 1, /\/dev\/zero is longer than \d+ bytes; split it/],
    [['recorded'], 2, /name the recording/],
    [['recorded', '/no/such/file'], 1, /no such file/],
    [['settings', 'theme', 'pink'], 2, /theme must be dark, light, high-contrast, mono/],
    [['settings', 'colour'], 2, /there is no setting 'colour'/],
    [['history', '--verdict', 'maybe'], 2, /--verdict takes permit or block or withdrawn/],
  ])('%j', async (args, code, message) => {
    const result = await run(...args);
    expect(result.code, result.stderr).toBe(code);
    expect(result.stdout).toBe('');
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('the exit code of run is that of its command', () => {
  test.each<[string[], number]>([
    [['sh', '-c', 'exit 42'], 42],
    [['sh', '-c', 'kill -TERM $$'], 143],
    [['/no/such/program'], 127],
    [['/etc/passwd'], 126],
    [['true'], 0],
  ])('%j: %i', async (command, code) => expect((await run('run', '--', ...command)).code).toBe(code));

  test('its output and its input are its own', async () => {
    const result = await sallyport(['run', '--', 'sh', '-c', 'cat; echo problem >&2'], { home: home.path, input: 'hello' });
    expect(result.stdout).toBe('hello');
    expect(result.stderr).toContain('problem\n');
  });
});

describe('rules', () => {
  test('are added, listed, exported, imported and removed', async () => {
    expect(
      (
        await run(
          'rules',
          'add',
          'permit',
          '--app',
          'sh',
          '--remote',
          '*.example.com',
          '--port',
          '443',
          '--protocol',
          'tcp',
          '--note',
          'why not',
        )
      ).code,
    ).toBe(0);
    expect((await run('rules', 'add', 'block', '--remote', '198.51.100.0/24', '--for', '2h')).code).toBe(0);
    const list = JSON.parse((await run('rules', 'list', '--json')).stdout) as {
      rules: { id: string; program?: string; remote: string }[];
    };
    expect(list.rules.map(rule => rule.remote).sort()).toEqual(['*.example.com', '198.51.100.0/24']);
    const file = join(home.path, 'rules.yaml');
    expect((await run('rules', 'export', file)).code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const other = temporaryHome();
    const there = (...args: string[]) => sallyport(args, { home: other.path });
    expect((await there('rules', 'import', file)).code).toBe(0);
    expect((await there('rules', 'export')).stdout).toBe(readFileSync(file, 'utf8'));
    expect((await there('rules', 'plan', file)).stdout).toContain('0 added, 0 changed, 0 removed');
    other.remove();
    for (const rule of list.rules) expect((await run('rules', 'remove', rule.id.slice(0, 12))).code).toBe(0);
    expect(JSON.parse((await run('rules', 'list', '--json')).stdout)).toEqual({ rules: [] });
  });

  test('the same scope is replaced, not doubled', async () => {
    await run('rules', 'add', 'permit', '--remote', '192.0.2.1');
    expect((await run('rules', 'add', 'block', '--remote', '192.0.2.1')).stdout).toMatch(/^replaced/);
    expect(JSON.parse((await run('rules', 'list', '--json')).stdout)).toMatchObject({ rules: [{ verdict: 'block' }] });
  });
});

describe('files of its own', () => {
  test('are private', async () => {
    await run('rules', 'add', 'permit', '--remote', '192.0.2.1');
    await run('run', '--', 'true');
    for (const name of ['store.sqlite', 'history.sqlite']) expect(statSync(join(home.path, name)).mode & 0o777, name).toBe(0o600);
    expect(statSync(join(home.path, 'cache')).mode & 0o777).toBe(0o700);
  });

  test('a damaged store is told in one sentence and left as it is', async () => {
    const store = join(home.path, 'store.sqlite');
    writeFileSync(store, 'this is no database', { mode: 0o600 });
    const result = await run('rules', 'list');
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/store\.sqlite.*damaged.*left as it is/);
    expect(readFileSync(store, 'utf8')).toBe('this is no database');
    expect((await run('run', '--', 'true')).code).toBe(1);
  });

  test('a setting that cannot be written is no wrong usage', () => {
    const script = 'ulimit -f 0; exec "$0" "$@"';
    const env = { ...process.env, SALLYPORT_HOME: home.path };
    const result = spawnSync('sh', ['-c', script, process.execPath, CLI, 'settings', 'theme', 'light'], {
      env,
      encoding: 'utf8',
    });
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toMatch(/^sallyport: the settings could not be written to .*settings\.json \(EFBIG\): check .*\.\n$/);
  });

  test('a broken settings file is told, kept, and the defaults hold', async () => {
    writeFileSync(join(home.path, 'settings.json'), '{broken', { mode: 0o600 });
    const result = await run('settings', '--json');
    expect(JSON.parse(result.stdout)).toMatchObject({ theme: 'dark', defaultVerdict: 'block' });
    expect(result.stderr).toMatch(/settings\.json is no valid JSON/);
    expect(readFileSync(join(home.path, 'settings.json'), 'utf8')).toBe('{broken');
  });
});

describe('line mode', () => {
  test('JSON lines carry what happened and the output of the command', async () => {
    const server = await loopbackServer();
    const result = await run('run', '--json', '--default', 'permit', '--', process.execPath, '-e', connectScript(server.port));
    await server.close();
    const events = result.stdout
      .trim()
      .split('\n')
      .map(
        line =>
          JSON.parse(line) as {
            type: string;
            text?: string;
            verdict?: string;
            by?: unknown;
            attempt?: { remote: { port: number } };
          },
      );
    expect(events.map(event => event.type)).toEqual(expect.arrayContaining(['held', 'decided', 'completed', 'output', 'exited']));
    expect(events.find(event => event.type === 'decided')).toMatchObject({
      verdict: 'permit',
      by: { kind: 'default', reason: 'no-person' },
      attempt: { remote: { port: server.port } },
    });
    expect(events.find(event => event.type === 'output')?.text).toContain('got hello');
    expect(server.reached()).toBe(1);
  });

  test('rules of a file hold for this run only', async () => {
    const server = await loopbackServer();
    const file = join(home.path, 'some.yaml');
    writeFileSync(file, `sallyport: 1\nrules:\n  - verdict: permit\n    remote: 127.0.0.1\n    port: ${server.port}\n`);
    const held = await run(
      'run',
      '--default',
      'block',
      '--rules',
      file,
      '--',
      process.execPath,
      '-e',
      connectScript(server.port),
    );
    expect(held.stdout).toContain('got hello');
    const after = await run('run', '--default', 'block', '--', process.execPath, '-e', connectScript(server.port));
    expect(after.stdout).toContain('failed EACCES');
    const refused = await run('run', '--default', 'block', '--refuse', '--', process.execPath, '-e', connectScript(server.port));
    expect(refused.stdout).toContain('failed ECONNREFUSED');
    await server.close();
    const history = JSON.parse((await run('history', '--json')).stdout) as { history: { verdict: string }[] };
    expect(history.history.map(entry => entry.verdict)).toEqual(['permit', 'block', 'block']);
  });

  test('the lab runs to its end', async () => {
    const result = await run('lab', '--default', 'permit');
    expect(result.code, result.stderr).toBe(0);
    expect(new Set(result.stderr.match(/held +(\S+?)\(/g)).size).toBeGreaterThanOrEqual(3);
  });
});
