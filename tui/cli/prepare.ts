import type { CommandContext } from './commands.ts';
import { Failure } from './exit.ts';
import { ensureFolders, loadSettings, type Paths, paths, type Settings } from './settings/settings.ts';

export interface Prepared {
  readonly where: Paths;
  readonly settings: Settings;
}

/**
 * Folders made private, settings read. What is wrong with the settings is told on standard error and the defaults hold.
 * @throws Failure when a folder cannot be used
 */
export function preparePaths(context: Pick<CommandContext, 'env' | 'stderr'>): Prepared {
  const where = paths(context.env);
  const problem = ensureFolders(where);
  if (problem) throw new Failure(problem);
  const { settings, problems } = loadSettings(where);
  for (const line of problems) context.stderr.write(`sallyport: ${line}\n`);
  return { where, settings };
}
