import { newGuid } from '../engine/model/guid.ts';
import { installProvider } from '../engine/rules/base.ts';
import { describeRule } from '../engine/rules/describe.ts';
import type { Rule } from '../engine/rules/rule.ts';
import type { CommandResult, GuardCommand } from './guard-client.ts';
import type { GuardHost } from './guard-host.ts';
import type { RequestDesk } from './request-desk.ts';
import type { RuleBook } from './rule-book.ts';

export interface CommandContext {
  readonly host: GuardHost;
  readonly desk: RequestDesk;
  readonly book: RuleBook;
  readonly stop: () => Promise<void>;
}

type Command<T extends GuardCommand['type']> = Extract<GuardCommand, { type: T }>;

const no = (message: string): CommandResult => ({ ok: false, message });
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A saved rule settles every waiting request that it covers, as the engine decides now. */
async function settle({ host, desk }: CommandContext, rule?: Rule, answered = 0): Promise<CommandResult> {
  await host.published();
  return { ok: true, settled: answered + (await desk.redecideAll()), ...(rule ? { ruleId: rule.id } : {}) };
}

/** What is left of an answer whose rule the engine refused. Where nothing is held, nothing is. */
export const notKept = ({ kind }: Pick<GuardHost['source'], 'kind'>): string =>
  kind === 'net-events' ? 'The rule was not kept' : 'Answered once, but the rule was not kept';

async function answer(context: CommandContext, command: Command<'answer'>): Promise<CommandResult> {
  const { desk, book, host } = context;
  const { requests, verdict, scope, lifetime } = command;
  if (!requests.some(id => desk.canAnswer(id))) return no('Nothing was answered: the request is gone or already decided.');
  if (lifetime.kind === 'once') {
    const settled = desk.answer(requests, verdict).length;
    book.noteOnce(`${verdict}, once`);
    return { ok: true, settled };
  }
  const added = book.add({ verdict, scope, lifetime, enabled: true, origin: 'prompt' }, host.clock.now());
  const kept = added.then(async rule => {
    await host.published();
    return { ruleId: rule.id };
  });
  const answered = desk.answer(requests, verdict, { name: newGuid(), kept });
  try {
    await kept;
    return await settle(context, await added, answered.length);
  } catch (error) {
    return no(`${notKept(host.source)}: ${messageOf(error)}`);
  }
}

async function edit(context: CommandContext, command: Command<'rule.edit'>): Promise<CommandResult> {
  const { type: _, id, ...changes } = command;
  const rule = await context.book.edit(id, changes);
  return rule ? settle(context, rule) : no(`There is no rule ${id} any more.`);
}

async function enable(context: CommandContext, command: Command<'rule.enable'>): Promise<CommandResult> {
  const rule = await context.book.edit(command.id, { enabled: command.enabled });
  return rule ? settle(context, rule) : no(`There is no rule ${command.id} any more.`);
}

async function remove(context: CommandContext, command: Command<'rule.delete'>): Promise<CommandResult> {
  const [rule] = await context.book.remove([command.id]);
  return rule ? settle(context, rule) : no(`There is no rule ${command.id} any more.`);
}

async function undo(context: CommandContext): Promise<CommandResult> {
  const step = await context.book.undo();
  if (!step) return no('There is nothing to take back.');
  if (!step.undone) return no(`The last answer (${step.what}) made no rule: there is nothing to take back from it.`);
  return settle(context);
}

async function dispatch(context: CommandContext, command: GuardCommand): Promise<CommandResult> {
  switch (command.type) {
    case 'answer':
      return answer(context, command);
    case 'undo':
      return undo(context);
    case 'rule.add':
      if (command.rule.lifetime.kind === 'once') return no(`"${describeRule(command.rule)}" once is an answer, not a rule.`);
      // Nothing was put into the engine at the start, so what a rule refers to may be missing.
      if (context.host.asking === 'nothing') await installProvider(context.host.engine);
      return settle(context, await context.book.add(command.rule, context.host.clock.now()));
    case 'rule.delete':
      return remove(context, command);
    case 'rule.enable':
      return enable(context, command);
    case 'rule.edit':
      return edit(context, command);
    case 'signal':
      if (!context.host.source.signal) return no('There is no command here that could take a signal.');
      context.host.source.signal(command.signal);
      return { ok: true, settled: 0 };
    case 'stop':
      await context.stop();
      return { ok: true, settled: 0 };
  }
}

/** Does what a client asks. Whatever fails comes back as a sentence; nothing is thrown. */
export async function runCommand(context: CommandContext, command: GuardCommand): Promise<CommandResult> {
  try {
    return await dispatch(context, command);
  } catch (error) {
    return no(messageOf(error));
  }
}
