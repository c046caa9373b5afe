import { renderApp } from '../app.tsx';
import type { CommandContext } from './commands.ts';
import { EXIT } from './exit.ts';
import { openGuardSession } from './host/guard-session.ts';
import { idleSource } from './host/idle-source.ts';
import type { OpenOptions } from './host/opening.ts';
import { preparePaths } from './prepare.ts';
import { appSettings } from './run/screen-mode.ts';

/** The screen without anything to guard: rules and filters as they are, to look at and to change. */
export async function browse(context: CommandContext, view: 'rules' | 'filters'): Promise<number> {
  const { where, settings } = preparePaths(context);
  const tell = (message: string) => void context.stderr.write(`sallyport: ${message}\n`);
  const opening: OpenOptions = { where, settings, asksPerson: true, tell };
  const session =
    process.platform === 'win32'
      ? await (await import('./host/windows/windows-guard.ts')).openWindowsGuard({ ...opening, fail: 'open' }, 'idle')
      : await openGuardSession({ ...opening, source: idleSource });
  const { stdin, stdout, env } = context;
  const app = renderApp({ client: session.guard, view, stdin, stdout, env, settings: appSettings(settings) });
  try {
    await session.guard.start();
    await app.waitUntilExit();
  } finally {
    await session.close();
  }
  return EXIT.ok;
}
