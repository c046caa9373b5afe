import { writeFileSync } from 'node:fs';
import { newGuid } from '../../../engine/model/guid.ts';
import { installProvider } from '../../../engine/rules/base.ts';
import { describeRule } from '../../../engine/rules/describe.ts';
import { applyRules, diffRules, type RuleDiff } from '../../../engine/rules/diff-rules.ts';
import { exportJson, exportYaml } from '../../../engine/rules/exchange.ts';
import { movedPrograms } from '../../../engine/rules/moved-programs.ts';
import { readRules } from '../../../engine/rules/read-rules.ts';
import type { Rule } from '../../../engine/rules/rule.ts';
import { RuleError } from '../../../engine/rules/rule-error.ts';
import { sameScope } from '../../../engine/rules/scope.ts';
import { type RuleStore, writeRules } from '../../../engine/rules/write-rules.ts';
import { type ParsedArgs, parseChoice, parseCommandArgs } from '../args.ts';
import { COMMANDS, type CommandContext } from '../commands.ts';
import { EXIT, Failure, UsageError } from '../exit.ts';
import { type OpenEngine, openEngine } from '../host/engine.ts';
import { preparePaths } from '../prepare.ts';
import { readForeignRules } from './foreign-rules.ts';
import { ruleFromArgs } from './rule-options.ts';
import { ruleJson, rulesTable } from './rule-view.ts';
import { readRulesFile } from './rules-file.ts';
import { userResolver } from './users.ts';

interface Job {
  readonly context: CommandContext;
  readonly args: ParsedArgs;
  /** What follows the subcommand. */
  readonly words: readonly string[];
  readonly open: OpenEngine;
  readonly rules: readonly Rule[];
  readonly json: boolean;
  readonly now: number;
}

const print = ({ context, json }: Job, value: unknown, text: string) =>
  context.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : text);

const storeOf = ({ open: { session, form } }: Pick<Job, 'open'>): RuleStore => ({ engine: session, ...form });

async function list(job: Job): Promise<number> {
  print(job, { rules: job.rules.map(ruleJson) }, rulesTable(job.rules, job.now));
  return EXIT.ok;
}

async function add(job: Job): Promise<number> {
  if (job.words.length > 1)
    throw new UsageError(
      `unexpected '${job.words[1]}' after ${job.words[0]}; scope goes into options, see: sallyport rules --help`,
    );
  const made = ruleFromArgs(job.words[0], job.args, job.now, await userResolver());
  const same = job.rules.find(rule => sameScope(rule.scope, made.scope));
  const rule: Rule = { ...made, id: same?.id ?? newGuid(), createdAt: same?.createdAt ?? job.now };
  await writeRules(storeOf(job), job.rules, { put: [rule] });
  print(
    job,
    { rule: ruleJson(rule), replaced: same !== undefined },
    `${same ? 'replaced' : 'added'} ${rule.id.slice(0, 8)}: ${describeRule(rule)}\n`,
  );
  return EXIT.ok;
}

/** The rules that the words name, each by its id or the beginning of it. */
function named(job: Job): readonly Rule[] {
  if (job.words.length === 0) throw new UsageError('name at least one rule by its ID; see: sallyport rules list');
  return job.words.map(word => {
    const found = job.rules.filter(rule => rule.id.startsWith(word.toLowerCase()));
    if (found.length === 1) return found[0] as Rule;
    if (found.length === 0) throw new Failure(`there is no rule ${word}; see: sallyport rules list`);
    throw new UsageError(`'${word}' begins the ids of ${found.length} rules; write more of it`);
  });
}

async function remove(job: Job): Promise<number> {
  const rules = named(job);
  await writeRules(storeOf(job), job.rules, { remove: rules });
  print(
    job,
    { removed: rules.map(ruleJson) },
    rules.map(rule => `removed ${rule.id.slice(0, 8)}: ${describeRule(rule)}\n`).join(''),
  );
  return EXIT.ok;
}

const enable = (enabled: boolean) => async (job: Job) => {
  const rules = named(job).map(rule => ({ ...rule, enabled }));
  await writeRules(storeOf(job), job.rules, { put: rules });
  print(
    job,
    { rules: rules.map(ruleJson) },
    rules.map(rule => `${enabled ? 'enabled' : 'disabled'} ${rule.id.slice(0, 8)}: ${describeRule(rule)}\n`).join(''),
  );
  return EXIT.ok;
};

async function exportRules(job: Job): Promise<number> {
  const file = job.words[0];
  const byName = file?.endsWith('.json') ? 'json' : 'yaml';
  const format = job.args.text['format']
    ? parseChoice('format', job.args.text['format'], ['yaml', 'json'] as const)
    : job.json
      ? 'json'
      : byName;
  const text = format === 'json' ? exportJson(job.rules) : exportYaml(job.rules);
  if (file === undefined || file === '-') job.context.stdout.write(text);
  else {
    try {
      writeFileSync(file, text, { mode: 0o600 });
    } catch (error) {
      throw new Failure(`the rules could not be written to ${file} (${(error as NodeJS.ErrnoException).code}); check the folder`);
    }
    job.context.stderr.write(`wrote ${job.rules.length} rules to ${file}\n`);
  }
  return EXIT.ok;
}

