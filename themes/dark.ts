import type { Theme } from './theme.ts';

export const dark: Theme = {
  name: 'dark',
  backgrounds: ['#000000', '#1e1e2e', '#282c34'],
  contrast: 4.5,
  styles: {
    text: {},
    muted: { fg: { rgb: '#9da5b4', ansi16: 7 } },
    title: { bold: true },
    heading: { bold: true },
    permit: { fg: { rgb: '#7fd88f', ansi16: 10 }, bold: true },
    block: { fg: { rgb: '#ff8f8f', ansi16: 9 }, bold: true },
    waiting: { fg: { rgb: '#f0c674', ansi16: 11 } },
    urgent: { fg: { rgb: '#ffb454', ansi16: 11 }, bold: true },
    warning: { fg: { rgb: '#f0c674', ansi16: 11 } },
    error: { fg: { rgb: '#ff8f8f', ansi16: 9 }, bold: true },
    selected: { bg: { rgb: '#3a4256', ansi16: 8 }, fg: { rgb: '#ffffff', ansi16: 15 } },
    part: { fg: { rgb: '#8ec7ff', ansi16: 14 } },
    partActive: { inverse: true, bold: true },
    key: { bold: true },
    border: { fg: { rgb: '#868e9e', ansi16: 8 } },
    tabActive: { bold: true, underline: true },
    overlay: {},
  },
};
