import { removeAsking } from '../../../engine/rules/asking.ts';
import { guardsPlaceTaken } from '../../../engine/rules/guards-place.ts';
import { parseChoice, parseCommandArgs } from '../args.ts';
import { COMMANDS, type CommandContext } from '../commands.ts';
import { EXIT, Failure, UsageError } from '../exit.ts';
import { openEngine } from '../host/engine.ts';
import { preparePaths } from '../prepare.ts';
import type { Paths } from '../settings/paths.ts';
import { attend } from './attend.ts';
import { exitCodeOf } from './exit-code.ts';
import { recorded } from './recording.ts';
import { attendOptions } from './run-options.ts';

/** `--off`: the filters that ask, left by a guard that died. Rules stay. */
async function takeAway(context: CommandContext, where: Paths): Promise<number> {
  const open = await openEngine(where, 'sallyport guard --off');
  try {
    if (await guardsPlaceTaken(open.session))
      throw new Failure('a Sallyport guards this machine; end that one, it takes its asking filters with it');
    const count = await removeAsking(open.session);
    context.stdout.write(
      count === 0
        ? 'No asking filters were left in the engine.\n'
        : `Removed ${count} asking filters; from now on only rules decide.\n`,
    );
    return EXIT.ok;
  } finally {
    await open.close();
  }
}

/** `sallyport guard`: this machine's new connections, held by the callout driver or, without it, dropped and asked about afterwards. */
export async function guardCommand(context: CommandContext): Promise<number> {
  const args = parseCommandArgs('guard', context.args, COMMANDS.find(c => c.name === 'guard')?.options ?? []);
  if (args.positionals.length > 0)
    throw new UsageError(`unexpected '${args.positionals[0]}'; guard takes the whole machine, one command is for: sallyport run`);
  if (process.platform !== 'win32')
    throw new Failure('guard needs the Windows Filtering Platform; here, hold one command: sallyport run -- COMMAND…');
  const prepared = preparePaths(context);
  if (args.flags.has('off')) return takeAway(context, prepared.where);
  const options = await attendOptions(args, prepared);
  const fail = args.text['fail'] === undefined ? 'closed' : parseChoice('fail', args.text['fail'], ['closed', 'open'] as const);
  const { openWindowsGuard } = await import('../host/windows/windows-guard.ts');
  return exitCodeOf(
    await attend(context, {
      ...options,
      open: opening =>
        openWindowsGuard(
          { ...opening, fail, recorded: source => recorded(source, args.text['record']) },
          args.flags.has('net-events') ? 'net-events' : 'driver',
        ),
    }),
  );
}
