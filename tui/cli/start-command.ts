import type { CommandContext } from './commands.ts';
import { mainHelp } from './help.ts';

export async function startCommand({ stdout }: CommandContext): Promise<number> {
  stdout.write(mainHelp());
  return 0;
}
