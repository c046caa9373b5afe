import { importRules } from '../../../engine/rules/exchange.ts';
import { FOREIGN_KINDS, foreignKind, importForeign } from '../../../engine/rules/import/import-foreign.ts';
import type { Rule } from '../../../engine/rules/rule.ts';
import { parseChoice } from '../args.ts';

/** Formats that rules can come in. */
export const RULE_FORMATS = ['sallyport', ...FOREIGN_KINDS] as const;

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
  const kind = from === undefined ? (foreignKind(text) ?? 'sallyport') : parseChoice('from', from, RULE_FORMATS);
  if (kind === 'sallyport') return { rules: importRules(text, file, now), report: [] };
  return importForeign(text, file, now, kind);
}