function wanted(job: Job): { readonly rules: readonly Rule[]; readonly report: readonly string[] } {
  const file = job.words[0];
  if (file === undefined || job.words.length > 1) throw new UsageError('give one rules FILE (or - for standard input)');
  return readForeignRules(readRulesFile(file), file, job.now, job.args.text['from']);
}

function diffText(diff: RuleDiff, removes: boolean): string {
  const lines = [
    ...diff.add.map(rule => `+ ${describeRule(rule)}`),
    ...diff.change.flatMap(({ from, to }) => [`- ${describeRule(from)}`, `+ ${describeRule(to)}`]),
    ...(removes ? diff.remove.map(rule => `- ${describeRule(rule)}`) : []),
  ];
  return lines.length ? `${lines.join('\n')}\n` : '';
}

const coloured = (text: string, on: boolean) =>
  on ? text.replace(/^\+.*$/gm, '\u001b[32m$&\u001b[0m').replace(/^-.*$/gm, '\u001b[31m$&\u001b[0m') : text;

const diffJson = (diff: RuleDiff, report: readonly string[]) => ({
  added: diff.add.map(ruleJson),
  changed: diff.change.map(({ from, to }) => ({ from: ruleJson(from), to: ruleJson(to) })),
  removed: diff.remove.map(ruleJson),
  unchanged: diff.same.length,
  notCarried: report,
});

/** Why no filter of this machine can name the rule's program; undefined when one can, or none is made. */
function unnameable({ scope: { app }, enabled }: Rule, appIdOf: RuleStore['appIdOf']): string | undefined {
  if (!appIdOf || app === undefined || !enabled) return undefined;
  try {
    appIdOf(app);
    return undefined;
  } catch (error) {
    if (error instanceof RuleError) return error.message;
    throw error;
  }
}

const change = (mode: 'plan' | 'apply' | 'import') => async (job: Job) => {
  const read = wanted(job);
  const report = [...read.report];
  // What comes from elsewhere may name what is not here: an import takes the rest.
  const rules = read.rules.filter(rule => {
    const why = mode === 'import' ? unnameable(rule, job.open.form.appIdOf) : undefined;
    if (why !== undefined) report.push(`${describeRule(rule)}: ${why}`);
    return why === undefined;
  });
  const full = diffRules(job.rules, rules);
  const diff = mode === 'import' ? { ...full, remove: [] } : full;
  for (const line of report) job.context.stderr.write(`not carried: ${line}\n`);
  if (mode !== 'plan') await applyRules(storeOf(job), diff);
  const { stdout, env } = job.context;
  const colour = Boolean(stdout.isTTY) && !env['NO_COLOR'];
  const done = mode === 'plan' ? 'would be' : 'were';
  const summary = `${diff.add.length} added, ${diff.change.length} changed, ${diff.remove.length} removed ${done === 'were' ? '' : '(plan only) '}; ${diff.same.length} unchanged\n`;
  print(job, diffJson(diff, report), coloured(diffText(diff, true), colour) + summary.replace(' ;', ';'));
  return EXIT.ok;
};

const subcommands: { readonly [name: string]: (job: Job) => Promise<number> } = {
  list,
  add,
  remove,
  enable: enable(true),
  disable: enable(false),
  export: exportRules,
  import: change('import'),
  plan: change('plan'),
  apply: change('apply'),
};

/** `sallyport rules …`: reads and changes the rules that last. On a terminal, without a subcommand, the Rules view. */
export async function rulesCommand(context: CommandContext): Promise<number> {
  const args = parseCommandArgs('rules', context.args, COMMANDS.find(c => c.name === 'rules')?.options ?? []);
  const [name, ...words] = args.positionals;
  const json = args.flags.has('json');
  if (name === undefined && !json) {
    const { canDraw } = await import('../terminal.ts');
    if (canDraw(context.stdin, context.stdout, context.env))
      return (await import('../browse-command.ts')).browse(context, 'rules');
  }
  const work = subcommands[name ?? 'list'];
  if (!work) throw new UsageError(`unknown subcommand '${name}' of rules; there are ${Object.keys(subcommands).join(', ')}`);
  const { where } = preparePaths(context);
  const open = await openEngine(where, `sallyport rules ${name ?? 'list'}`);
  try {
    if (!['list', 'export', 'plan'].includes(name ?? 'list')) await installProvider(open.session);
    const { rules, problems } = await readRules(open.session);
    const { moved, lost } = await movedPrograms(storeOf({ open }));
    const stale = [...moved, ...lost].map(
      rule =>
        `Rule ${rule.id} names ${rule.scope.app}, its filters do not: the machine's drives changed. Saving it or starting a guard renews it.`,
    );
    for (const problem of [...problems, ...stale]) context.stderr.write(`sallyport: ${problem}\n`);
    return await work({ context, args, words, open, rules, json, now: Date.now() });
  } catch (error) {
    if (error instanceof RuleError) throw name === 'add' ? new UsageError(error.message) : new Failure(error.message);
    throw error;
  } finally {
    await open.close();
  }
}
