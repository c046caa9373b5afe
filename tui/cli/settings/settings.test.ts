import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULTS, loadSettings, type Paths, paths, resetSetting, SETTING_NAMES, setSetting, show } from './settings.ts';

const root = mkdtempSync(join(tmpdir(), 'sallyport-settings-'));
afterAll(() => rmSync(root, { recursive: true }));
let where: Paths;
let count = 0;
beforeEach(() => {
  where = paths({ SALLYPORT_HOME: join(root, String(count++)) });
});
const write = (content: string) => {
  mkdirSync(dirname(where.settings), { recursive: true, mode: 0o700 });
  writeFileSync(where.settings, content, { mode: 0o600 });
};

describe('reading', () => {
  test('without a file the defaults hold, and none is made', () => {
    expect(loadSettings(where)).toEqual({ settings: DEFAULTS, problems: [] });
    expect(existsSync(where.home)).toBe(false);
  });

  test('takes over what is right and says what is not, setting by setting', () => {
    write(JSON.stringify({ theme: 'light', timeout: 0, colour: 'red', keys: { permit: ['p'] } }));
    const { settings, problems } = loadSettings(where);
    expect(settings).toEqual({ ...DEFAULTS, theme: 'light', keys: { permit: ['p'] } });
    expect(problems).toEqual([
      expect.stringMatching(/timeout must be whole seconds from 1 to 86400, or never; 30 holds instead/),
      expect.stringMatching(/there is no setting "colour"/),
    ]);
  });

  test.each([
    ['{"theme": ', 'is no valid JSON'],
    ['', 'is no valid JSON'],
    ['[]', 'holds no JSON object'],
    ['null', 'holds no JSON object'],
    [`"${'x'.repeat(1 << 20)}"`, 'is longer than 1 MiB'],
  ])('a broken file is kept, told, and costs nothing but its settings (%#)', (content, why) => {
    write(content);
    const { settings, problems } = loadSettings(where);
    expect(settings).toEqual(DEFAULTS);
    expect(problems).toEqual([expect.stringContaining(`${where.settings} ${why}`)]);
    expect(readFileSync(where.settings, 'utf8')).toBe(content);
  });

  test('a file that others may write is not trusted: it could turn block into permit', () => {
    write(JSON.stringify({ defaultVerdict: 'permit' }));
    chmodSync(where.settings, 0o620);
    const { settings, problems } = loadSettings(where);
    expect(settings.defaultVerdict).toBe('block');
    expect(problems).toEqual([expect.stringContaining(`chmod go-w ${where.settings}`)]);
  });

  test('a folder in its place is told', () => {
    mkdirSync(where.settings, { recursive: true });
    expect(loadSettings(where).problems).toEqual([expect.stringContaining('is no regular file')]);
  });

  test('any JSON object gives sound settings: the default verdict is never anything else', () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom('permit', 'never', -1, '__proto__'));
    fc.assert(
      fc.property(fc.dictionary(fc.oneof(fc.constantFrom(...SETTING_NAMES), fc.string()), value), object => {
        write(JSON.stringify(object));
        const { settings } = loadSettings(where);
        expect(Object.keys(settings).sort()).toEqual([...SETTING_NAMES].sort());
        expect(['permit', 'block']).toContain(settings.defaultVerdict);
        if (settings.timeout !== null) expect(settings.timeout).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 200 },
    );
  });
});

describe('changing', () => {
  test('is kept in a private file in a private folder', async () => {
    expect(await setSetting('theme', 'high-contrast', where)).toMatchObject({ ok: true, settings: { theme: 'high-contrast' } });
    expect(loadSettings(where)).toEqual({ settings: { ...DEFAULTS, theme: 'high-contrast' }, problems: [] });
    expect(statSync(where.settings).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(where.settings)).mode & 0o777).toBe(0o700);
    expect(await resetSetting('theme', where)).toMatchObject({ ok: true, settings: DEFAULTS });
  });

  test.each([
    ['timeout', 'never', null],
    ['timeout', '90', 90],
    ['defaultVerdict', 'permit', 'permit'],
    ['ascii', 'on', 'on'],
    ['nameLookups', 'ask', 'ask'],
    ['coreNetworking', 'ask', 'ask'],
    ['keys', 'permit=p,P', { permit: ['p', 'P'] }],
    ['keys', 'permit=,', { permit: [','] }],
  ])('%s %s', async (name, text, value) => {
    expect(await setSetting(name, text, where)).toMatchObject({ ok: true, settings: { [name]: value } });
  });

  test('one key binding leaves the others, and an empty one goes back to the built-in keys', async () => {
    await setSetting('keys', 'permit=p', where);
    await setSetting('keys', 'block=x', where);
    await setSetting('keys', 'permit=', where);
    expect(loadSettings(where).settings.keys).toEqual({ block: ['x'] });
    expect(show(loadSettings(where).settings.keys)).toBe('block=x');
  });

  test.each([
    ['theme', 'pink', 'theme must be dark, light, high-contrast, mono, not "pink".'],
    ['timeout', '1.5', 'timeout must be whole seconds'],
    ['timeout', '86401', 'timeout must be whole seconds'],
    ['keys', 'p', 'keys must be COMMAND=KEY'],
    ['defaultVerdict', 'allow\u001b[31m', 'not "allow?[31m".'],
    ['constructor', 'x', 'there is no setting "constructor": the settings are theme,'],
  ])('%s %j is refused in one sentence and changes nothing', async (name, text, message) => {
    expect(await setSetting(name, text, where)).toEqual({ ok: false, invalid: true, message: expect.stringContaining(message) });
    expect(existsSync(where.settings)).toBe(false);
  });

  test('moves a broken file aside, whole', async () => {
    write('{"theme": "light"');
    const now = new Date('2026-11-23T19:38:01Z');
    const movedAside = `${where.settings}.broken-20261123-193801`;
    expect(await setSetting('timeout', '60', where, now)).toMatchObject({
      ok: true,
      movedAside,
      settings: { theme: 'dark', timeout: 60 },
    });
    expect(readFileSync(movedAside, 'utf8')).toBe('{"theme": "light"');
  });

  test('keeps settings that another version wrote', async () => {
    write(JSON.stringify({ later: { a: 1 } }));
    await setSetting('theme', 'mono', where);
    expect(JSON.parse(readFileSync(where.settings, 'utf8'))).toEqual({ later: { a: 1 }, theme: 'mono' });
  });

  test('where a folder cannot be made, says so and leaves nothing behind', async () => {
    writeFileSync(join(root, 'in-the-way'), '');
    const blocked = paths({ SALLYPORT_HOME: join(root, 'in-the-way', 'home') });
    expect(await setSetting('theme', 'light', blocked)).toMatchObject({
      ok: false,
      message: expect.stringContaining('a file is in its way'),
    });
    expect(readdirSync(root)).toContain('in-the-way');
  });
});
