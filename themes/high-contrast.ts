import type { Theme } from './theme.ts';

export const highContrast: Theme = {
  name: 'high-contrast',
  backgrounds: ['#000000'],
  contrast: 7,
  styles: {
    text: { fg: { rgb: '#ffffff', ansi16: 15 } },
    muted: { fg: { rgb: '#ffffff', ansi16: 15 } },
    title: { fg: { rgb: '#ffffff', ansi16: 15 }, bold: true },
    heading: { fg: { rgb: '#ffffff', ansi16: 15 }, bold: true },
    permit: { fg: { rgb: '#00ff5f', ansi16: 10 }, bold: true },
    block: { fg: { rgb: '#ff9d9d', ansi16: 9 }, bold: true, underline: true },
    waiting: { fg: { rgb: '#ffff00', ansi16: 11 } },
    urgent: { fg: { rgb: '#ffff00', ansi16: 11 }, bold: true },
    warning: { fg: { rgb: '#ffff00', ansi16: 11 } },
    error: { fg: { rgb: '#ff9d9d', ansi16: 9 }, bold: true },
    selected: { bg: { rgb: '#ffff00', ansi16: 11 }, fg: { rgb: '#000000', ansi16: 0 } },
    part: { fg: { rgb: '#00ffff', ansi16: 14 }, underline: true },
    partActive: { bg: { rgb: '#00ffff', ansi16: 14 }, fg: { rgb: '#000000', ansi16: 0 }, bold: true },
    key: { fg: { rgb: '#00ffff', ansi16: 14 }, bold: true },
    border: { fg: { rgb: '#ffffff', ansi16: 15 } },
    tabActive: { fg: { rgb: '#ffffff', ansi16: 15 }, bold: true, inverse: true },
    overlay: { fg: { rgb: '#ffffff', ansi16: 15 } },
  },
};
