import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** Where Sallyport keeps what it keeps. All absolute. */
export interface Paths {
  /** settings.json. */
  readonly settings: string;
  /** SQLite file of persistent objects. */
  readonly store: string;
  /** SQLite file of what was asked and decided. */
  readonly history: string;
  /** Folder for what can be made again. */
  readonly cache: string;
  /** Folder of store and history; with SALLYPORT_HOME, of everything. */
  readonly home: string;
}

/**
 * SALLYPORT_HOME when set; else the platform's usual places: the XDG base directories, on Windows APPDATA and LOCALAPPDATA,
 * on macOS below ~/Library. Source: https://specifications.freedesktop.org/basedir-spec (a relative XDG path is ignored).
 */
export function paths(env: NodeJS.ProcessEnv = process.env, platform = process.platform, user = homedir()): Paths {
  const own = env['SALLYPORT_HOME'];
  if (own) {
    const home = resolve(own);
    return layout(home, home, join(home, 'cache'));
  }
  const from = (name: string, ...fallback: string[]) => {
    const value = env[name];
    return value && isAbsolute(value) ? value : join(user, ...fallback);
  };
  if (platform === 'win32') {
    const local = join(from('LOCALAPPDATA', 'AppData', 'Local'), 'sallyport');
    return layout(join(from('APPDATA', 'AppData', 'Roaming'), 'sallyport'), local, join(local, 'cache'));
  }
  if (platform === 'darwin') {
    const home = join(user, 'Library', 'Application Support', 'sallyport');
    return layout(home, home, join(user, 'Library', 'Caches', 'sallyport'));
  }
  return layout(
    join(from('XDG_CONFIG_HOME', '.config'), 'sallyport'),
    join(from('XDG_DATA_HOME', '.local', 'share'), 'sallyport'),
    join(from('XDG_CACHE_HOME', '.cache'), 'sallyport'),
  );
}

const layout = (config: string, home: string, cache: string): Paths => ({
  settings: join(config, 'settings.json'),
  store: join(home, 'store.sqlite'),
  history: join(home, 'history.sqlite'),
  cache,
  home,
});
