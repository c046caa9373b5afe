import { parseCommandArgs } from '../args.ts';
import { COMMANDS, type CommandContext } from '../commands.ts';
import { UsageError } from '../exit.ts';
import { linuxRunSource } from '../host/run-source.ts';
import { preparePaths } from '../prepare.ts';
import { attend, hasScreen } from './attend.ts';
import { exitCodeOf } from './exit-code.ts';
import { recorded } from './recording.ts';
import { attendOptions } from './run-options.ts';

/** `sallyport run [OPTIONS] -- COMMAND…`. */
export async function runCommand(context: CommandContext): Promise<number> {
  const args = parseCommandArgs('run', context.args, COMMANDS.find(c => c.name === 'run')?.options ?? []);
  const command = args.rest ?? [];
  if (args.positionals.length > 0)
    throw new UsageError(`put -- before the command: sallyport run -- ${args.positionals.join(' ')}`);
  if (command.length === 0) throw new UsageError('name the command to guard: sallyport run -- COMMAND…');
  const options = await attendOptions(args, preparePaths(context));
  const piped = options.json || hasScreen(context, options);
  return exitCodeOf(
    await attend(context, {
      ...options,
      source: replica =>
        recorded(
          linuxRunSource(
            { command, stdio: piped ? 'pipe' : 'inherit', blockErrno: args.flags.has('refuse') ? 'ECONNREFUSED' : 'EACCES' },
            replica,
          ),
          args.text['record'],
        ),
    }),
  );
}
