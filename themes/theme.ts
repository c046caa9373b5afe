/** What a piece of the screen means; a theme says how each meaning looks. */
export const SLOTS = [
  'text',
  'muted',
  'title',
  'heading',
  'permit',
  'block',
  'waiting',
  'urgent',
  'warning',
  'error',
  'selected',
  'part',
  'partActive',
  'key',
  'border',
  'tabActive',
  'overlay',
] as const;
export type Slot = (typeof SLOTS)[number];

/** One colour at every depth: true colour (256 colours are derived from it) and the number of the nearest of the 16, 0–15. */
export interface Colour {
  readonly rgb: `#${string}`;
  readonly ansi16: number;
}

export interface Style {
  readonly fg?: Colour;
  readonly bg?: Colour;
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly inverse?: boolean;
  readonly underline?: boolean;
}

export interface Theme {
  readonly name: string;
  /** Backgrounds it is made for; the terminal's own background is left as it is. */
  readonly backgrounds: readonly `#${string}`[];
  /** Least contrast ratio (WCAG 2) of any text on those backgrounds. */
  readonly contrast: number;
  readonly styles: Readonly<Record<Slot, Style>>;
}

const channel = (value: number) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);

/** `#rrggbb` as three numbers 0–255. */
export function rgbOf(colour: string): readonly [number, number, number] {
  const n = Number.parseInt(colour.slice(1), 16);
  return [(n >> 16) & 255, (n >> 8) & 255, n & 255];
}

/** Relative luminance, 0–1. Source: https://www.w3.org/TR/WCAG21/#dfn-relative-luminance */
export function luminance(colour: string): number {
  const [r, g, b] = rgbOf(colour);
  return 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
}

/** Contrast ratio of two colours, 1–21. Source: https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio */
export function contrastRatio(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

const steps = [0, 95, 135, 175, 215, 255];
const nearestStep = (value: number) =>
  steps.reduce((best, step, i) => (Math.abs(step - value) < Math.abs(steps[best]! - value) ? i : best), 0);

/** The nearest of xterm's 256 colours: the 6×6×6 cube or the grey ramp. */
export function ansi256(colour: string): number {
  const [r, g, b] = rgbOf(colour);
  const cube = [nearestStep(r), nearestStep(g), nearestStep(b)] as const;
  const far = (x: number, y: number, z: number) => (x - r) ** 2 + (y - g) ** 2 + (z - b) ** 2;
  const grey = Math.max(0, Math.min(23, Math.round(((r + g + b) / 3 - 8) / 10)));
  const level = 8 + grey * 10;
  return far(level, level, level) < far(steps[cube[0]]!, steps[cube[1]]!, steps[cube[2]]!)
    ? 232 + grey
    : 16 + 36 * cube[0] + 6 * cube[1] + cube[2];
}
