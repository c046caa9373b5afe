import { describe, expect, it } from 'vitest';
import { colourLevel, lookOf, needsAscii, themeNamed } from './look.ts';

describe('colours of a terminal', () => {
  it.each([
    [{ TERM: 'xterm-256color' }, 2],
    [{ TERM: 'xterm-256color', COLORTERM: 'truecolor' }, 3],
    [{ TERM: 'xterm' }, 1],
    [{ TERM: 'screen' }, 1],
    [{ TERM: 'linux' }, 1],
    [{ TERM: 'vt100' }, 0],
    [{ TERM: 'dumb' }, 0],
    [{ TERM: 'xterm-kitty' }, 3],
    [{ TERM: 'tmux-256color' }, 2],
    [{}, 0],
    [{ TERM: 'xterm-256color', COLORTERM: 'truecolor', NO_COLOR: '1' }, 0],
    [{ TERM: 'xterm-256color', NO_COLOR: '' }, 2],
    [{ TERM: 'xterm', FORCE_COLOR: '3' }, 3],
    [{ TERM: 'xterm', FORCE_COLOR: '3', NO_COLOR: '1' }, 0],
  ])('%j → %i', (env, level) => expect(colourLevel(env, 'linux')).toBe(level));
});

describe('ASCII', () => {
  it.each([
    [{ TERM: 'xterm', LANG: 'en_US.UTF-8' }, false],
    [{ TERM: 'xterm', LANG: 'C' }, true],
    [{ TERM: 'xterm' }, true],
    [{ TERM: 'xterm', LANG: 'de_DE.utf8' }, false],
    [{ TERM: 'xterm', LANG: 'C.UTF-8', LC_ALL: 'POSIX' }, true],
    [{ TERM: 'linux', LANG: 'C.UTF-8' }, true],
    [{ TERM: 'vt220', LANG: 'C.UTF-8' }, true],
  ])('%j → %s', (env, ascii) => expect(needsAscii(env, 'linux')).toBe(ascii));

  it('is what the setting says, when it says something', () => {
    expect(lookOf({ ascii: true }, { TERM: 'xterm', LANG: 'C.UTF-8' }).ascii).toBe(true);
    expect(lookOf({ ascii: false }, { TERM: 'linux' }).ascii).toBe(false);
  });
});

it('tells an unknown theme, also one that an object would have by itself', () => {
  expect(themeNamed('constructor').problem).toContain('There is no theme "constructor"');
  expect(themeNamed('light')).toEqual({ theme: expect.objectContaining({ name: 'light' }) });
  expect(themeNamed(undefined).theme.name).toBe('dark');
});
