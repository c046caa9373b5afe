import type { CommandMain } from './commands.ts';
import { INSPECT_COMMANDS } from './inspect/commands.ts';

/** The commands that read other machines' filters (and this one's with --live). */
export const inspectCommand =
  (name: string): CommandMain =>
  async context => {
    const load = INSPECT_COMMANDS[name];
    if (!load) throw new Error(`no inspect command ${name}`);
    return (await load())(context.args, context);
  };
