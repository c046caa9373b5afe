import { queryHistory } from '../../engine/history/query-history.ts';
import { parseDuration, parseRemote } from '../../engine/rules/parse-rule.ts';
import { parseChoice, parseCommandArgs } from './args.ts';
import { COMMANDS, type CommandContext } from './commands.ts';
import { EXIT, UsageError } from './exit.ts';
import { preparePaths } from './prepare.ts';
import { attemptText, byText } from './run/line-format.ts';
import { textTable } from './table.ts';

const MAX_LIMIT = 1_000_000;

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit < 1 || limit > MAX_LIMIT)
    throw new UsageError(`--limit takes a number from 1 to ${MAX_LIMIT}, got '${text}'`);
  return limit;
}

/** `sallyport history`: what was asked and decided, newest last. */
export async function historyCommand(context: CommandContext): Promise<number> {
  const { text, flags, positionals } = parseCommandArgs(
    'history',
    context.args,
    COMMANDS.find(c => c.name === 'history')?.options ?? [],
  );
  if (positionals.length > 0) throw new UsageError(`unexpected '${positionals[0]}'; see: sallyport history --help`);
  const { where } = preparePaths(context);
  let since: number | undefined;
  let remote: ReturnType<typeof parseRemote> | undefined;
  try {
    if (text['since'] !== undefined) since = Date.now() - parseDuration(text['since']);
    if (text['remote'] !== undefined) remote = parseRemote(text['remote']);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const entries = queryHistory(where.history, {
    limit: parseLimit(text['limit'] ?? '50'),
    ...(text['app'] === undefined ? {} : { app: text['app'] }),
    ...(text['verdict'] === undefined
      ? {}
      : { verdict: parseChoice('verdict', text['verdict'], ['permit', 'block', 'withdrawn'] as const) }),
    ...(since === undefined ? {} : { since }),
    ...(remote === undefined ? {} : { remote }),
  });
  if (flags.has('json')) {
    const history = entries.map(({ at, ...entry }) => ({ at: new Date(at).toISOString(), ...entry }));
    context.stdout.write(
      `${JSON.stringify({ history }, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 2)}\n`,
    );
    return EXIT.ok;
  }
  if (entries.length === 0) context.stdout.write('nothing was asked or decided yet\n');
  else
    context.stdout.write(
      textTable(
        ['WHEN', 'VERDICT', 'WHO AND WHERE TO', 'BY', 'WAITED', 'RESULT'],
        entries.map(e => [
          new Date(e.at).toISOString().slice(0, 19).replace('T', ' '),
          e.verdict,
          attemptText(e.attempt),
          e.verdict === 'withdrawn' ? '' : byText(e.by, e.waited),
          e.waited === 0 ? '' : `${(e.waited / 1000).toFixed(1)} s`,
          e.result ?? '',
        ]),
      ),
    );
  return EXIT.ok;
}
