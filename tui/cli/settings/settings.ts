import { readFileSync, renameSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { mistrust, privateFolder } from './folders.ts';
import { type Paths, paths } from './paths.ts';
import {
  checkSetting,
  DEFAULTS,
  EXPECTED,
  isSettingName,
  readText,
  SETTING_NAMES,
  type SettingName,
  type Settings,
} from './schema.ts';

export { ensureFolders, lookAtFolders } from './folders.ts';
export { type Paths, paths } from './paths.ts';
export { DEFAULTS, EXPECTED, SETTING_NAMES, type SettingName, type Settings } from './schema.ts';

export interface LoadedSettings {
  readonly settings: Settings;
  /** One sentence for everything that was wrong; what was wrong has its default. */
  readonly problems: readonly string[];
}

const MAX_BYTES = 1 << 20;

/** Reads the settings. Never throws and never writes: a broken file stays as it is, and the defaults hold. */
export function loadSettings(where: Paths = paths()): LoadedSettings {
  const file = readObject(where.settings);
  if (file.state === 'missing') return { settings: DEFAULTS, problems: [] };
  if (file.state === 'broken') return { settings: DEFAULTS, problems: [file.problem] };
  const settings: Record<string, unknown> = { ...DEFAULTS };
  const problems: string[] = [];
  for (const [name, value] of Object.entries(file.value)) {
    if (!isSettingName(name)) {
      problems.push(`settings: there is no setting ${quote(name)} in this version, it is passed over (${where.settings}).`);
      continue;
    }
    const checked = checkSetting(name, value);
    if (checked) settings[name] = checked.value;
    else problems.push(`settings: ${name} must be ${EXPECTED[name]}; ${show(DEFAULTS[name])} holds instead (${where.settings}).`);
  }
  return { settings: settings as unknown as Settings, problems };
}

export type SetResult =
  /** `movedAside`: where the broken file is now that this change replaced it. */
  | { readonly ok: true; readonly settings: Settings; readonly movedAside?: string }
  /** `invalid`: there is no such setting or value; otherwise it could not be written. */
  | { readonly ok: false; readonly message: string; readonly invalid?: true };

/** Changes one setting, as typed. Messages are one sentence each. */
export async function setSetting(name: string, text: string, where: Paths = paths(), now = new Date()): Promise<SetResult> {
  if (!isSettingName(name)) return unknown(name);
  const checked = checkSetting(name, readText(name, text, loadSettings(where).settings));
  if (!checked) return { ok: false, invalid: true, message: `${name} must be ${EXPECTED[name]}, not ${quote(text)}.` };
  return change(where, now, store => store.set(name, checked.value));
}

/** Gives a setting its default again. */
export async function resetSetting(name: string, where: Paths = paths(), now = new Date()): Promise<SetResult> {
  if (!isSettingName(name)) return unknown(name);
  return change(where, now, store => store.delete(name));
}

const unknown = (name: string): SetResult => ({
  ok: false,
  invalid: true,
  message: `there is no setting ${quote(name)}: the settings are ${SETTING_NAMES.join(', ')}.`,
});

interface Store {
  set(name: SettingName, value: unknown): void;
  delete(name: SettingName): void;
}

async function change(where: Paths, now: Date, work: (store: Store) => void): Promise<SetResult> {
  const folder = dirname(where.settings);
  const problem = privateFolder(folder);
  if (problem) return { ok: false, message: problem };
  try {
    let movedAside: string | undefined;
    if (readObject(where.settings).state === 'broken') {
      const stamp = now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
      movedAside = `${where.settings}.broken-${stamp}`;
      renameSync(where.settings, movedAside);
    }
    const { default: Conf } = await import('conf');
    const store = new Conf<Record<string, unknown>>({
      cwd: folder,
      configName: basename(where.settings, '.json'),
      configFileMode: 0o600,
      accessPropertiesByDotNotation: false,
    });
    work(store);
    return { ok: true, settings: loadSettings(where).settings, ...(movedAside && { movedAside }) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    return {
      ok: false,
      message: `the settings could not be written to ${where.settings} (${code}): check the folder and the disk.`,
    };
  }
}

type Read =
  | { readonly state: 'missing' }
  | { readonly state: 'broken'; readonly problem: string }
  | { readonly state: 'read'; readonly value: object };

function readObject(path: string): Read {
  const broken = (why: string): Read => ({
    state: 'broken',
    problem: `the settings file ${path} ${why}: the defaults hold until it is repaired; changing a setting moves it aside.`,
  });
  try {
    const facts = statSync(path, { throwIfNoEntry: false });
    if (!facts) return { state: 'missing' };
    if (!facts.isFile()) return broken('is no regular file');
    if (facts.size > MAX_BYTES) return broken('is longer than 1 MiB');
    const why = mistrust(path);
    if (why) return { state: 'broken', problem: `the settings are not used, because ${why}; the defaults hold.` };
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return broken('holds no JSON object');
    return { state: 'read', value };
  } catch (error) {
    if (error instanceof SyntaxError) return broken('is no valid JSON');
    return broken(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
}

const quote = (text: string) => `"${text.slice(0, 64).replaceAll(/[\x00-\x1f\x7f-\x9f]/g, '?')}"`;

/** A value as a person types it. */
export function show(value: Settings[SettingName]): string {
  if (value === null) return 'never';
  if (typeof value !== 'object') return String(value);
  const bindings = Object.entries(value as Settings['keys']).map(([command, keys]) => `${command}=${[keys].flat().join(',')}`);
  return bindings.join(' ') || 'the built-in keys';
}
