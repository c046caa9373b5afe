import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requirement } from '../support/requirement.ts';
import { buildZip, FreshWindows, filesBelow, hashesBelow, onLinux, root, unpack, withoutNode } from './dist-package.ts';
import { labReady } from './lab.ts';

const LIMIT = 300_000;
/** The commit's time, which is used without it, changes when somebody commits while this runs. */
const AT = { SOURCE_DATE_EPOCH: '1750000000' };
const dump = join(root, '..', 'shared', 'data', 'LibGrabber.wfpfilters.xml');
const ready = labReady() && requirement('real data', existsSync(dump), 'the folder ../shared/data is not part of the project');

const folder = mkdtempSync(join(tmpdir(), 'sallyport-dist-test-'));
let zip: string;
let again: string;
let unpacked: string;
let windows: FreshWindows;

beforeAll(() => {
  if (!ready) return;
  zip = buildZip(join(folder, 'one'), { ...AT, TZ: 'UTC' });
  again = buildZip(join(folder, 'two'), { ...AT, TZ: 'Pacific/Auckland', LC_ALL: 'C' });
  unpacked = unpack(zip, join(folder, 'a plaçe'));
  copyFileSync(dump, join(unpacked, 'dump.xml'));
  windows = new FreshWindows();
}, LIMIT);
afterAll(() => {
  windows?.dispose();
  rmSync(folder, { recursive: true, force: true });
}, LIMIT);

const text = (name: string) => readFileSync(join(unpacked, name), 'utf8');
const onWindows = (...args: string[]) => windows.run('./sallyport.exe', args, unpacked);
const here = (...args: string[]) => onLinux(unpacked, args, join(folder, 'home'));
/** A file that Linux and Windows end their lines in differently would differ; nothing here does. */
const same = (...args: string[]) => {
  const ran = onWindows(...args);
  expect(ran).toEqual(here(...args));
  return ran;
};

describe.runIf(ready)('the zip', () => {
  test(
    'has the same bytes in another time zone and language, and the sum beside it',
    () => {
      expect(hashesBelow(unpack(again, join(folder, 'again')))).toEqual(hashesBelow(unpack(zip, join(folder, 'first'))));
      expect(readFileSync(again).equals(readFileSync(zip))).toBe(true);
      const sum = createHash('sha256').update(readFileSync(zip)).digest('hex');
      expect(readFileSync(join(dirname(zip), 'SHA256SUMS'), 'utf8')).toBe(`${sum}  ${basename(zip)}\n`);
      const later = buildZip(join(folder, 'three'), { SOURCE_DATE_EPOCH: '1000000000' });
      expect(readFileSync(later).equals(readFileSync(zip))).toBe(false);
    },
    LIMIT,
  );

  test('holds what it says and nothing else', () => {
    const files = filesBelow(unpacked).filter(name => name !== 'dump.xml' && name !== 'driver/sallyport-test.cer');
    const koffi = 'app/node_modules/@koromix/koffi-win32-x64';
    expect(files.filter(name => !/^app\/[\w.-]+\.mjs$/.test(name))).toEqual([
      'LICENSE.txt',
      'README.txt',
      'THIRD-PARTY.txt',
      'app/lab-recording.jsonl',
      `${koffi}/index.js`,
      `${koffi}/package.json`,
      `${koffi}/win32_x64/koffi.node`,
      'app/node_modules/koffi/index.js',
      'app/node_modules/koffi/package.json',
      'app/node_modules/koffi/src/koffi/index.js',
      'app/node_modules/koffi/src/koffi/src/static.js',
      'driver/install.cmd',
      'driver/sallyport.inf',
      'driver/sallyport.sys',
      'driver/uninstall.cmd',
      'node/LICENSE.txt',
      'node/node.exe',
      'sallyport.exe',
    ]);
    expect(files.filter(name => name === 'app/cli.mjs')).toHaveLength(1);
    for (const name of files.filter(file => /\.(exe|sys|node)$/.test(file)))
      expect(readFileSync(join(unpacked, name)).toString('latin1', 0, 2), name).toBe('MZ');
  });

  test('tells nothing of the machine that made it, and has no source maps', () => {
    // A home folder as short as "/" would be found in every file.
    const traces = [root, homedir(), tmpdir()].filter(path => path.length > 4);
    expect(traces).toContain(root);
    for (const name of filesBelow(unpacked).filter(file => file !== 'node/node.exe' && file !== 'dump.xml')) {
      const bytes = readFileSync(join(unpacked, name), 'latin1');
      for (const trace of [...traces, 'sourceMappingURL=']) expect(bytes.includes(trace), `${name}: ${trace}`).toBe(false);
    }
  });

  test('has Node as the lab runs it, and the licences of all', () => {
    const lab = readFileSync(join(import.meta.dirname, 'lab.ts'), 'utf8');
    const pinned = readFileSync(join(root, '.config', 'dist-fetch.mjs'), 'utf8');
    const [, version, integrity] = /version: '([\d.]+)',\s+integrity: '(sha512-[^']+)'/.exec(pinned)!;
    expect(lab).toContain(integrity);
    expect(lab).toContain(`version: '${version}'`);
    expect(text('README.txt')).toContain(`Node.js ${version}`);
    expect(text('node/LICENSE.txt')).toContain('Node.js contributors');
    const licences = text('THIRD-PARTY.txt');
    for (const name of ['ink', 'react', 'xstate', 'valibot', 'yaml', 'koffi', 'saxes', 'yoga-layout', 'chalk'])
      expect(licences, name).toMatch(new RegExp(`^${name} [\\d.]+ \\(\\w+`, 'm'));
  });

  test.each(['README.txt', 'driver/install.cmd', 'driver/uninstall.cmd', 'driver/sallyport.inf'])('%s is Windows text', name => {
    expect(text(name).replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(text(name)).not.toMatch(/@[A-Z]+@|[^\x00-\x7f]/);
  });
});

