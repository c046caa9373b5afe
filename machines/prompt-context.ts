import type { Verdict } from '../engine/model/attempt.ts';
import type { Scope } from '../engine/rules/rule.ts';
import type { CommandResult, Request } from './guard-client.ts';
import { inboxOrder, programKey } from './inbox.ts';
import { type LifetimeChoice, lifetimeOf, type PartKey, partViews, type Sentence, scopeOf, sentenceFor } from './sentence.ts';

/** What the person said, to be sent to the guard. */
export type PromptCommand =
  | {
      readonly type: 'answer';
      readonly requests: readonly number[];
      readonly verdict: Verdict;
      readonly scope: Scope;
      readonly lifetime: LifetimeChoice;
    }
  | { readonly type: 'undo' };

export interface PromptContext {
  /** What waits and can still be answered, oldest first. */
  readonly requests: readonly Request[];
  readonly selected?: number;
  /** Marked for one common answer, in the order of the inbox. */
  readonly marks: readonly number[];
  readonly sentence?: Sentence;
  /** The sentence as it was before the whole-program answer was asked for. */
  readonly before?: Sentence;
  readonly focus: PartKey;
  /** False in the first 400 ms of a selection: no key decides then. */
  readonly armed: boolean;
  /** The verdict that waits for its confirmation. */
  readonly confirming?: Verdict;
  readonly command?: PromptCommand;
  /** What came of the last command, until the next. */
  readonly message?: { readonly level: 'info' | 'error'; readonly text: string };
}

export type PromptEvent =
  | { readonly type: 'requests.changed'; readonly requests: readonly Request[] }
  | { readonly type: 'select.next' | 'select.previous' | 'select.first' | 'select.last' }
  | { readonly type: 'select.to'; readonly id: number }
  /** `mark.toggle` the selected one, `mark.program` all of its program. */
  | { readonly type: 'mark.toggle' | 'mark.program' | 'mark.clear' }
  | { readonly type: 'part.next' | 'part.previous' }
  | { readonly type: 'part.to'; readonly part: PartKey }
  | { readonly type: 'step.wider' | 'step.narrower' | 'lifetime.next' }
  | { readonly type: 'answer'; readonly verdict: Verdict }
  /** Asks for the confirmation of an answer for the whole program, for ever. */
  | { readonly type: 'answer.program'; readonly verdict: Verdict }
  | { readonly type: 'confirm' | 'cancel' | 'undo' }
  /** Raised by the machine itself: what a key would decide is not what it was. */
  | { readonly type: 'rearm' };

const isOpen = ({ state }: Request): boolean => state === 'asking' || state === 'identifying';

/** The requests that an answer is about: the marked ones, else the selected one. */
export function targetsOf(context: Pick<PromptContext, 'requests' | 'selected' | 'marks'>): readonly Request[] {
  const ids = context.marks.length > 0 ? new Set(context.marks) : new Set([context.selected]);
  return context.requests.filter(request => ids.has(request.id));
}

const rebuilt = (context: PromptContext): PromptContext => ({
  ...context,
  sentence: sentenceFor(targetsOf(context)),
  before: undefined,
});

/** The context with another selection and its sentence. */
export function selecting(context: PromptContext, event: PromptEvent): PromptContext {
  const selected = neighbour(context, event);
  if (selected === context.selected) return context;
  const next: PromptContext = { ...context, selected, focus: 'remote' };
  return context.marks.length > 0 ? next : rebuilt(next);
}

/** The context with other marks and the sentence about them. */
export const marking = (context: PromptContext, type: PromptEvent['type']): PromptContext =>
  rebuilt({ ...context, marks: marksAfter(context, type) });

/** Back to the sentence as it was proposed. */
export const startingOver = (context: PromptContext): PromptContext => rebuilt({ ...context, focus: 'remote' });

/**
 * Takes the requests over. The selection is kept by id; when its request is gone, the one that stood after it takes it. A sentence that is
 * being edited stays as long as one of its requests waits.
 */
export function taking(context: PromptContext, all: readonly Request[], keepsSentence: boolean): PromptContext {
  const requests = all.filter(isOpen);
  const here = new Set(requests.map(request => request.id));
  const marks = context.marks.filter(id => here.has(id));
  const order = inboxOrder(context.requests);
  const after = order.slice(order.indexOf(context.selected ?? -1) + 1);
  const stays = context.selected !== undefined && here.has(context.selected);
  const selected = stays
    ? context.selected
    : ([...after, ...order.toReversed()].find(id => here.has(id)) ?? inboxOrder(requests)[0]);
  const next: PromptContext = { ...context, requests, marks, selected };
  const about = context.sentence?.requests.filter(id => here.has(id)) ?? [];
  if (!keepsSentence || !context.sentence || about.length === 0) return rebuilt(stays ? next : { ...next, focus: 'remote' });
  return about.length === context.sentence.requests.length
    ? next
    : { ...next, sentence: { ...context.sentence, requests: about } };
}

/** True when a key that decides would now decide something else: then the pause to read starts anew. */
export const decidesOther = (before: PromptContext, after: PromptContext): boolean =>
  before.selected !== after.selected || JSON.stringify(before.sentence) !== JSON.stringify(after.sentence);

/** True when no request of the sentence waits any more. */
export const sentenceIsGone = ({ sentence }: PromptContext, requests: readonly Request[]): boolean =>
  !requests.some(request => isOpen(request) && sentence?.requests.includes(request.id));

function neighbour(context: PromptContext, event: PromptEvent): number | undefined {
  const order = inboxOrder(context.requests);
  const at = order.indexOf(context.selected ?? -1);
  switch (event.type) {
    case 'select.next':
      return order[Math.min(at + 1, order.length - 1)];
    case 'select.previous':
      return order[Math.max(at - 1, 0)];
    case 'select.first':
      return order[0];
    case 'select.last':
      return order.at(-1);
    default:
      return event.type === 'select.to' && order.includes(event.id) ? event.id : context.selected;
  }
}

function marksAfter(context: PromptContext, type: PromptEvent['type']): readonly number[] {
  const { selected, marks, requests } = context;
  if (type === 'mark.clear' || selected === undefined) return [];
  if (type === 'mark.toggle') return marks.includes(selected) ? marks.filter(id => id !== selected) : [...marks, selected];
  const program = requests.find(request => request.id === selected);
  return requests.filter(request => program && programKey(request) === programKey(program)).map(request => request.id);
}

export function refocused(context: PromptContext, by: 1 | -1): PartKey {
  const keys = context.sentence ? partViews(context.sentence).map(view => view.key) : [context.focus];
  const at = keys.indexOf(context.focus);
  return keys[(at + by + keys.length) % keys.length] ?? context.focus;
}

export const answerOf = ({ sentence }: PromptContext, verdict: Verdict): PromptCommand | undefined =>
  sentence && { type: 'answer', requests: sentence.requests, verdict, scope: scopeOf(sentence), lifetime: lifetimeOf(sentence) };

/** What a result means to the person, in words. */
export function messageFor(command: PromptCommand | undefined, result: CommandResult): PromptContext['message'] {
  if (!result.ok) return { level: 'error', text: result.message };
  if (command?.type === 'undo')
    return { level: 'info', text: 'The last decision was taken back. Connections already completed stay as they are.' };
  const verdict = command?.verdict === 'permit' ? 'Permitted' : 'Blocked';
  const others = `${result.settled} waiting request${result.settled === 1 ? '' : 's'} settled`;
  return { level: 'info', text: `${verdict}: ${others}${result.ruleId === undefined ? ', once.' : ', rule saved.'}` };
}
