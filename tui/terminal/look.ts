import { type Theme, themes } from '../../themes/index.ts';
import type { ColourLevel, Look } from '../text/paint.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Colours that a terminal is said to have. NO_COLOR that is not empty means none; FORCE_COLOR=0–3 says it outright. */
export function colourLevel(env: Environment, platform: NodeJS.Platform = process.platform): ColourLevel {
  const { NO_COLOR, FORCE_COLOR, COLORTERM = '', TERM = '' } = env;
  if (NO_COLOR) return 0;
  if (FORCE_COLOR !== undefined && /^[0-3]$/.test(FORCE_COLOR)) return Number(FORCE_COLOR) as ColourLevel;
  if (TERM === 'dumb') return 0;
  if (/truecolor|24bit/i.test(COLORTERM) || /kitty|ghostty|alacritty|wezterm|direct/i.test(TERM) || env['WT_SESSION']) return 3;
  if (/256/.test(TERM)) return 2;
  if (platform === 'win32') return 3;
  return /^vt\d/i.test(TERM) || TERM === '' ? 0 : 1;
}

/** True where symbols and borders must be ASCII: a locale without UTF-8, or a terminal that cannot draw them. */
export function needsAscii(env: Environment, platform: NodeJS.Platform = process.platform): boolean {
  const { TERM = '' } = env;
  if (TERM === 'linux' || /^vt\d/i.test(TERM)) return true;
  if (platform === 'win32' || platform === 'darwin') return false;
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return !/utf-?8/i.test(locale);
}

/** The theme of a name; an unknown one is told and the dark one taken. */
export function themeNamed(name: string | undefined): { readonly theme: Theme; readonly problem?: string } {
  const theme = name === undefined ? themes['dark'] : Object.hasOwn(themes, name) ? themes[name] : undefined;
  if (theme) return { theme };
  return {
    theme: themes['dark']!,
    problem: `There is no theme "${name}"; the themes are ${Object.keys(themes).join(', ')}. The dark one is used.`,
  };
}

/** How to draw, from settings and environment. */
export const lookOf = (
  settings: { readonly theme?: string; readonly ascii?: boolean },
  env: Environment,
): Look & { readonly problem?: string } => ({
  ...themeNamed(settings.theme),
  level: colourLevel(env),
  ascii: settings.ascii ?? needsAscii(env),
});
