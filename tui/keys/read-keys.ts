import type { Key } from 'ink';

/** One key press by name: a character as it is (`a`, `A`, `?`), or `enter`, `tab`, `shift-tab`, `up`, `ctrl-d`, `space`… */
export interface KeyPress {
  readonly name: string;
  /** True when it came in one burst with others (key repeat, a slow line, a paste without markers): such a key never gives a verdict. */
  readonly burst: boolean;
}

const flags = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['leftArrow', 'left'],
  ['rightArrow', 'right'],
  ['pageUp', 'page-up'],
  ['pageDown', 'page-down'],
  ['home', 'home'],
  ['end', 'end'],
  ['return', 'enter'],
  ['escape', 'escape'],
  ['backspace', 'backspace'],
  ['delete', 'delete'],
] as const;

const characters: Readonly<Record<string, string>> = {
  ' ': 'space',
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\x7f': 'backspace',
};

const named = (char: string): string | undefined => {
  if (characters[char]) return characters[char];
  const code = char.codePointAt(0)!;
  if (code < 0x20) return code > 0 && code <= 26 ? `ctrl-${String.fromCharCode(96 + code)}` : undefined;
  return char;
};

/** What Ink read, as key presses. Several keys that arrived in one read come as one `input` and are taken apart here. */
export function readKeys(input: string, key: Key): readonly KeyPress[] {
  if (key.eventType === 'release') return [];
  const burst = key.eventType === 'repeat';
  if (key.tab) return [{ name: key.shift ? 'shift-tab' : 'tab', burst }];
  for (const [flag, name] of flags) if (key[flag]) return [{ name, burst }];
  if (key.ctrl && input.length === 1) return [{ name: input === ' ' ? 'ctrl-space' : `ctrl-${input.toLowerCase()}`, burst }];
  if (key.meta) return [{ name: `alt-${input}`, burst }];
  const chars = [...input];
  return chars
    .map(named)
    .filter(name => name !== undefined)
    .map(name => ({ name, burst: burst || chars.length > 1 }));
}

/** Gap in milliseconds below which the same verdict key again is taken for a held key: keyboards repeat about every 30 ms. */
export const REPEAT_GAP = 250;

/**
 * Refuses verdict keys that nobody meant: those of a burst, and those that a held key repeats. A refused repeat counts as a press, so a
 * key that stays down never gets through.
 */
export class VerdictGate {
  #last = { name: '', at: Number.NEGATIVE_INFINITY };

  /** Why the key may not decide, or undefined when it may. `now` in milliseconds. */
  refuse(press: KeyPress, now: number): string | undefined {
    const held = this.#last.name === press.name && now - this.#last.at < REPEAT_GAP;
    this.#last = { name: press.name, at: now };
    if (press.burst) return 'Keys came in one burst: nothing was answered. Press the key once more.';
    if (held) return 'The key is held down: nothing was answered. Release it and press once more.';
    return undefined;
  }
}
