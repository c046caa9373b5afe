import { assertEvent, assign, enqueueActions, fromPromise, setup } from 'xstate';
import type { CommandResult } from './guard-client.ts';
import {
  answerOf,
  decidesOther,
  marking,
  messageFor,
  type PromptCommand,
  type PromptContext,
  type PromptEvent,
  refocused,
  selecting,
  sentenceIsGone,
  startingOver,
  taking,
} from './prompt-context.ts';
import { moved, nextLifetime, wholeProgram } from './sentence.ts';

/** How long a new selection accepts no verdict. */
export const ARM_MS = 400;
/** How long the guard may take to do what it was told before the screen says so. */
export const SEND_MS = 10_000;
/** How long a confirmation stands open; then nothing is answered. */
export const CONFIRM_MS = 60_000;

/**
 * The question and its answer. It exists so that what the person decides on cannot change under their fingers: a selection is kept by id, a
 * new one accepts no verdict for a moment, a sentence that is being edited is left alone, and whatever covers a whole program is shown once
 * more before it is said.
 */
export const promptMachine = setup({
  types: { context: {} as PromptContext, events: {} as PromptEvent },
  actors: {
    /** Sends a command to the guard. */
    send: fromPromise<CommandResult, PromptCommand>(() => Promise.reject(new Error('send must be provided'))),
  },
  delays: { 'time to read': ARM_MS, 'send patience': SEND_MS, 'confirm patience': CONFIRM_MS },
  guards: {
    'nothing waits': ({ context }) => context.requests.length === 0,
    'something waits': ({ context }) => context.requests.length > 0,
    'may decide': ({ context }) => context.armed && context.sentence !== undefined,
    'may decide for the program': ({ context }) =>
      context.armed && context.sentence !== undefined && wholeProgram(context.sentence) !== undefined,
    'its requests are gone': ({ context, event }) => event.type === 'requests.changed' && sentenceIsGone(context, event.requests),
    'a sentence stands': ({ context }) => context.sentence !== undefined,
  },
  actions: {
    'take requests': enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'requests.changed');
      const next = taking(context, event.requests, false);
      enqueue.assign(next);
      if (decidesOther(context, next)) enqueue.raise({ type: 'rearm' });
    }),
    'take requests but keep the sentence': assign(({ context, event }) => {
      assertEvent(event, 'requests.changed');
      return taking(context, event.requests, true);
    }),
    'move selection': enqueueActions(({ context, event, enqueue }) => {
      const next = selecting(context, event);
      enqueue.assign(next);
      if (decidesOther(context, next)) enqueue.raise({ type: 'rearm' });
    }),
    'change marks': enqueueActions(({ context, event, enqueue }) => {
      enqueue.assign(marking(context, event.type));
      enqueue.raise({ type: 'rearm' });
    }),
    'move focus': assign(({ context, event }) => {
      if (event.type === 'part.to') return { focus: event.part };
      return { focus: refocused(context, event.type === 'part.next' ? 1 : -1) };
    }),
    'move step': assign(({ context, event }) => ({
      sentence: context.sentence && moved(context.sentence, context.focus, event.type === 'step.wider' ? 1 : -1),
    })),
    'move lifetime': assign(({ context }) => ({
      focus: 'lifetime' as const,
      sentence: context.sentence && nextLifetime(context.sentence),
    })),
    'start over': assign(({ context }) => startingOver(context)),
    'assign answer': assign(({ context, event }) => {
      assertEvent(event, 'answer');
      return { command: answerOf(context, event.verdict) };
    }),
    'assign whole program': assign(({ context, event }) => {
      assertEvent(event, 'answer.program');
      const whole = context.sentence && wholeProgram(context.sentence);
      return whole ? { sentence: whole, before: context.sentence, confirming: event.verdict } : {};
    }),
    'assign confirmed answer': assign(({ context }) =>
      context.confirming ? { command: answerOf(context, context.confirming) } : {},
    ),
    'drop whole program': assign(({ context }) => ({
      confirming: undefined,
      sentence: context.before ?? context.sentence,
      before: undefined,
    })),
    'assign undo': assign({ command: { type: 'undo' as const } }),
    arm: assign({ armed: true }),
    disarm: assign({ armed: false }),
    'tell that they are gone': assign({
      message: { level: 'info' as const, text: 'What you were answering is gone: its program ended or it was settled.' },
    }),
    'drop command': enqueueActions(({ context, enqueue }) => {
      const next = startingOver({ ...context, command: undefined, confirming: undefined, marks: [] });
      enqueue.assign(next);
      if (decidesOther(context, next)) enqueue.raise({ type: 'rearm' });
    }),
    'assign result': assign(({ context }, params: { result: CommandResult }) => ({
      message: messageFor(context.command, params.result),
    })),
    'assign failure': assign((_, params: { text: string }) => ({ message: { level: 'error' as const, text: params.text } })),
    'drop message': assign({ message: undefined }),
  },
}).createMachine({
  id: 'prompt',
  context: { requests: [], marks: [], focus: 'remote', armed: false },
  type: 'parallel',
  states: {
    safety: {
      initial: 'arming',
      on: { rearm: '.arming' },
      states: {
        arming: { entry: 'disarm', after: { 'time to read': { target: 'armed', actions: 'arm' } } },
        armed: {},
      },
    },
    answer: {
      initial: 'empty',
      states: {
        empty: {
          on: {
            'requests.changed': { actions: 'take requests' },
            undo: { target: 'sending', actions: ['drop message', 'assign undo'] },
          },
          always: { guard: 'something waits', target: 'choosing' },
        },
        choosing: {
          always: { guard: 'nothing waits', target: 'empty' },
          on: {
            'requests.changed': { actions: 'take requests' },
            'select.*': { actions: 'move selection' },
            'mark.*': { actions: 'change marks' },
            'part.*': { guard: 'a sentence stands', target: 'editing', actions: 'move focus' },
            'step.*': { guard: 'a sentence stands', target: 'editing', actions: 'move step' },
            'lifetime.next': { guard: 'a sentence stands', target: 'editing', actions: 'move lifetime' },
            answer: { guard: 'may decide', target: 'sending', actions: ['drop message', 'assign answer'] },
            'answer.program': { guard: 'may decide for the program', target: 'confirming', actions: 'assign whole program' },
            undo: { target: 'sending', actions: ['drop message', 'assign undo'] },
          },
        },
        editing: {
          on: {
            'requests.changed': [
              { guard: 'its requests are gone', target: 'choosing', actions: ['take requests', 'tell that they are gone'] },
              { actions: 'take requests but keep the sentence' },
            ],
            'part.*': { actions: 'move focus' },
            'step.*': { actions: 'move step' },
            'lifetime.next': { actions: 'move lifetime' },
            answer: { guard: 'may decide', target: 'sending', actions: ['drop message', 'assign answer'] },
            'answer.program': { guard: 'may decide for the program', target: 'confirming', actions: 'assign whole program' },
            'select.*': { target: 'choosing', actions: ['start over', 'move selection'] },
            'mark.*': { target: 'choosing', actions: 'change marks' },
            cancel: { target: 'choosing', actions: 'start over' },
            undo: { target: 'sending', actions: ['drop message', 'assign undo'] },
          },
        },
        confirming: {
          on: {
            'requests.changed': [
              {
                guard: 'its requests are gone',
                target: 'choosing',
                actions: ['take requests', 'drop command', 'tell that they are gone'],
              },
              { actions: 'take requests but keep the sentence' },
            ],
            confirm: { target: 'sending', actions: ['drop message', 'assign confirmed answer'] },
            cancel: { target: 'choosing', actions: 'drop whole program' },
          },
          after: { 'confirm patience': { target: 'choosing', actions: 'drop whole program' } },
        },
        sending: {
          invoke: {
            src: 'send',
            input: ({ context }) => context.command ?? { type: 'undo' },
            onDone: {
              target: 'choosing',
              actions: [{ type: 'assign result', params: ({ event }) => ({ result: event.output }) }, 'drop command'],
            },
            onError: {
              target: 'choosing',
              actions: [
                {
                  type: 'assign failure',
                  params: ({ event }) => ({ text: event.error instanceof Error ? event.error.message : String(event.error) }),
                },
                'drop command',
              ],
            },
          },
          on: { 'requests.changed': { actions: 'take requests' } },
          after: {
            'send patience': {
              target: 'choosing',
              actions: [
                {
                  type: 'assign failure',
                  params: { text: 'The guard does not answer. Look at the rules before you answer again.' },
                },
                'drop command',
              ],
            },
          },
        },
      },
    },
  },
});
