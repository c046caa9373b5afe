import * as v from 'valibot';
import type { Verdict } from '../../../engine/model/attempt.ts';
import { themes } from '../../../themes/index.ts';

/** What a person may set. */
export interface Settings {
  readonly theme: string;
  /** What answers when nobody does. */
  readonly defaultVerdict: Verdict;
  /** Seconds until the default answers; null: never. */
  readonly timeout: number | null;
  /** Keys by command name, in place of the built-in ones; their meaning is checked by the keymap. */
  readonly keys: { readonly [command: string]: string | readonly string[] };
  /** Borders and marks in ASCII; `auto`: when the locale is not UTF-8. */
  readonly ascii: 'auto' | 'on' | 'off';
  /** Whether questions to the configured name servers are permitted without asking. */
  readonly nameLookups: 'permit' | 'ask';
  /** On Windows: whether the machine gets its addresses and finds its neighbours without asking. */
  readonly coreNetworking: 'permit' | 'ask';
}

export type SettingName = keyof Settings;

export const DEFAULTS: Settings = {
  theme: 'dark',
  defaultVerdict: 'block',
  timeout: 30,
  keys: {},
  ascii: 'auto',
  nameLookups: 'permit',
  coreNetworking: 'permit',
};

export const SETTING_NAMES = Object.keys(DEFAULTS) as readonly SettingName[];

const MAX_TIMEOUT = 86_400;
const key = v.pipe(v.string(), v.minLength(1), v.maxLength(16));

/** One schema a setting, so that one bad value does not cost the others. */
const schemas: { readonly [N in SettingName]: v.GenericSchema<unknown, Settings[N]> } = {
  theme: v.picklist(Object.keys(themes)),
  defaultVerdict: v.picklist(['permit', 'block']),
  timeout: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_TIMEOUT))),
  keys: v.record(v.pipe(v.string(), v.maxLength(64)), v.union([key, v.pipe(v.array(key), v.maxLength(8))])),
  ascii: v.picklist(['auto', 'on', 'off']),
  nameLookups: v.picklist(['permit', 'ask']),
  coreNetworking: v.picklist(['permit', 'ask']),
};

/** What a value must be, in words. */
export const EXPECTED: { readonly [N in SettingName]: string } = {
  theme: Object.keys(themes).join(', '),
  defaultVerdict: 'block or permit',
  timeout: `whole seconds from 1 to ${MAX_TIMEOUT}, or never`,
  keys: 'COMMAND=KEY[,KEY…], or COMMAND= for the built-in keys',
  ascii: 'auto, on or off',
  nameLookups: 'permit or ask',
  coreNetworking: 'permit or ask',
};

export const isSettingName = (name: string): name is SettingName => Object.hasOwn(DEFAULTS, name);

/** The value as a setting, or undefined when it is none. */
export function checkSetting<N extends SettingName>(name: N, value: unknown): { readonly value: Settings[N] } | undefined {
  const result = v.safeParse(schemas[name], value);
  return result.success ? { value: result.output as Settings[N] } : undefined;
}

/**
 * Reads a value as a person types it.
 * @param current the settings as they are: a key binding changes one command of them
 */
export function readText(name: SettingName, text: string, current: Settings): unknown {
  if (name === 'timeout') return text === 'never' ? null : /^\d+$/.test(text) ? Number(text) : text;
  if (name !== 'keys') return text;
  const parts = /^([a-z][a-z0-9-]*)=(.*)$/s.exec(text);
  if (!parts) return text;
  const [, command = '', list = ''] = parts;
  const { [command]: _, ...others } = current.keys;
  if (list === '') return others;
  // A comma alone is the comma key.
  return { ...others, [command]: list === ',' ? [','] : list.split(',').map(k => k.trim()) };
}
