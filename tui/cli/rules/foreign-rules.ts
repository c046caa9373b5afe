import { importRules } from '../../../engine/rules/exchange.ts';
import type { Rule } from '../../../engine/rules/rule.ts';
import { parseChoice } from '../args.ts';

/** Formats that rules can come in. */
export const RULE_FORMATS = ['sallyport'] as const;

/**
 * Reads rules of any known format; which one is seen from the text unless it is named.
 * @returns the rules and one line for everything that could not be carried
 */
export function readForeignRules(
  text: string,
  file: string,
  now: number,
  from?: string,
): { readonly rules: readonly Rule[]; readonly report: readonly string[] } {
  if (from !== undefined) parseChoice('from', from, RULE_FORMATS);
  return { rules: importRules(text, file, now), report: [] };
}
