import type { Filter } from '../model/objects.ts';
import type { Rule } from './rule.ts';
import { toRule } from './rule-schema.ts';
import { SALLYPORT_PROVIDER } from './well-known.ts';

/** The most bytes of a rule's record: the path (4096 characters), the note (1000) and the rest, in UTF-8. */
export const RECORD_MAX = 32 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The whole rule as its filters carry it in providerData: JSON in UTF-8, `{"v":1,"rule":…}`. */
export function encodeRecord(rule: Rule): Uint8Array {
  const { id, verdict, scope, lifetime, enabled, note, origin, createdAt } = rule;
  const bytes = encoder.encode(
    JSON.stringify({ v: 1, rule: { id, verdict, scope, lifetime, enabled, note, origin, createdAt } }),
  );
  if (bytes.length > RECORD_MAX)
    throw new RangeError(`rule ${id}: its record has ${bytes.length} bytes, ${RECORD_MAX} are possible`);
  return bytes;
}

/**
 * Reads a record back. A record that cannot be read gives a sentence about it instead: others may write into filters too.
 */
export function decodeRecord(bytes: Uint8Array | undefined): Rule | string {
  if (!bytes || bytes.length === 0) return 'carries no rule';
  if (bytes.length > RECORD_MAX) return `carries ${bytes.length} bytes, more than a rule has`;
  try {
    const data: unknown = JSON.parse(decoder.decode(bytes));
    if (typeof data !== 'object' || data === null || !('v' in data) || !('rule' in data)) return 'carries data that is no rule';
    if (data.v !== 1) return `carries a rule of version ${String(data.v)}, written by a newer Sallyport`;
    return toRule(data.rule);
  } catch (error) {
    return `carries a broken rule: ${error instanceof Error ? error.message : String(error)}`;
  }
}

const known = new WeakMap<Filter, Rule | string>();

/** What a filter's providerData says, as `decodeRecord` gives it. Remembered per filter object: reading ten thousand rules again costs nothing. */
export function recordOfFilter(filter: Filter): Rule | string {
  let record = known.get(filter);
  if (record === undefined) {
    record = decodeRecord(filter.providerData);
    known.set(filter, record);
  }
  return record;
}

/** The rule that a filter carries; undefined when it is none of ours or broken. */
export function ruleOfFilter(filter: Filter): Rule | undefined {
  if (filter.providerKey !== SALLYPORT_PROVIDER || !filter.providerData) return undefined;
  const record = recordOfFilter(filter);
  return typeof record === 'string' ? undefined : record;
}
