import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { paths } from '../settings/settings.ts';
import { checkDatabase } from './database.ts';
import { doctor } from './doctor.ts';
import { type FactSources, type Facts, gatherFacts } from './facts.ts';
import { renderReport } from './render.ts';
import { type CheckStatus, doctorExitCode, doctorReport } from './report.ts';

const root = mkdtempSync(join(tmpdir(), 'sallyport-doctor-'));
afterAll(() => rmSync(root, { recursive: true }));

const good: Facts = {
  sallyport: '1.2.3',
  platform: 'linux',
  node: { version: '26.10.0', path: '/n' },
  koffi: { version: '3.3.4' },
  hold: { ok: true, detail: 'seccomp user notification' },
  yamaScope: 1,
  folders: { home: '/h' },
  store: { path: '/h/store.sqlite', state: 'ok' },
  history: { path: '/h/history.sqlite', state: 'absent' },
  settings: { path: '/h/settings.json', problems: [] },
  terminal: { tty: true, columns: 80, rows: 24, term: 'xterm', colourBits: 8, noColor: false, locale: 'C.UTF-8', utf8: true },
  tmux: false,
  ssh: false,
};
const terminal = (change: Partial<Facts['terminal']>): Partial<Facts> => ({ terminal: { ...good.terminal, ...change } });

describe('the report', () => {
  test('of a machine where all is well says so', () => {
    const report = doctorReport(good);
    expect(report.checks.filter(check => check.status !== 'ok')).toEqual([]);
    expect(report.run).toBe(true);
    expect(doctorExitCode(report)).toBe(0);
  });

  test.each<[string, Partial<Facts>, string, CheckStatus, boolean, RegExp | undefined]>([
    ['an old Node', { node: { version: '22.12.9', path: '/n' } }, 'node', 'missing', false, /^npm ci/],
    ['the oldest Node', { node: { version: '22.13.0', path: '/n' } }, 'node', 'ok', true, undefined],
    ['no koffi', { koffi: { problem: 'not built' } }, 'koffi', 'missing', false, /^npm ci$/],
    [
      'a machine that goes without',
      { hold: { ok: false, goesWithout: true, detail: 'no driver' } },
      'hold',
      'note',
      true,
      undefined,
    ],
    ['a kernel that cannot', { hold: { ok: false, detail: 'too old', fix: 'update' } }, 'hold', 'missing', false, /^update$/],
    ['Yama 2', { yamaScope: 2 }, 'yama', 'note', true, /sysctl/],
    ['Yama 3', { yamaScope: 3 }, 'yama', 'note', true, /restart/],
    ['a container that works', { container: 'Docker' }, 'container', 'note', true, undefined],
    [
      'a damaged store',
      { store: { path: '/h/a b', state: 'damaged' } },
      'store',
      'missing',
      false,
      /^mv '\/h\/a b' '\/h\/a b.damaged'$/,
    ],
    ['a busy history', { history: { path: '/h', state: 'busy' } }, 'history', 'note', true, /try again/],
    ['an unwritable store', { store: { path: '/h', state: 'unwritable' } }, 'store', 'missing', false, /^chmod u\+rw \/h$/],
    [
      'folders of another',
      { folders: { home: '/h', problem: '/h belongs to another user' } },
      'folders',
      'missing',
      false,
      undefined,
    ],
    ['bad settings', { settings: { path: '/s', problems: ['x must be y.'] } }, 'settings', 'note', true, /settings/],
    ['a small terminal', terminal({ columns: 59 }), 'terminal', 'note', true, /60×20/],
    ['TERM=dumb', terminal({ term: 'dumb' }), 'terminal', 'note', true, /TERM/],
    ['a pipe', terminal({ tty: false }), 'terminal', 'note', true, undefined],
    ['NO_COLOR', terminal({ noColor: true }), 'colours', 'note', true, undefined],
    ['no UTF-8', terminal({ utf8: false, locale: 'C' }), 'text', 'note', true, /LANG/],
    [
      'a damaged history on Windows',
      { platform: 'win32', history: { path: 'C:\\a b\\s', state: 'damaged' } },
      'history',
      'missing',
      false,
      /^move "C:\\a b\\s" "C:\\a b\\s\.damaged"$/,
    ],
    ['no koffi on Windows', { platform: 'win32', koffi: { problem: 'absent' } }, 'koffi', 'missing', false, /^unpack/],
    ['tmux over SSH', { tmux: true, ssh: true }, 'session', 'ok', true, undefined],
  ])('of %s', (_, change, id, status, run, fix) => {
    const report = doctorReport({ ...good, ...change });
    const check = report.checks.find(c => c.id === id);
    expect(check?.status).toBe(status);
    expect(report.run).toBe(run);
    expect(doctorExitCode(report)).toBe(run ? 0 : 1);
    if (fix) expect(check?.fix).toMatch(fix);
    else expect(check).not.toHaveProperty('fix');
  });
});

