import type { DumpFilter } from '../../engine/dumps/dump.ts';
import { shownKey } from '../../engine/dumps/key-names.ts';
import { conditionText, valueText } from '../../engine/explain/condition-text.ts';
import type { Guid } from '../../engine/model/guid.ts';
import { nameOfKey } from '../../engine/model/keys.ts';
import { FILTER_FLAG, type Filter } from '../../engine/model/objects.ts';
import { baseName } from './words.ts';

/** Names that a file gives to keys of which the GUID is not known. */
export type Names = ReadonlyMap<Guid, string> | undefined;

/** What a filter does, in one word; `ask` is a callout that may decide itself. */
export const actionWords = (filter: Filter): string =>
  ({
    FWP_ACTION_BLOCK: 'block',
    FWP_ACTION_PERMIT: 'permit',
    FWP_ACTION_CALLOUT_TERMINATING: 'ask',
    FWP_ACTION_CALLOUT_INSPECTION: 'inspect',
    FWP_ACTION_CALLOUT_UNKNOWN: 'callout',
    FWP_ACTION_CONTINUE: 'continue',
    FWP_ACTION_NONE: 'none',
    FWP_ACTION_NONE_NO_MATCH: 'none',
  })[filter.action.type];

const EQUAL = ['FWP_MATCH_EQUAL', 'FWP_MATCH_RANGE', 'FWP_MATCH_EQUAL_CASE_INSENSITIVE'];
const said = new WeakMap<Filter, string>();

/** `curl → 203.0.113.9 port 443 tcp`: what a filter matches, in one line; other conditions follow in words. Made once per filter. */
export function filterWords(filter: Filter, names?: Names): string {
  const known = said.get(filter);
  if (known !== undefined) return known;
  const text = words(filter, names);
  said.set(filter, text);
  return text;
}

/** The first two; how many more there are. */
const several = (list: readonly string[]): string =>
  list.length > 2 ? `${list[0]} or ${list.length - 1} more` : list.join(' or ');

function words(filter: Filter, names: Names): string {
  const apps: string[] = [];
  const remote: string[] = [];
  const ports: string[] = [];
  const localPorts: string[] = [];
  const protocols: string[] = [];
  const places: Readonly<Record<string, string[]>> = {
    ALE_APP_ID: apps,
    IP_REMOTE_ADDRESS: remote,
    IP_REMOTE_PORT: ports,
    IP_LOCAL_PORT: localPorts,
    IP_PROTOCOL: protocols,
  };
  const rest: string[] = [];
  for (const condition of filter.filterCondition as DumpFilter['filterCondition']) {
    const field = shownKey('condition', condition.fieldKey, names);
    const place = EQUAL.includes(condition.matchType) && condition.asFound === undefined ? places[field] : undefined;
    if (place) place.push(valueText(field, condition.conditionValue));
    else rest.push(conditionText(condition, names));
  }
  const inbound = /INBOUND|RECV_ACCEPT|LISTEN/.test(nameOfKey('layer', filter.layerKey) ?? '');
  return [
    several(apps.map(baseName)) || 'any',
    inbound ? ' ← ' : ' → ',
    several(remote) || 'any',
    ports.length ? ` port ${ports.join(' or ')}` : '',
    protocols.length ? ` ${protocols.join(' or ')}` : '',
    localPorts.length ? ` on local port ${localPorts.join(' or ')}` : '',
    rest.length ? `; ${rest.join('; ')}` : '',
  ].join('');
}

/** Names of the flags that are set; a dump's own names where it has them. */
export const flagNames = (filter: Filter & { readonly flagNames?: readonly string[] }): readonly string[] =>
  filter.flagNames ??
  Object.entries(FILTER_FLAG)
    .filter(([, bit]) => (filter.flags & bit) !== 0)
    .map(([name]) => name);
