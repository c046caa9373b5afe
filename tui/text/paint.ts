import { ansi256, mono, rgbOf, type Slot, type Style, type Theme } from '../../themes/index.ts';
import { cells, clean, cut, toAscii } from './clean.ts';

/** A piece of a line and what it means. */
export type Span = readonly [text: string, slot?: Slot];
export type Line = readonly Span[];

/** 0 none, 1 the 16 colours, 2 256 colours, 3 true colour. */
export type ColourLevel = 0 | 1 | 2 | 3;

export interface Look {
  readonly theme: Theme;
  readonly level: ColourLevel;
  readonly ascii: boolean;
}

function colourCode(rgb: string, ansi16: number, level: ColourLevel, background: boolean): string {
  if (level === 3) return `${background ? 48 : 38};2;${rgbOf(rgb).join(';')}`;
  if (level === 2) return `${background ? 48 : 38};5;${ansi256(rgb)}`;
  const base = (ansi16 < 8 ? 30 : 82) + (background ? 10 : 0);
  return String(base + ansi16);
}

function open(style: Style, level: ColourLevel): readonly [string, string] {
  const on: string[] = [];
  const off: string[] = [];
  if (style.bold) on.push('1');
  if (style.dim) on.push('2');
  if (style.bold || style.dim) off.push('22');
  if (style.underline) on.push('4') && off.push('24');
  if (style.inverse) on.push('7') && off.push('27');
  if (style.fg && level > 0) on.push(colourCode(style.fg.rgb, style.fg.ansi16, level, false)) && off.push('39');
  if (style.bg && level > 0) on.push(colourCode(style.bg.rgb, style.bg.ansi16, level, true)) && off.push('49');
  return on.length ? [`\x1b[${on.join(';')}m`, `\x1b[${off.join(';')}m`] : ['', ''];
}

/** Turns lines of meanings into what the terminal gets. The only place where escape sequences are made. */
export class Painter {
  readonly look: Look;
  readonly #codes = new Map<string, readonly [string, string]>();
  readonly #theme: Theme;

  constructor(look: Look) {
    this.look = look;
    this.#theme = look.level === 0 ? mono : look.theme;
  }

  #code(slot: Slot, base: Slot | undefined): readonly [string, string] {
    const key = `${slot} ${base ?? ''}`;
    let code = this.#codes.get(key);
    if (!code) {
      // On the selected row its background and foreground win, so that contrast holds whatever the piece means.
      const style = base ? { ...this.#theme.styles[slot], ...this.#theme.styles[base] } : this.#theme.styles[slot];
      code = open(style, this.look.level);
      this.#codes.set(key, code);
    }
    return code;
  }

  /** At most `width` cells; with a base slot exactly `width`, so the row is marked to its end. */
  paint(line: Line, width: number, base?: Slot): string {
    let out = '';
    let left = width;
    for (const [raw, slot] of line) {
      if (left <= 0) break;
      const text = cut(clean(raw), left);
      left -= cells(text);
      const [on, off] = this.#code(slot ?? 'text', base);
      out += text === '' ? '' : on + (this.look.ascii ? toAscii(text) : text) + off;
    }
    if (base && left > 0) {
      const [on, off] = this.#code('text', base);
      out += `${on}${' '.repeat(left)}${off}`;
    }
    return out;
  }
}

/** Cells of a line. */
export const lineCells = (line: Line): number => line.reduce((sum, [text]) => sum + cells(clean(text)), 0);

/** `left` at the left edge, `right` at the right edge; the left side gives way. Things that change fast belong on the right. */
export function spread(left: Line, right: Line, width: number): Line {
  const end = lineCells(right);
  const room = Math.max(0, width - end - 1);
  const kept: Span[] = [];
  let used = 0;
  for (const [raw, slot] of left) {
    const text = cut(clean(raw), room - used);
    if (text === '') break;
    used += cells(text);
    kept.push([text, slot]);
  }
  return [...kept, [' '.repeat(Math.max(0, width - used - end))], ...right];
}

/** Continues what does not fit on the next lines, under an indent, cutting at blanks where there are some. */
export function wrapLine(line: Line, width: number, indent = 6): readonly Line[] {
  if (lineCells(line) <= width) return [line];
  const lines: Span[][] = [[]];
  let used = 0;
  const next = () => {
    lines.push([[' '.repeat(indent)]]);
    used = indent;
  };
  for (const [raw, slot] of line) {
    for (const word of clean(raw).match(/ *[^ ]+| +/g) ?? []) {
      let rest = word;
      if (used > indent && used + cells(rest) > width) {
        next();
        rest = rest.trimStart();
      }
      while (cells(rest) > width - used && width - used > 1) {
        let piece = '';
        for (const char of rest) {
          if (cells(piece) + cells(char) > width - used) break;
          piece += char;
        }
        if (piece === '') break;
        lines.at(-1)!.push([piece, slot]);
        rest = rest.slice(piece.length);
        next();
      }
      lines.at(-1)!.push([rest, slot]);
      used += cells(rest);
    }
  }
  return lines;
}