describe('the text', () => {
  const report = doctorReport({
    ...good,
    hold: { ok: false, detail: `no ${'very '.repeat(40)}reason\u001b[2J`, fix: 'do this and that' },
  });

  test.each([60, 80])('keeps to %i columns, except for what is to be copied', columns => {
    for (const line of renderReport(report, { columns }).split('\n')) {
      if (!line.includes('fix: ')) expect(line.length).toBeLessThanOrEqual(columns);
    }
  });

  test('names the command of the platform, and on Windows no store', () => {
    expect(renderReport(doctorReport(good))).toMatch(/sallyport run works here\.\n$/);
    const windows = doctorReport({ ...good, platform: 'win32', store: { path: '/h', state: 'damaged' } });
    expect(renderReport(windows)).toMatch(/sallyport guard works here\.\n$/);
    expect(windows.checks.find(check => check.id === 'store')).toBeUndefined();
  });

  test('carries no control characters, and in ASCII nothing else', () => {
    const text = renderReport(report, { ascii: true });
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
    expect(text).toContain('NO holding connections');
    expect(text).toContain('fix: do this and that');
    expect(text).toContain('sallyport run needs what is marked NO to be fixed first.');
  });
});

describe('a database', () => {
  const make = (name: string): string => {
    const path = join(root, name);
    const database = new DatabaseSync(path);
    database.exec('PRAGMA journal_mode=WAL; CREATE TABLE t (a); CREATE INDEX i ON t (a)');
    database.exec(
      "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 5000) INSERT INTO t SELECT i || 'x' FROM n",
    );
    database.close();
    return path;
  };

  test('that is sound, absent, no database, or damaged is told as such', async () => {
    expect(await checkDatabase(make('sound'))).toMatchObject({ state: 'ok' });
    expect(await checkDatabase(join(root, 'absent'))).toMatchObject({ state: 'absent' });
    const text = join(root, 'text');
    writeFileSync(text, 'this is no database at all, but long enough to be one'.repeat(20));
    expect(await checkDatabase(text)).toMatchObject({ state: 'damaged' });
    const cut = make('cut');
    truncateSync(cut, 3 * 4096);
    expect(await checkDatabase(cut)).toMatchObject({ state: 'damaged' });
  });

  test('that another process holds exclusively is busy, not damaged', async () => {
    const path = make('held');
    const holder = new DatabaseSync(path);
    holder.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO t VALUES (1)');
    expect(await checkDatabase(path)).toMatchObject({ state: 'busy' });
    holder.close();
  });
});

describe('this machine', () => {
  const home = join(root, 'home');
  const sources: FactSources = {
    sallyport: '1.2.3',
    paths: paths({ SALLYPORT_HOME: home }),
    env: { LC_ALL: 'de_DE.utf8', TMUX: 'x', SSH_TTY: '/dev/pts/1', TERM: 'xterm-256color' },
    stdin: { isTTY: true },
    stdout: { isTTY: true, columns: 100, rows: 30, getColorDepth: () => 24 },
    probeHold: async () => ({ ok: true, detail: 'tried' }),
  };

  test('facts are gathered from it', async () => {
    const facts = await gatherFacts(sources);
    expect(facts.koffi).toEqual({ version: expect.stringMatching(/^\d+\.\d+/) });
    expect(facts.terminal).toMatchObject({ tty: true, columns: 100, colourBits: 24, utf8: true });
    expect(facts).toMatchObject({ tmux: true, ssh: true, folders: { home }, store: { state: 'absent' } });
    expect(existsSync(home)).toBe(false); // looked at, not made
    expect(facts.node.version).toBe(execFileSync(process.execPath, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim());
  });

  test('marks of Yama and of containers are read from its files', async () => {
    const fake = join(root, 'root');
    mkdirSync(join(fake, 'proc/sys/kernel/yama'), { recursive: true });
    mkdirSync(join(fake, 'run'));
    writeFileSync(join(fake, 'proc/sys/kernel/yama/ptrace_scope'), '2\n');
    writeFileSync(join(fake, 'run/.containerenv'), '');
    expect(await gatherFacts({ ...sources, root: fake })).toMatchObject({ yamaScope: 2, container: 'Podman' });
    expect(await gatherFacts({ ...sources, root: join(root, 'nothing') })).not.toHaveProperty('yamaScope');
  });

  test('on Windows none of its files is looked for', async () => {
    const facts = await gatherFacts({ ...sources, root: join(root, 'root'), platform: 'win32' });
    expect(facts).toMatchObject({ platform: 'win32' });
    expect(facts).not.toHaveProperty('yamaScope');
    expect(facts).not.toHaveProperty('container');
  });

  test('a probe that fails counts as no, and the JSON says what the text says', async () => {
    const failing = { ...sources, probeHold: () => Promise.reject(new Error('no listener')) };
    const text = await doctor(failing, false);
    const json = await doctor(failing, true);
    expect([text.exitCode, json.exitCode]).toEqual([1, 1]);
    expect(text.output).toContain('the probe failed: no listener');
    const report = JSON.parse(json.output);
    expect(report).toMatchObject({ version: 1, run: false, sallyport: '1.2.3' });
    expect(report.checks.find((check: { id: string }) => check.id === 'hold')).toMatchObject({ status: 'missing' });
  });

  test('a home that cannot be used is no home', async () => {
    const open = join(root, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    const { exitCode, output } = await doctor({ ...sources, paths: paths({ SALLYPORT_HOME: open }) }, false);
    expect(exitCode).toBe(1);
    expect(output.replaceAll(/\s+/g, ' ')).toContain('may be written by others');
  });
});
