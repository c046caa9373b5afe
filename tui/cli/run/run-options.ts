import { importRules } from '../../../engine/rules/exchange.ts';
import type { Rule } from '../../../engine/rules/rule.ts';
import { RuleError } from '../../../engine/rules/rule-error.ts';
import { themes } from '../../../themes/index.ts';
import { type ParsedArgs, parseChoice, parseSeconds } from '../args.ts';
import { Failure } from '../exit.ts';
import type { Prepared } from '../prepare.ts';
import { readRulesFile } from '../rules/rules-file.ts';
import type { AttendOptions } from './attend.ts';

function rulesOf(file: string | undefined): readonly Rule[] {
  if (file === undefined) return [];
  try {
    return importRules(readRulesFile(file), file, Date.now());
  } catch (error) {
    if (error instanceof RuleError) throw new Failure(error.message);
    throw error;
  }
}

/** What `run`, `lab` and `recorded` share, from options over settings. */
export function attendOptions({ text, flags }: ParsedArgs, { where, settings }: Prepared): Omit<AttendOptions, 'source'> {
  const theme = text['theme'] === undefined ? settings.theme : parseChoice('theme', text['theme'], Object.keys(themes));
  return {
    where,
    settings: {
      nameLookups: settings.nameLookups,
      defaultVerdict:
        text['default'] === undefined
          ? settings.defaultVerdict
          : parseChoice('default', text['default'], ['block', 'permit'] as const),
      timeout: text['timeout'] === undefined ? settings.timeout : parseSeconds('timeout', text['timeout']),
    },
    rules: rulesOf(text['rules']),
    json: flags.has('json'),
    line: flags.has('line'),
    waits: text['timeout'] !== undefined,
    theme,
    ascii: settings.ascii,
    keys: settings.keys,
  };
}
