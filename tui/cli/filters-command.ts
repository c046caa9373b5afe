import { parseCommandArgs } from './args.ts';
import { COMMANDS, type CommandContext } from './commands.ts';
import { filters } from './inspect/filters.ts';
import { canDraw } from './terminal.ts';

/** `sallyport filters`: this machine's filters on a screen; a FILE, a question, --json or a pipe gives a table. */
export async function filtersCommand(context: CommandContext): Promise<number> {
  const { positionals, flags } = parseCommandArgs(
    'filters',
    context.args,
    COMMANDS.find(c => c.name === 'filters')?.options ?? [],
  );
  if (context.args.length === 0 && canDraw(context.stdin, context.stdout, context.env))
    return (await import('./browse-command.ts')).browse(context, 'filters');
  const isLive = positionals.length === 0 && !flags.has('live');
  return filters(isLive ? ['--live', ...context.args] : context.args, context);
}
