import stringWidth from 'string-width';

/**
 * Text from outside (program paths, names, command lines, output) may hold anything: control characters, escape sequences, bidi
 * overrides, marks that pile up. What cannot be drawn in a known number of cells is drawn as one replacement character, so a stranger
 * can neither move the cursor nor make one thing read as another. Every string passes through here on its way to the screen.
 */

/** Printable ASCII and the symbols this program draws itself: nothing to do, and one cell each. */
const plain =
  /^[ -~\u00A1-\u00AC\u00AE-\u02FF\u2010-\u2027\u2030-\u205E\u2190-\u21FF\u2200-\u22FF\u2500-\u25FC\u2713\u2717\u2715\uFFFD]*$/;
/** Tabs become one blank; other controls, format characters (bidi, joiners), unassigned, private use and lone surrogates are replaced. */
const undrawable = /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u;
/** Terminals do not agree on the width of these: emoji, spacing marks, conjoining jamo, half-width sound marks, variation selectors. */
const unsettled =
  /[\p{Extended_Pictographic}\p{Emoji_Presentation}\p{Regional_Indicator}\p{Emoji_Modifier}\p{Mc}\p{Me}]|[\u115F-\u11FF]|[\uD7B0-\uD7FF]|\uFF9E|\uFF9F|\uFFA0|[\uFE00-\uFE0F]|[\u{E0100}-\u{E01EF}]|\u0E33|\u0EB3|\u06DE|[\u2630-\u2637]|[\u268A-\u268F]|\u3164|[\u3248-\u324F]|[\uA960-\uA97C]|[\u{16FE0}-\u{1D3FF}]|[\u{1D800}-\u{1FFFF}]/u;
const mark = /\p{Mn}/u;
/** A letter may carry this many marks; more would climb over the neighbouring lines. */
const MARKS = 2;

export const REPLACEMENT = '\uFFFD';

/** Makes text safe to draw on one line: the same text when it is already. */
export function clean(text: string): string {
  if (plain.test(text)) return text;
  let out = '';
  let marks = MARKS;
  for (const char of text.normalize('NFC')) {
    if (char === '\t') out += ' ';
    else if (mark.test(char) && !unsettled.test(char)) {
      if (marks++ < MARKS && cells(char) === 0) out += char;
      continue;
    } else if (undrawable.test(char) || unsettled.test(char)) out += REPLACEMENT;
    else out += char;
    marks = 0;
  }
  return out;
}

/** Cells that cleaned text takes. */
export function cells(text: string): number {
  return plain.test(text) ? text.length : stringWidth(text);
}

/** One-cell stand-ins for the symbols this program draws, for terminals without UTF-8. */
const ascii: Readonly<Record<string, string>> = {
  '─': '-',
  '│': '|',
  '┌': '+',
  '┐': '+',
  '└': '+',
  '┘': '+',
  '├': '+',
  '┤': '+',
  '▾': 'v',
  '▸': '>',
  '▌': '>',
  '■': '#',
  '●': '*',
  '○': 'o',
  '▶': '>',
  '‹': '<',
  '›': '>',
  '←': '<',
  '→': '>',
  '↑': '^',
  '↓': 'v',
  '·': '.',
  '…': '~',
  '✕': 'x',
  '✓': '+',
  '–': '-',
  '—': '-',
  '’': "'",
};

/** Cleaned text in ASCII, cell for cell. */
export function toAscii(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  let out = '';
  for (const char of text) out += char >= ' ' && char <= '~' ? char : (ascii[char] ?? '?'.repeat(cells(char)));
  return out;
}

/** Cuts cleaned text to at most `width` cells; what was cut is marked by `…`. */
export function cut(text: string, width: number): string {
  if (width <= 0) return '';
  if (cells(text) <= width) return text;
  if (plain.test(text)) return `${text.slice(0, width - 1)}…`;
  let out = '';
  let used = 0;
  for (const char of text) {
    const size = cells(char);
    if (used + size > width - 1) break;
    out += char;
    used += size;
  }
  return `${out}…`;
}

/** Cuts in the middle, so that the end of a path stays readable. */
export function cutMiddle(text: string, width: number): string {
  if (cells(text) <= width || width < 5) return cut(text, width);
  const chars = [...text];
  const tail: string[] = [];
  let used = 0;
  const room = Math.ceil((width - 1) * 0.6);
  for (let i = chars.length - 1; i >= 0; i--) {
    const size = cells(chars[i]!);
    if (used + size > room) break;
    tail.unshift(chars[i]!);
    used += size;
  }
  return `${cut(text, width - used)}${tail.join('')}`;
}

/** Cuts or pads to exactly `width` cells. */
export function fitTo(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const short = cut(text, width);
  const pad = ' '.repeat(Math.max(0, width - cells(short)));
  return align === 'right' ? pad + short : short + pad;
}