describe.runIf(ready)('sallyport.exe, in a folder with a space and an accent', () => {
  test('tells version and help as on Linux', () => {
    expect(same('--version').stdout).toMatch(/^sallyport \d/);
    expect(same('--help').code).toBe(0);
    expect(same('rules', '--help').code).toBe(0);
  });

  test('reads a dump to the same counts as on Linux', () => {
    const { stdout, code } = same('inspect', 'dump.xml', '--json');
    expect(code).toBe(0);
    expect(JSON.stringify(JSON.parse(stdout))).toMatch(/"filters":[1-9]/);
    same('explain', 'dump.xml', 'chrome.exe -> 1.1.1.1:443/tcp');
    same('health', 'dump.xml');
  });

  test('refuses what is wrong, with the exit code and sentence of Linux', () => {
    expect(same('nonsense').code).toBe(2);
    expect(same('--nonsense').code).toBe(2);
    expect(same('rules', 'remove', 'absent').code).toBeGreaterThan(0);
    expect(onWindows('inspect', 'absent.xml').code).toBe(here('inspect', 'absent.xml').code);
  });

  test('keeps rules in the filtering engine and settings in the folders of the user', () => {
    const note = 'a %PATH% & ^ "b" c:\\d\\';
    expect(onWindows('rules', 'list').code).toBe(0);
    expect(onWindows('rules', 'add', 'block', '--remote', '203.0.113.0/24', '--note', note)).toMatchObject({
      code: 0,
      stderr: '',
    });
    const { rules } = JSON.parse(onWindows('rules', 'list', '--json').stdout) as { rules: unknown[] };
    expect(rules).toEqual([expect.objectContaining({ verdict: 'block', remote: '203.0.113.0/24', note })]);
    expect(onWindows('settings', 'theme', 'light')).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(onWindows('settings', '--json').stdout)).toMatchObject({ theme: 'light' });
    expect(existsSync(join(windows.appData('Roaming'), 'settings.json'))).toBe(true);
    expect(existsSync(join(windows.appData('Local'), 'cache'))).toBe(true);
  });

  test('plays the recording of the lab, which needs no driver', () => {
    const { code, stderr } = onWindows('recorded', 'app\\lab-recording.jsonl', '--speed', '1000', '--line');
    expect(code).toBe(0);
    expect(stderr).toContain('nothing is enforced');
    expect(stderr).toMatch(/^\d\d:\d\d:\d\d block /m);
  });

  test('doctor finds its Node and koffi, and looks for nothing of Linux', () => {
    const { stdout, stderr } = onWindows('doctor', '--json');
    expect(stderr).toBe('');
    const { checks } = JSON.parse(stdout) as { checks: { id: string; status: string; detail: string }[] };
    const found = (id: string) => checks.find(check => check.id === id);
    for (const id of ['node', 'koffi', 'folders', 'settings']) expect(found(id), id).toMatchObject({ status: 'ok' });
    expect(found('node')?.detail).toContain('node\\node.exe');
    expect(found('yama')).toBeUndefined();
    expect(found('container')).toBeUndefined();
  });

  test('says what to do when its Node is missing', () => {
    const part = withoutNode(unpacked, join(folder, 'part'));
    const { code, stdout, stderr } = windows.run('./sallyport.exe', ['--version'], part);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('unpack the whole zip');
  });
});
