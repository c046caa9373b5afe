import type { CommandContext, CommandMain } from './commands.ts';
import { EXIT } from './exit.ts';

const main: CommandMain = async (context: CommandContext) => {
  context.stdout.write('');
  return EXIT.ok;
};
export const filtersCommand = main;
