import { dark } from './dark.ts';
import { highContrast } from './high-contrast.ts';
import { light } from './light.ts';
import { mono } from './mono.ts';
import type { Theme } from './theme.ts';

/** Every theme by its name in the settings. */
export const themes: Readonly<Record<string, Theme>> = { dark, light, 'high-contrast': highContrast, mono };

export { ansi256, type Colour, contrastRatio, rgbOf, SLOTS, type Slot, type Style, type Theme } from './theme.ts';
export { mono };
