import type { Theme } from './theme.ts';

export const light: Theme = {
  name: 'light',
  backgrounds: ['#ffffff', '#fdf6e3', '#eff1f5'],
  contrast: 4.5,
  styles: {
    text: {},
    muted: { fg: { rgb: '#5a6068', ansi16: 8 } },
    title: { bold: true },
    heading: { bold: true },
    permit: { fg: { rgb: '#116329', ansi16: 2 }, bold: true },
    block: { fg: { rgb: '#a40e26', ansi16: 1 }, bold: true },
    waiting: { fg: { rgb: '#7a4a00', ansi16: 5 } },
    urgent: { fg: { rgb: '#8a3b00', ansi16: 5 }, bold: true },
    warning: { fg: { rgb: '#7a4a00', ansi16: 5 } },
    error: { fg: { rgb: '#a40e26', ansi16: 1 }, bold: true },
    selected: { bg: { rgb: '#cfe3ff', ansi16: 7 }, fg: { rgb: '#000000', ansi16: 0 } },
    part: { fg: { rgb: '#0550ae', ansi16: 4 } },
    partActive: { inverse: true, bold: true },
    key: { bold: true },
    border: { fg: { rgb: '#656d76', ansi16: 8 } },
    tabActive: { bold: true, underline: true },
    overlay: {},
  },
};
