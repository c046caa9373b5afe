import { describe, expect, it } from 'vitest';
import { ansi256, contrastRatio, SLOTS, type Style, themes } from './index.ts';

const xterm16 = [
  '#000000',
  '#cd0000',
  '#00cd00',
  '#cdcd00',
  '#0000ee',
  '#cd00cd',
  '#00cdcd',
  '#e5e5e5',
  '#7f7f7f',
  '#ff0000',
  '#00ff00',
  '#ffff00',
  '#5c5cff',
  '#ff00ff',
  '#00ffff',
  '#ffffff',
];
const colours = (style: Style) => [style.fg, style.bg].filter(colour => colour !== undefined);

describe.each(Object.entries(themes))('theme %s', (name, theme) => {
  it('has its own name and exactly the known slots', () => {
    expect(theme.name).toBe(name);
    expect(Object.keys(theme.styles).sort()).toEqual([...SLOTS].sort());
  });

  it('holds well-formed colours', () => {
    for (const style of Object.values(theme.styles))
      for (const colour of colours(style)) {
        expect(colour.rgb).toMatch(/^#[0-9a-f]{6}$/);
        expect(xterm16[colour.ansi16]).toBeDefined();
        expect(ansi256(colour.rgb)).toBeGreaterThanOrEqual(16);
      }
  });

  it(`keeps a contrast of ${theme.contrast} everywhere`, () => {
    for (const [slot, style] of Object.entries(theme.styles)) {
      if (!style.fg) continue;
      for (const background of style.bg ? [style.bg.rgb] : theme.backgrounds) {
        const floor = slot === 'border' ? Math.min(3, theme.contrast) : theme.contrast;
        expect(contrastRatio(style.fg.rgb, background), `${slot} on ${background}`).toBeGreaterThanOrEqual(floor);
      }
    }
  });

  it('keeps text on the selected row readable', () => {
    const background = theme.styles.selected.bg?.rgb;
    if (!background) return expect(theme.styles.selected.inverse).toBe(true);
    expect(contrastRatio(theme.styles.selected.fg!.rgb, background)).toBeGreaterThanOrEqual(theme.contrast);
  });

  it('tells permit from block in 16 colours, in true colour and without colour', () => {
    const { permit, block } = theme.styles;
    if (name === 'mono') {
      expect({ ...permit }).not.toEqual({ ...block });
      return;
    }
    expect(permit.fg!.ansi16).not.toBe(block.fg!.ansi16);
    expect(permit.fg!.rgb).not.toBe(block.fg!.rgb);
    expect(ansi256(permit.fg!.rgb)).not.toBe(ansi256(block.fg!.rgb));
  });
});

it('mono holds no colour', () => {
  expect(Object.values(themes.mono!.styles).flatMap(colours)).toEqual([]);
});

it('finds the nearest of 256 colours', () => {
  expect(ansi256('#000000')).toBe(16);
  expect(ansi256('#ffffff')).toBe(231);
  expect(ansi256('#ff0000')).toBe(196);
  expect(ansi256('#808080')).toBe(244);
});

it('computes contrast as WCAG does', () => {
  expect(contrastRatio('#000000', '#ffffff')).toBeCloseTo(21);
  expect(contrastRatio('#777777', '#ffffff')).toBeCloseTo(4.48, 1);
});
