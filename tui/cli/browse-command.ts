import type { CommandContext } from './commands.ts';

export async function browse(_context: CommandContext, _view: 'rules' | 'filters'): Promise<number> {
  return 0;
}
