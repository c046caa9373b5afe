import xterm from '@xterm/headless';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { themes } from '../../themes/index.ts';
import { cells, clean, cut, cutMiddle, fitTo, toAscii } from './clean.ts';
import { lineCells, Painter, spread, wrapLine } from './paint.ts';

/** Anything a stranger may put into a name: controls, escapes, bidi, marks, wide and unassigned characters. */
const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '\x1b[2J',
      '\x1b]0;x\x07',
      '\r',
      '\n',
      '\t',
      '\b',
      '\u202e',
      '\u2066',
      '\u200d',
      '\ufe0f',
      '\u0301',
      '\u20e3',
      '\ud800',
    ),
    fc.constantFrom('a', ' ', '漢', '한', 'é', '👩', '🏽', '🇩', '\u1160', 'ก', 'ำ', 'ﾞ', '\u0903'),
    fc.string({ unit: 'binary', maxLength: 1 }),
  ),
  maxLength: 40,
});

describe('clean', () => {
  it('leaves what is harmless as it is', () => {
    for (const text of ['/usr/bin/curl', 'naïve', '漢字.txt', '─▌‹›←→✓✕']) expect(clean(text)).toBe(text);
  });

  it.each([
    ['an escape sequence', 'a\x1b[31mb', 'a\uFFFD[31mb'],
    ['a bidi override', 'exe\u202Etxt.sh', 'exe\uFFFDtxt.sh'],
    ['a line break', 'a\nb', 'a\uFFFDb'],
    ['a tab', 'a\tb', 'a b'],
    ['marks that pile up', `x${'\u0322'.repeat(9)}`, 'x\u0322\u0322'],
    ['an emoji', 'a😀b', 'a\uFFFDb'],
    ['a lone surrogate', 'a\ud800b', 'a\uFFFDb'],
  ])('makes %s harmless', (_, text, expected) => {
    expect(clean(text)).toBe(expected);
  });

  it('changes nothing when it is done twice, and leaves no control or format character', () => {
    fc.assert(
      fc.property(hostile, text => {
        const once = clean(text);
        expect(clean(once)).toBe(once);
        expect(once).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with a terminal on the width of every character of Unicode', async () => {
    const term = new xterm.Terminal({ cols: 20, rows: 2, allowProposedApi: true });
    const wrong: string[] = [];
    const step = 4096;
    for (let from = 0x20; from < 0x30000; from += step) {
      const checks: Promise<void>[] = [];
      for (let code = from; code < from + step; code++) {
        if (code >= 0xd800 && code < 0xe000) continue;
        const text = clean(String.fromCodePoint(code));
        if (text === '\uFFFD' || text === '') continue;
        checks.push(
          new Promise(resolve =>
            term.write(`\r\x1b[2K|${text}`, () => {
              if (term.buffer.active.cursorX - 1 !== cells(text))
                wrong.push(`U+${code.toString(16)} ${term.buffer.active.cursorX - 1}≠${cells(text)}`);
              resolve();
            }),
          ),
        );
      }
      await Promise.all(checks);
    }
    term.dispose();
    expect(wrong.length, `${wrong.length}: ${wrong.slice(0, 60).join(', ')}`).toBe(0);
  });
});

describe('fitting', () => {
  it('never exceeds its width, and fills it when asked to', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 0, max: 30 }), (raw, width) => {
        const text = clean(raw);
        expect(cells(cut(text, width))).toBeLessThanOrEqual(width);
        expect(cells(cutMiddle(text, width))).toBeLessThanOrEqual(Math.max(width, 0));
        expect(cells(fitTo(text, width))).toBe(width);
        expect(cells(fitTo(text, width, 'right'))).toBe(width);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps the end of a path', () => {
    expect(cutMiddle('/opt/very/long/folder/program', 16)).toMatch(/^\/opt.*…?.*program$/);
  });

  it('puts ASCII in the place of every symbol, cell for cell', () => {
    fc.assert(
      fc.property(hostile, raw => {
        const text = clean(raw);
        expect(toAscii(text)).toMatch(/^[ -~]*$/);
        expect(toAscii(text).length).toBe(cells(text));
      }),
    );
    expect(toAscii('▌‹curl› → ✓ permit…')).toBe('><curl> > + permit~');
  });
});

describe('painting', () => {
  const sgr = /\x1b\[[0-9;]*m/g;
  it.each([0, 1, 2, 3] as const)('lets no stranger write an escape sequence, at colour level %i', level => {
    const painter = new Painter({ theme: themes['dark']!, level, ascii: false });
    fc.assert(
      fc.property(hostile, hostile, fc.integer({ min: 1, max: 40 }), fc.boolean(), (a, b, width, selected) => {
        const out = painter.paint(
          [
            [a, 'permit'],
            [b, 'muted'],
          ],
          width,
          selected ? 'selected' : undefined,
        );
        const bare = out.replace(sgr, '');
        expect(bare).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        expect(cells(bare)).toBeLessThanOrEqual(width);
        if (selected) expect(cells(bare)).toBe(width);
      }),
    );
  });

  it('writes no colour at level 0, and each colour at its depth', () => {
    const colour = (level: 0 | 1 | 2 | 3) =>
      new Painter({ theme: themes['dark']!, level, ascii: false }).paint([['x', 'permit']], 5);
    expect(colour(0)).not.toMatch(/38|3[0-7]m/);
    expect(colour(1)).toContain('92');
    expect(colour(2)).toContain('38;5;');
    expect(colour(3)).toContain('38;2;127;216;143');
  });

  it('keeps the right side and cuts the left', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 12, max: 60 }), (text, width) => {
        const line = spread([[text]], [['  0:04 ']], width);
        expect(lineCells(line)).toBe(width);
        expect(line.at(-1)![0]).toBe('  0:04 ');
      }),
    );
  });

  it('continues long lines without losing a word', () => {
    const words = 'one two three four five six seven eight nine ten';
    const lines = wrapLine([[words]], 20, 2);
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) expect(lineCells(line)).toBeLessThanOrEqual(20);
    expect(
      lines
        .map(line => line.map(([text]) => text).join(''))
        .join(' ')
        .replace(/ +/g, ' '),
    ).toBe(words);
  });
});
