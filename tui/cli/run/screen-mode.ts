import { plain } from '../../../engine/rules/describe.ts';
import type { Guard } from '../../../machines/guard.ts';
import type { GuardExit } from '../../../machines/guard-events.ts';
import { type AppSettings, renderApp } from '../../app.tsx';
import type { CommandContext } from '../commands.ts';
import { flushCompileCache } from '../compile-cache.ts';
import type { AttendOptions } from './attend.ts';

/** How a guard ended, in one line for the shell's screen. */
function farewell(guard: Guard): string {
  const { status, activity } = guard.snapshot();
  const count = (verdict: string) => activity.filter(entry => entry.verdict === verdict).length;
  const end =
    status.failure ??
    (status.exit
      ? status.exit.signal
        ? `ended by ${status.exit.signal}`
        : `ended with exit code ${status.exit.code}`
      : 'stopped');
  return `sallyport: ${plain(status.title)} ${plain(end)}; ${count('permit')} permitted, ${count('block')} blocked\n`;
}

/** What a terminal that goes away sends; SIGBREAK is Windows' Ctrl-Break. */
const ENDS = ['SIGTERM', 'SIGHUP', 'SIGBREAK'] as const;

/** What the screen takes of the settings. */
export const appSettings = ({ theme, keys, ascii }: Pick<AttendOptions, 'theme' | 'ascii' | 'keys'>): AppSettings => ({
  theme,
  keys,
  ...(ascii === 'auto' ? {} : { ascii: ascii === 'on' }),
});

/** Runs a guard behind a full screen, which is drawn before anything else is waited for. Resolves when the person left it. */
export async function screenMode(
  guard: Guard,
  context: CommandContext,
  options: Pick<AttendOptions, 'theme' | 'ascii' | 'keys'>,
): Promise<GuardExit> {
  const { stdin, stdout, stderr, env } = context;
  const app = renderApp({
    client: guard,
    stdin,
    stdout,
    env,
    settings: {
      theme: options.theme,
      keys: options.keys,
      ...(options.ascii === 'auto' ? {} : { ascii: options.ascii === 'on' }),
    },
  });
  // Where a whole machine is guarded, the end of the terminal is no accident to fail closed after: the guard ends as if it was quit. Elsewhere
  // the signal ends the process, and the command with it.
  const machine = ['windows-driver', 'net-events'].includes(guard.snapshot().status.kind);
  const leave = () => app.unmount();
  if (machine) for (const signal of ENDS) process.on(signal, leave);
  await app.flushed();
  const started = guard.start();
  setTimeout(flushCompileCache, 1000).unref();
  try {
    await app.waitUntilExit();
  } finally {
    for (const signal of ENDS) process.off(signal, leave);
    await started;
    await guard.stop();
    stderr.write(farewell(guard));
  }
  return guard.exited;
}
