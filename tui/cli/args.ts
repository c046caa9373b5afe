import { parseArgs } from 'node:util';
import { UsageError } from './exit.ts';

/** One option of a command, as data: drives parsing and help. */
export interface OptionSpec {
  readonly name: string;
  /** Placeholder in help; absent for a switch. */
  readonly value?: string;
  readonly summary: string;
  readonly multiple?: boolean;
}

export interface ParsedArgs {
  /** Text options. */
  readonly text: Readonly<Record<string, string | undefined>>;
  readonly lists: Readonly<Record<string, readonly string[]>>;
  readonly flags: ReadonlySet<string>;
  readonly positionals: readonly string[];
  /** Everything after `--`; undefined when there was no `--`. */
  readonly rest?: readonly string[];
}

/**
 * Parses a command's arguments against its options. Throws UsageError with one sentence that names the option and the help to read.
 * @param command for the message: `run`, `rules add`
 */
export function parseCommandArgs(command: string, args: readonly string[], options: readonly OptionSpec[]): ParsedArgs {
  const cut = args.indexOf('--');
  const own = cut < 0 ? args : args.slice(0, cut);
  const seeHelp = `see: sallyport ${command} --help`;
  const known = Object.fromEntries(
    options.map(o => [
      o.name,
      { type: o.value === undefined ? ('boolean' as const) : ('string' as const), multiple: o.multiple ?? false },
    ]),
  );
  const { tokens, positionals } = parseArgs({
    args: [...own],
    options: known,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const text: Record<string, string> = {};
  const lists: Record<string, string[]> = {};
  const flags = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const spec = options.find(o => o.name === token.name);
    if (!spec) throw new UsageError(`unknown option ${token.rawName} for '${command}'; ${seeHelp}`);
    if (spec.value === undefined) {
      if (token.value !== undefined)
        throw new UsageError(`option --${spec.name} takes no value, got '${token.value}'; ${seeHelp}`);
      flags.add(spec.name);
      continue;
    }
    if (token.value === undefined || token.value === '')
      throw new UsageError(`option --${spec.name} needs a value (${spec.value}); ${seeHelp}`);
    if (!token.inlineValue && token.value.startsWith('--'))
      throw new UsageError(`option --${spec.name} needs a value (${spec.value}), found '${token.value}'; ${seeHelp}`);
    if (spec.multiple) lists[spec.name] = [...(lists[spec.name] ?? []), token.value];
    else if (text[spec.name] !== undefined) throw new UsageError(`option --${spec.name} was given twice; give it once`);
    else text[spec.name] = token.value;
  }
  return { text, lists, flags, positionals, ...(cut < 0 ? {} : { rest: args.slice(cut + 1) }) };
}

/** A whole number of seconds in 1–86400, or a sentence. */
export function parseSeconds(option: string, value: string): number {
  const seconds = Number(value);
  if (!/^\d+$/.test(value) || seconds < 1 || seconds > 86_400)
    throw new UsageError(`--${option} takes whole seconds from 1 to 86400, got '${value}'`);
  return seconds;
}

/** One of the given words, or a sentence. */
export function parseChoice<T extends string>(option: string, value: string, choices: readonly T[]): T {
  const found = choices.find(c => c === value);
  if (found === undefined) throw new UsageError(`--${option} takes ${choices.join(' or ')}, got '${value}'`);
  return found;
}
