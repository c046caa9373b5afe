import type { Theme } from './theme.ts';

/** No colour at all: weight, underline and inverse only. Also what NO_COLOR gives. */
export const mono: Theme = {
  name: 'mono',
  backgrounds: ['#000000', '#ffffff'],
  contrast: 1,
  styles: {
    text: {},
    muted: {},
    title: { bold: true },
    heading: { bold: true },
    permit: { bold: true },
    block: { bold: true, underline: true },
    waiting: {},
    urgent: { bold: true },
    warning: { bold: true },
    error: { bold: true, underline: true },
    selected: { inverse: true },
    part: { underline: true },
    partActive: { inverse: true, bold: true },
    key: { bold: true },
    border: {},
    tabActive: { bold: true, inverse: true },
    overlay: {},
  },
};
