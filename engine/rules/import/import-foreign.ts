import { RuleError } from '../rule-error.ts';
import type { Imported } from './draft.ts';
import { importOpenSnitch } from './opensnitch.ts';
import { importSimplewall } from './simplewall.ts';
import { importTinyWall } from './tinywall.ts';
import { importWindowsFirewall } from './windows-firewall.ts';

export const FOREIGN_KINDS = ['simplewall', 'windows-firewall', 'opensnitch', 'tinywall'] as const;
export type ForeignKind = (typeof FOREIGN_KINDS)[number];

/** Whose rules a text holds, by its content; undefined when it is none of them (then it may be Sallyport's own). */
export function foreignKind(text: string): ForeignKind | undefined {
  const head = text.slice(0, 4096).replace(/^[\s\uFEFF]+/, '');
  if (/^Windows Registry Editor|^REGEDIT4/.test(head)) return 'windows-firewall';
  if (head.startsWith('<'))
    return /<root[\s>]/.test(head) || /<(apps|rules_custom|rules_config|rules_system|rules_blocklist)[\s/>]/.test(head)
      ? 'simplewall'
      : undefined;
  if (!/^[[{]/.test(head)) return undefined;
  if (/"(KnownApplications|AppExceptions|SubjectType)"/.test(text.slice(0, 100_000))) return 'tinywall';
  if (/"operator"\s*:/.test(text.slice(0, 100_000)) && /"action"\s*:/.test(text.slice(0, 100_000))) return 'opensnitch';
  return undefined;
}

/**
 * Reads another firewall's rules. `report` has a line for everything that could not be carried, and why; the ids of the rules are the
 * same each time, so importing twice changes nothing.
 * @param now milliseconds since the epoch
 * @throws RuleError when the text as a whole cannot be read
 */
export function importForeign(
  text: string,
  file: string,
  now: number,
  kind: ForeignKind | undefined = foreignKind(text),
): Imported {
  switch (kind) {
    case 'simplewall':
      return importSimplewall(text, file, now);
    case 'windows-firewall':
      return importWindowsFirewall(text, now);
    case 'opensnitch':
      return importOpenSnitch(text, file, now);
    case 'tinywall':
      return importTinyWall(text, file, now);
    default:
      throw new RuleError(`${file} holds no rules of ${FOREIGN_KINDS.join(', ')}. Name the format with --from.`);
  }
}
