import type { Line } from '../text/paint.ts';

/** A line to draw; `slot` marks the whole row (the selected one). */
export interface DrawnLine {
  readonly line: Line;
  readonly selected?: boolean;
}

export const plainLines = (lines: readonly Line[]): readonly DrawnLine[] => lines.map(line => ({ line }));

export const rule = (width: number): Line => [['─'.repeat(width), 'border']];

/** Smallest screen that is drawn; below it one line says so. */
export const SMALLEST = { columns: 40, rows: 10 };

/** True where details fold to two lines and the footer keeps four keys. */
export const isSmall = (columns: number, rows: number): boolean => columns < 72 || rows < 23;

/** Cuts or fills to exactly `height` lines. */
export function toHeight(lines: readonly DrawnLine[], height: number): readonly DrawnLine[] {
  if (lines.length >= height) return lines.slice(0, Math.max(0, height));
  return [...lines, ...Array.from({ length: height - lines.length }, () => ({ line: [] as Line }))];
}
