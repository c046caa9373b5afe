import { COMMANDS, type Command, commandInfo, commandNames, MODES, type Mode } from './keys/commands.ts';

/** A key name as a person reads it. */
export function keyLabel(key: string): string {
  const words: Readonly<Record<string, string>> = { up: '↑', down: '↓', left: '←', right: '→', escape: 'Esc', space: 'Space' };
  if (words[key]) return words[key];
  if (key.startsWith('ctrl-')) return `Ctrl-${key.slice(5).toUpperCase()}`;
  return key.length > 1
    ? key.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => (dash ? '-' : '') + letter.toUpperCase())
    : key;
}

/** Keys for commands, after the person's own were taken in. */
export class Keymap {
  readonly #keys: ReadonlyMap<Command, readonly string[]>;
  readonly #byMode = new Map<Mode, Map<string, Command>>();

  constructor(overrides: ReadonlyMap<Command, readonly string[]> = new Map()) {
    this.#keys = new Map(commandNames.map(command => [command, overrides.get(command) ?? COMMANDS[command].keys]));
    for (const mode of MODES) {
      const table = new Map<string, Command>();
      for (const command of commandNames)
        if (commandInfo(command).where.includes(mode))
          for (const key of this.keys(command)) if (!table.has(key)) table.set(key, command);
      this.#byMode.set(mode, table);
    }
  }

  keys(command: Command): readonly string[] {
    return this.#keys.get(command)!;
  }

  /** What a key does in a mode; undefined when nothing. */
  command(mode: Mode, key: string): Command | undefined {
    return this.#byMode.get(mode)!.get(key);
  }

  /** Label of the first key, for footer and help; empty when the command has none. */
  label(command: Command): string {
    const [first] = this.keys(command);
    return first === undefined ? '' : keyLabel(first);
  }

  /** Commands of the footer of a mode, most important first. */
  footer(mode: Mode): readonly Command[] {
    return commandNames
      .filter(command => commandInfo(command).footer?.[mode] !== undefined && this.keys(command).length > 0)
      .sort((a, b) => commandInfo(a).footer![mode]! - commandInfo(b).footer![mode]!);
  }

  /** Commands that mean something in a mode, in the order of the table. */
  inMode(mode: Mode): readonly Command[] {
    return commandNames.filter(command => commandInfo(command).where.includes(mode));
  }
}

const keyPattern =
  /^(.|space|enter|tab|shift-tab|escape|up|down|left|right|page-up|page-down|home|end|backspace|delete|ctrl-[a-z]|alt-.)$/u;
/** What must stay reachable whatever a settings file says. */
const fixed: readonly Command[] = ['leave', 'cancel', 'accept', 'yes', 'no', 'erase-char'];

/**
 * Reads key overrides of the settings (`{"permit": ["p"], "quit": "Q"}`). What is wrong is left out and told: an unknown command or key, a
 * command whose keys are fixed, two commands on one key in one place.
 */
export function readKeys(settings: Readonly<Record<string, unknown>> = {}): {
  readonly keymap: Keymap;
  readonly problems: readonly string[];
} {
  const problems: string[] = [];
  const overrides = new Map<Command, readonly string[]>();
  for (const [name, value] of Object.entries(settings)) {
    const keys = typeof value === 'string' ? [value] : value;
    if (!(name in COMMANDS)) problems.push(`keys: there is no command "${name}"; "?" lists them.`);
    else if (fixed.includes(name as Command)) problems.push(`keys: the keys of "${name}" are fixed.`);
    else if (!Array.isArray(keys) || !keys.every(key => typeof key === 'string' && keyPattern.test(key)))
      problems.push(`keys: "${name}" needs key names like "p", "ctrl-p" or "page-down".`);
    else overrides.set(name as Command, keys);
  }
  for (const mode of MODES) {
    const taken = new Map<string, Command>();
    for (const command of commandNames) {
      if (!commandInfo(command).where.includes(mode)) continue;
      for (const key of overrides.get(command) ?? COMMANDS[command].keys) {
        const other = taken.get(key);
        if (other && other !== command && (overrides.has(command) || overrides.has(other))) {
          const loser = overrides.has(command) ? command : other;
          const problem = `keys: "${key}" is already ${loser === command ? other : command}; "${loser}" keeps its usual keys.`;
          if (overrides.delete(loser) && !problems.includes(problem)) problems.push(problem);
        } else taken.set(key, command);
      }
    }
  }
  return { keymap: new Keymap(overrides), problems };
}

/** The table of keys for the README, from the same table that handles them. */
export function keysTable(keymap = new Keymap()): string {
  const rows = commandNames
    .filter(command => command !== 'edit-down' && command !== 'edit-up')
    .map(command => {
      const { title, where } = commandInfo(command);
      const keys = keymap
        .keys(command)
        .map(key => `\`${keyLabel(key)}\``)
        .join(' ');
      return `| ${keys || `\`:${command}\``} | ${title} | ${where.length > 9 ? 'everywhere' : where.join(', ')} |`;
    });
  return ['| Key | What it does | Where |', '| --- | --- | --- |', ...rows].join('\n');
}
