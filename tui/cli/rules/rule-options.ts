import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { parseRule, type RuleOptions } from '../../../engine/rules/parse-rule.ts';
import type { Rule } from '../../../engine/rules/rule.ts';
import type { ParsedArgs } from '../args.ts';
import { UsageError } from '../exit.ts';
import type { UserResolver } from './users.ts';

/**
 * The program file that will be seen when it connects: a bare name is looked up in PATH, symbolic links are followed
 * (/usr/bin/python3 runs as /usr/bin/python3.11). A path that does not exist stays as it is: the program may come later.
 */
export function resolveProgram(text: string, path = process.env['PATH'] ?? ''): string {
  const executable = (file: string) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  const windows = process.platform === 'win32';
  const endings = windows ? ['', '.exe'] : [''];
  const found =
    isAbsolute(text) || text.includes('/') || (windows && (text.includes('\\') || text.toLowerCase() === 'system'))
      ? text
      : path
          .split(delimiter)
          .filter(isAbsolute)
          .flatMap(folder => endings.map(ending => join(folder, `${text}${ending}`)))
          .find(executable);
  if (found === undefined) throw new UsageError(`there is no program '${text}' in PATH; give the program's whole path`);
  try {
    return realpathSync(found);
  } catch {
    return found;
  }
}

/** Reads the rule that `rules add` describes. */
export function ruleFromArgs(
  verdict: string | undefined,
  { text, flags }: ParsedArgs,
  now: number,
  resolveUser: UserResolver,
): Omit<Rule, 'id' | 'createdAt'> {
  const { app, ...rest } = text;
  const options: RuleOptions = {
    ...(rest as RuleOptions),
    ...(app === undefined ? {} : { app: resolveProgram(app) }),
    ...(flags.has('permanent') ? { permanent: true } : {}),
  };
  return parseRule(verdict, options, { now, resolveUser, asksAtAccept: process.platform === 'win32' });
}
