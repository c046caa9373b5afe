import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ensureFolders, lookAtFolder, lookAtFolders, mistrust, ownUid, privateFolder } from './folders.ts';
import { paths } from './paths.ts';

const root = mkdtempSync(join(tmpdir(), 'sallyport-paths-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('places', () => {
  test('SALLYPORT_HOME holds everything', () => {
    expect(paths({ SALLYPORT_HOME: '/srv/port' }, 'linux', '/home/a')).toEqual({
      settings: '/srv/port/settings.json',
      store: '/srv/port/store.sqlite',
      history: '/srv/port/history.sqlite',
      cache: '/srv/port/cache',
      home: '/srv/port',
    });
  });

  test('the XDG folders, also when named', () => {
    expect(paths({}, 'linux', '/home/a')).toMatchObject({
      settings: '/home/a/.config/sallyport/settings.json',
      store: '/home/a/.local/share/sallyport/store.sqlite',
      cache: '/home/a/.cache/sallyport',
    });
    const named = paths({ XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: 'relative', XDG_CACHE_HOME: '' }, 'linux', '/home/a');
    expect(named).toMatchObject({ settings: '/c/sallyport/settings.json', home: '/home/a/.local/share/sallyport' });
  });

  test('macOS and Windows have their own', () => {
    expect(paths({}, 'darwin', '/Users/a').home).toBe('/Users/a/Library/Application Support/sallyport');
    const windows = paths({ APPDATA: '/r', LOCALAPPDATA: '/l' }, 'win32', '/u');
    expect(windows).toMatchObject({ settings: '/r/sallyport/settings.json', home: '/l/sallyport', cache: '/l/sallyport/cache' });
  });
});

describe('folders', () => {
  test('are made for their owner alone, parents too', () => {
    const home = join(root, 'a', 'b');
    expect(lookAtFolders(paths({ SALLYPORT_HOME: home }))).toBeUndefined();
    expect(existsSync(join(root, 'a'))).toBe(false);
    expect(ensureFolders(paths({ SALLYPORT_HOME: home }))).toBeUndefined();
    for (const folder of [join(root, 'a'), home, join(home, 'cache')]) expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  test('that are there keep their mode; one that others may write is refused', () => {
    const open = join(root, 'open');
    mkdirSync(open);
    chmodSync(open, 0o755);
    expect(privateFolder(open)).toBeUndefined();
    chmodSync(open, 0o777);
    expect(privateFolder(open)).toContain(`chmod go-w ${open}`);
    expect(statSync(open).mode & 0o777).toBe(0o777);
  });

  test('of another user are refused, and so are their files', () => {
    const other = (ownUid() ?? 0) + 1;
    expect(privateFolder(root, other)).toContain('belongs to another user');
    const file = join(root, 'file');
    writeFileSync(file, '', { mode: 0o600 });
    expect(mistrust(file, ownUid())).toBeUndefined();
    // Root's files are trusted by everybody, so the question needs a user that is not root.
    if (ownUid() !== 0) expect(mistrust(file, other)).toContain('belongs to another user');
    expect(mistrust(join(root, 'absent'), other)).toBeUndefined();
  });

  test('a file in the way is said', () => {
    const file = join(root, 'plain');
    writeFileSync(file, '');
    expect(privateFolder(file)).toMatch(/a file is in its way.*SALLYPORT_HOME/);
    expect(privateFolder(join(file, 'x'))).toMatch(/a file is in its way/);
    expect(lookAtFolder(file)).toBe(privateFolder(file));
    expect(lookAtFolder(join(file, 'x'))).toMatch(/a file is in its way/);
  });
});
