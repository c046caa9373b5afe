import { plain } from '../../../engine/rules/describe.ts';

/** Text of strangers made safe for one line of a terminal. */
export const safe = plain;

/** Columns that a character takes: East Asian wide characters and emoji take two, combining marks none. */
function charWidth(code: number): number {
  if ((code >= 0x300 && code <= 0x36f) || code === 0x200b || (code >= 0xfe00 && code <= 0xfe0f)) return 0;
  const wide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd);
  return wide ? 2 : 1;
}

export function width(text: string): number {
  let columns = 0;
  for (const char of text) columns += charWidth(char.codePointAt(0) ?? 0);
  return columns;
}

/** Cuts a text to a number of columns; a cut is marked. */
export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let result = '';
  let used = 1;
  for (const char of text) {
    used += charWidth(char.codePointAt(0) ?? 0);
    if (used > columns) break;
    result += char;
  }
  return `${result}…`;
}

const pad = (text: string, columns: number): string => text + ' '.repeat(Math.max(0, columns - width(text)));

/** Rows under a header in aligned columns; on a terminal the last column is cut to what is left of `columns`. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], columns?: number): string {
  const all = [header, ...rows.map(row => row.map(safe))];
  const widths = header.map((_, at) => all.reduce((most, row) => Math.max(most, width(row[at] ?? '')), 0));
  const last = header.length - 1;
  const before = widths.slice(0, last).reduce((sum, each) => sum + each + 2, 0);
  const room = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(20, columns - before);
  return all
    .map(row => `${row.map((cell, at) => (at === last ? cut(cell, room) : pad(cell, widths[at] ?? 0))).join('  ')}`.trimEnd())
    .join('\n')
    .concat('\n');
}

/** `1 filter`, `2 filters`. */
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
