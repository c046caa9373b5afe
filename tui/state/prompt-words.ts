import { assign } from 'xstate';
import type { CommandResult, GuardClient } from '../../machines/guard-client.ts';
import type { PromptContext } from '../../machines/prompt-context.ts';
import { promptMachine } from '../../machines/prompt-machine.ts';
import { sendTo } from '../../machines/prompt-send.ts';
import type { SourceWords } from '../select/source-words.ts';

/** What the screen says of a command that was sent. */
function resultMessage(words: SourceWords, { command }: PromptContext, result: CommandResult): PromptContext['message'] {
  if (!result.ok) return { level: 'error', text: result.message };
  if (command?.type !== 'answer') return { level: 'info', text: words.undone };
  return { level: 'info', text: words.answered(command.verdict, result.settled, result.ruleId !== undefined) };
}

/** The prompt machine over a guard, its messages in the words of the guard's source. */
export const screenPrompt = (client: Pick<GuardClient, 'send'>, now: () => number, words: () => SourceWords) =>
  promptMachine.provide({
    actors: { send: sendTo(client, now) },
    actions: {
      'assign result': assign(({ context }, { result }) => ({ message: resultMessage(words(), context, result) })),
      'tell that they are gone': assign(() => ({ message: { level: 'info' as const, text: words().gone } })),
    },
  });
