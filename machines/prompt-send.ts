import { fromPromise } from 'xstate';
import type { CommandResult, GuardClient } from './guard-client.ts';
import type { PromptCommand } from './prompt-context.ts';
import { boundLifetime } from './sentence.ts';

/** The prompt machine's `send` actor for a guard: lifetimes count from the moment of sending. */
export const sendTo = (client: Pick<GuardClient, 'send'>, now: () => number) =>
  fromPromise<CommandResult, PromptCommand>(({ input }) =>
    client.send(input.type === 'undo' ? input : { ...input, lifetime: boundLifetime(input.lifetime, now()) }),
  );
