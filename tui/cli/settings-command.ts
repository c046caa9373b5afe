import { parseCommandArgs } from './args.ts';
import { COMMANDS, type CommandContext } from './commands.ts';
import { EXIT, Failure, UsageError } from './exit.ts';
import { preparePaths } from './prepare.ts';
import { EXPECTED, SETTING_NAMES, type SettingName, setSetting, show } from './settings/settings.ts';

/** `sallyport settings [KEY [VALUE]]`. */
export async function settingsCommand(context: CommandContext): Promise<number> {
  const { flags, positionals } = parseCommandArgs(
    'settings',
    context.args,
    COMMANDS.find(c => c.name === 'settings')?.options ?? [],
  );
  const [name, value, more] = positionals;
  if (more !== undefined) throw new UsageError(`unexpected '${more}'; one setting takes one value, quote it if it has spaces`);
  const { where, settings } = preparePaths(context);
  if (name !== undefined && !SETTING_NAMES.includes(name as SettingName))
    throw new UsageError(`there is no setting '${name}'; the settings are ${SETTING_NAMES.join(', ')}`);
  if (name !== undefined && value !== undefined) {
    const result = await setSetting(name, value, where);
    if (!result.ok) throw result.invalid ? new UsageError(result.message) : new Failure(result.message);
    if (result.movedAside) context.stderr.write(`sallyport: the broken settings file was kept as ${result.movedAside}\n`);
    context.stdout.write(`${name} = ${show(result.settings[name as SettingName])}\n`);
    return EXIT.ok;
  }
  const names = name === undefined ? SETTING_NAMES : [name as SettingName];
  if (flags.has('json'))
    context.stdout.write(`${JSON.stringify(Object.fromEntries(names.map(n => [n, settings[n]])), null, 2)}\n`);
  else for (const n of names) context.stdout.write(`${n.padEnd(15)} ${show(settings[n]).padEnd(20)} ${EXPECTED[n]}\n`);
  if (name === undefined && !flags.has('json')) context.stdout.write(`\nfile: ${where.settings}\n`);
  return EXIT.ok;
}
