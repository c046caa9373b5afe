import type { GuardExit } from '../../../machines/guard-events.ts';
import type { CommandContext } from '../commands.ts';
import type { GuardSession, OpenOptions } from '../host/opening.ts';
import { canDraw } from '../terminal.ts';
import { lineMode } from './line-mode.ts';
import { screenMode } from './screen-mode.ts';

export interface AttendOptions extends Omit<OpenOptions, 'asksPerson' | 'tell'> {
  readonly json: boolean;
  readonly line: boolean;
  /** `--timeout` was given: without a screen it is waited for (rules may come from another terminal); else the default answers at once. */
  readonly waits: boolean;
  readonly theme: string;
  readonly ascii: 'auto' | 'on' | 'off';
  readonly keys: { readonly [command: string]: string | readonly string[] };
  /** Puts the guard together. */
  readonly open: (options: OpenOptions) => Promise<GuardSession>;
}

/** True when a person will see a screen. */
export const hasScreen = (context: CommandContext, options: { readonly json: boolean; readonly line: boolean }): boolean =>
  !options.json && !options.line && canDraw(context.stdin, context.stdout, context.env);

/** Attends a source to its end, on a screen or line by line. */
export async function attend(context: CommandContext, options: AttendOptions): Promise<GuardExit> {
  const screen = hasScreen(context, options);
  const { where, rules } = options;
  const settings = screen || options.waits ? options.settings : { ...options.settings, timeout: null };
  const session = await options.open({
    where,
    settings,
    ...(rules && { rules }),
    tell: message => void context.stderr.write(`sallyport: ${message}\n`),
    asksPerson: screen || options.waits,
  });
  try {
    if (screen) return await screenMode(session.guard, context, options);
    return await lineMode(session.guard, context, options.json);
  } finally {
    await session.close();
  }
}
