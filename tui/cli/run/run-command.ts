import { parseCommandArgs } from '../args.ts';
import { COMMANDS, type CommandContext } from '../commands.ts';
import { Failure, UsageError } from '../exit.ts';
import { openGuardSession } from '../host/guard-session.ts';
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
  if (process.platform === 'win32')
    throw new Failure(
      'run holds one command by system-call filters, which Windows does not have; sallyport guard holds this machine',
    );
  const { linuxRunSource } = await import('../host/run-source.ts');
  const options = await attendOptions(args, preparePaths(context));
  const piped = options.json || hasScreen(context, options);
  return exitCodeOf(
    await attend(context, {
      ...options,
      open: opening =>
        openGuardSession({
          ...opening,
          source: replica =>
            recorded(
              linuxRunSource(
                { command, stdio: piped ? 'pipe' : 'inherit', blockErrno: args.flags.has('refuse') ? 'ECONNREFUSED' : 'EACCES' },
                replica,
              ),
              args.text['record'],
            ),
        }),
    }),
  );
}
