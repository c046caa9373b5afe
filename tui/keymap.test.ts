import { describe, expect, it } from 'vitest';
import { Keymap, keyLabel, keysTable, readKeys } from './keymap.ts';
import { COMMANDS, type Command, commandInfo, commandNames, MODES } from './keys/commands.ts';
import { readKeys as namesOf, REPEAT_GAP, VerdictGate } from './keys/read-keys.ts';

const key = (more: object = {}) => ({ upArrow: false, ctrl: false, shift: false, meta: false, tab: false, ...more }) as never;

describe('the table of commands', () => {
  it.each(MODES)('has no key with two meanings in %s', mode => {
    const seen = new Map<string, Command>();
    for (const command of commandNames) {
      if (!commandInfo(command).where.includes(mode)) continue;
      for (const name of commandInfo(command).keys) {
        const other = seen.get(name);
        // Esc leaves an overlay or answers no; Enter opens where there is nothing to fold.
        expect(other === undefined, `${name} in ${mode}: ${other} and ${command}`).toBe(true);
        seen.set(name, command);
      }
    }
  });

  it('names every command, says what it does, and puts only valid commands in a footer', () => {
    for (const command of commandNames) {
      const info = commandInfo(command);
      expect(command).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(info.title.length).toBeGreaterThan(1);
      expect(info.where.length).toBeGreaterThan(0);
      for (const mode of Object.keys(info.footer ?? {})) expect(info.where).toContain(mode);
    }
  });

  it('gives every command a key or a name in the palette', () => {
    for (const command of commandNames)
      expect(commandInfo(command).keys.length > 0 || commandInfo(command).palette !== false, command).toBe(true);
  });

  it('lets Esc, Ctrl-C and help be reached from every mode', () => {
    const keymap = new Keymap();
    for (const mode of MODES) {
      expect(keymap.command(mode, 'ctrl-c')).toBe('leave');
      if (['edit', 'why', 'about', 'help', 'confirm', 'entry'].includes(mode))
        expect(keymap.command(mode, 'escape')).toBeDefined();
    }
  });

  it('gives the table of keys for the README', () => {
    const table = keysTable();
    for (const command of commandNames) if (!command.startsWith('edit-')) expect(table).toContain(COMMANDS[command].title);
    expect(table).toContain('| `a` | Allow, as the answer line says | inbox, edit |');
  });
});

describe('own keys', () => {
  it('replace the usual ones', () => {
    const { keymap, problems } = readKeys({ permit: ['p'], block: 'ctrl-b' });
    expect(problems).toEqual(['keys: "ctrl-b" is already page-up; "block" keeps its usual keys.']);
    expect(keymap.command('inbox', 'p')).toBe('permit');
    expect(keymap.command('inbox', 'a')).toBeUndefined();
    expect(keymap.command('inbox', 'b')).toBe('block');
    expect(keymap.label('permit')).toBe('p');
  });

  it.each([
    [{ nonsense: 'x' }, 'there is no command "nonsense"'],
    [{ permit: 'f13' }, '"permit" needs key names'],
    [{ permit: 7 }, '"permit" needs key names'],
    [{ yes: 'a' }, 'the keys of "yes" are fixed'],
    [{ permit: 'b' }, '"b" is already block'],
    [{ permit: 'q' }, '"q" is already'],
  ])('%j is told and left out', (settings, told) => {
    const { keymap, problems } = readKeys(settings);
    expect(problems.join()).toContain(told);
    expect(keymap.command('inbox', 'a')).toBe('permit');
    expect(keymap.command('inbox', 'b')).toBe('block');
    expect(keymap.command('inbox', 'q')).toBe('quit');
  });
});

describe('reading keys', () => {
  it.each([
    ['a', {}, ['a']],
    ['', { upArrow: true }, ['up']],
    ['', { tab: true, shift: true }, ['shift-tab']],
    ['d', { ctrl: true }, ['ctrl-d']],
    [' ', {}, ['space']],
    ['jj\r', {}, ['j', 'j', 'enter']],
    ['', {}, []],
    ['é', {}, ['é']],
  ])('%j', (input, flags, names) => {
    expect(namesOf(input, key(flags)).map(press => press.name)).toEqual(names);
  });

  it('marks keys that came together', () => {
    expect(namesOf('ja', key()).every(press => press.burst)).toBe(true);
    expect(namesOf('a', key()).some(press => press.burst)).toBe(false);
  });

  it('labels keys as people call them', () => {
    expect(['up', 'ctrl-d', 'page-down', 'escape', 'a', 'shift-tab'].map(keyLabel)).toEqual([
      '↑',
      'Ctrl-D',
      'Page-Down',
      'Esc',
      'a',
      'Shift-Tab',
    ]);
  });
});

describe('the gate before a verdict', () => {
  const press = (name: string, burst = false) => ({ name, burst });
  it('lets single presses through and stops bursts and held keys', () => {
    const gate = new VerdictGate();
    expect(gate.refuse(press('a'), 0)).toBeUndefined();
    expect(gate.refuse(press('a'), REPEAT_GAP - 1)).toContain('held');
    expect(gate.refuse(press('a'), 2 * REPEAT_GAP - 2)).toContain('held');
    expect(gate.refuse(press('b'), 2 * REPEAT_GAP)).toBeUndefined();
    expect(gate.refuse(press('b'), 4 * REPEAT_GAP)).toBeUndefined();
    expect(gate.refuse(press('a', true), 9 * REPEAT_GAP)).toContain('burst');
  });
});
