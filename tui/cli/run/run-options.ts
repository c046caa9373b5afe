import type { Rule } from '../../../engine/rules/rule.ts';
import { RuleError } from '../../../engine/rules/rule-error.ts';
import { themes } from '../../../themes/index.ts';
import { type ParsedArgs, parseChoice, parseSeconds } from '../args.ts';
import { Failure } from '../exit.ts';
import type { Prepared } from '../prepare.ts';
import type { AttendOptions } from './attend.ts';

/** Loaded only when asked for: the reader of YAML costs start-up time. */
async function rulesOf(file: string | undefined): Promise<readonly Rule[]> {
  if (file === undefined) return [];
  const [{ importRules }, { readRulesFile }] = await Promise.all([
    import('../../../engine/rules/exchange.ts'),
    import('../rules/rules-file.ts'),
  ]);
  try {
    return importRules(readRulesFile(file), file, Date.now());
  } catch (error) {
    if (error instanceof RuleError) throw new Failure(error.message);
    throw error;
  }
}

/** What `run`, `guard`, `lab` and `recorded` share, from options over settings. */
export async function attendOptions(
  { text, flags }: ParsedArgs,
  { where, settings }: Prepared,
): Promise<Omit<AttendOptions, 'open'>> {
  const theme = text['theme'] === undefined ? settings.theme : parseChoice('theme', text['theme'], Object.keys(themes));
  return {
    where,
    settings: {
      nameLookups: settings.nameLookups,
      coreNetworking: settings.coreNetworking,
      defaultVerdict:
        text['default'] === undefined
          ? settings.defaultVerdict
          : parseChoice('default', text['default'], ['block', 'permit'] as const),
      timeout: text['timeout'] === undefined ? settings.timeout : parseSeconds('timeout', text['timeout']),
    },
    rules: await rulesOf(text['rules']),
    json: flags.has('json'),
    line: flags.has('line'),
    waits: text['timeout'] !== undefined,
    theme,
    ascii: settings.ascii,
    keys: settings.keys,
  };
}
