import { parseCommandArgs } from '../args.ts';
import { COMMANDS, type CommandContext } from '../commands.ts';
import { Failure, UsageError } from '../exit.ts';
import { preparePaths } from '../prepare.ts';
import { attend } from './attend.ts';
import { exitCodeOf } from './exit-code.ts';
import { recorded } from './recording.ts';
import { attendOptions } from './run-options.ts';

/** `sallyport guard`: this machine's new connections, held by the callout driver or, without it, dropped and asked about afterwards. */
export async function guardCommand(context: CommandContext): Promise<number> {
  const args = parseCommandArgs('guard', context.args, COMMANDS.find(c => c.name === 'guard')?.options ?? []);
  if (args.positionals.length > 0)
    throw new UsageError(`unexpected '${args.positionals[0]}'; guard takes the whole machine, one command is for: sallyport run`);
  if (process.platform !== 'win32')
    throw new Failure('guard needs the Windows Filtering Platform; here, hold one command: sallyport run -- COMMAND…');
  const options = await attendOptions(args, preparePaths(context));
  const { openWindowsGuard } = await import('../host/windows/windows-guard.ts');
  return exitCodeOf(
    await attend(context, {
      ...options,
      open: opening =>
        openWindowsGuard(opening, args.flags.has('net-events') ? 'net-events' : 'driver', source =>
          recorded(source, args.text['record']),
        ),
    }),
  );
}
