import { type Keymap, keyLabel } from '../keymap.ts';
import { type Command, commandInfo, type Mode } from '../keys/commands.ts';
import { type Line, lineCells } from '../text/paint.ts';

/** The most important keys of a mode that can do something now, as many as there is room for. */
export function footerLine(keymap: Keymap, mode: Mode, can: (command: Command) => boolean, columns: number, most: number): Line {
  const arrows = keymap.label('wider') === '↑' && keymap.label('narrower') === '↓';
  const item = (command: Command): Line => {
    const both = arrows && command === 'wider';
    return [
      [both ? '↑↓' : keymap.label(command), 'key'],
      [` ${both ? 'wider/narrower' : commandInfo(command).short}   `, 'muted'],
    ];
  };
  const possible = keymap.footer(mode).filter(command => can(command) && !(arrows && command === 'narrower'));
  // Help is always there: it leads to everything that found no room.
  const help = possible.includes('help') ? item('help') : [];
  const room = columns - 1 - lineCells(help);
  const items: Line[] = [];
  for (const command of possible) {
    if (command === 'help') continue;
    const next = item(command);
    if (items.length + (help.length ? 1 : 0) >= most || lineCells(items.flat()) + lineCells(next) > room) break;
    items.push(next);
  }
  return [[' '], ...items.flat(), ...help];
}

/** Keys of one mode with what they do, and why those that can do nothing now can not. Commands in `seen` are left out and added to it. */
export function helpOf(
  keymap: Keymap,
  mode: Mode,
  title: string,
  seen: Set<Command>,
  refusal: (command: Command) => string | undefined,
): readonly Line[] {
  return [
    [[title, 'heading']],
    ...keymap
      .inMode(mode)
      .filter(command => keymap.keys(command).length > 0 && !seen.has(command) && seen.add(command))
      .map((command): Line => {
        const why = refusal(command);
        const keys = keymap.keys(command).map(keyLabel).join(' ');
        return [
          [`   ${keys.padEnd(16)} `, 'key'],
          [commandInfo(command).title, why ? 'muted' : 'text'],
          [why ? `   not now: ${why}` : '', 'muted'],
        ];
      }),
    [],
  ];
}
