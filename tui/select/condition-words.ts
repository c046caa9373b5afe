import { FILTER_FLAG, type Filter, type FilterCondition, type Layer } from '../../engine/model/objects.ts';
import type { FwpConditionValue, MatchType } from '../../engine/model/value.ts';
import { baseName, protocolName } from './words.ts';

const matchWords: Readonly<Record<MatchType, string>> = {
  FWP_MATCH_EQUAL: 'is',
  FWP_MATCH_GREATER: '>',
  FWP_MATCH_LESS: '<',
  FWP_MATCH_GREATER_OR_EQUAL: '>=',
  FWP_MATCH_LESS_OR_EQUAL: '<=',
  FWP_MATCH_RANGE: 'in',
  FWP_MATCH_FLAGS_ALL_SET: 'has all of',
  FWP_MATCH_FLAGS_ANY_SET: 'has any of',
  FWP_MATCH_FLAGS_NONE_SET: 'has none of',
  FWP_MATCH_EQUAL_CASE_INSENSITIVE: 'is',
  FWP_MATCH_NOT_EQUAL: 'is not',
  FWP_MATCH_PREFIX: 'ends in',
  FWP_MATCH_NOT_PREFIX: 'does not end in',
};

const ipv4 = (value: number) => [24, 16, 8, 0].map(shift => (value >>> shift) & 255).join('.');
const ipv6 = (bytes: Uint8Array) => {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  const text = groups.join(':');
  const run = [...text.matchAll(/(^|:)0(:0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length)[0];
  return run ? `${text.slice(0, run.index)}::${text.slice(run.index + run[0].length + 1)}`.replace(':::', '::') : text;
};
/** Bits of a contiguous mask. */
const prefixOf = (mask: number) => Math.clz32(~mask);
const hex = (bytes: Uint8Array) => Buffer.from(bytes.subarray(0, 16)).toString('hex') + (bytes.length > 16 ? '…' : '');
const utf16 = new TextDecoder('utf-16le');

/** A value as a person reads it, by its type and the field it belongs to. */
export function valueWords(value: FwpConditionValue, field = ''): string {
  switch (value.type) {
    case 'FWP_EMPTY':
      return 'nothing';
    case 'FWP_UINT32':
      if (field.includes('ADDRESS') && !field.includes('TYPE')) return ipv4(value.value);
      return field === 'FLAGS' || field.endsWith('_FLAGS') ? `0x${value.value.toString(16)}` : String(value.value);
    case 'FWP_UINT8':
    case 'FWP_UINT16':
      return field === 'IP_PROTOCOL' ? protocolName(value.value) : String(value.value);
    case 'FWP_V4_ADDR_MASK':
      return `${ipv4(value.value.addr)}/${prefixOf(value.value.mask)}`;
    case 'FWP_V6_ADDR_MASK':
      return `${ipv6(value.value.addr)}/${value.value.prefixLength}`;
    case 'FWP_RANGE_TYPE':
      return `${valueWords(value.value.low, field)} to ${valueWords(value.value.high, field)}`;
    case 'FWP_BYTE_ARRAY16_TYPE':
      return ipv6(value.value);
    case 'FWP_BYTE_BLOB_TYPE':
      return /APP_ID|PATH|PEER_NAME|EFFECTIVE_NAME/.test(field) ? utf16.decode(value.value).replace(/\0$/, '') : hex(value.value);
    case 'FWP_BYTE_ARRAY6_TYPE':
      return hex(value.value);
    case 'FWP_TOKEN_INFORMATION_TYPE':
    case 'FWP_TOKEN_ACCESS_INFORMATION_TYPE':
      return value.value.sids.join(', ');
    default:
      return String(value.value);
  }
}

/** Field names of a layer by their GUID. */
const fieldNames = new WeakMap<Layer, ReadonlyMap<string, string>>();
export function fieldName(layer: Layer | undefined, key: string): string {
  if (!layer) return key;
  let names = fieldNames.get(layer);
  if (!names) {
    names = new Map(layer.fields.map(field => [field.fieldKey, field.name]));
    fieldNames.set(layer, names);
  }
  return names.get(key) ?? key;
}

/** `remote port is 443`. */
export function conditionWords(condition: FilterCondition, layer: Layer | undefined): string {
  const name = fieldName(layer, condition.fieldKey);
  const short = name
    .replace(/^(IP_|ALE_)/, '')
    .replaceAll('_', ' ')
    .toLowerCase();
  return `${short} ${matchWords[condition.matchType]} ${valueWords(condition.conditionValue, name)}`;
}

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

/** `curl → 203.0.113.9 port 443 TCP`: what a filter matches, in one line; other conditions follow in words. */
export function filterWords(filter: Filter, layer: Layer | undefined): string {
  let app = 'any';
  let remote: string[] = [];
  let port = '';
  let protocol = '';
  const rest: string[] = [];
  for (const condition of filter.filterCondition) {
    const name = fieldName(layer, condition.fieldKey);
    const equal = ['FWP_MATCH_EQUAL', 'FWP_MATCH_RANGE', 'FWP_MATCH_EQUAL_CASE_INSENSITIVE'].includes(condition.matchType);
    const text = valueWords(condition.conditionValue, name);
    if (equal && name === 'ALE_APP_ID') app = baseName(text);
    else if (equal && name === 'IP_REMOTE_ADDRESS') remote = [...remote, text];
    else if (equal && name === 'IP_REMOTE_PORT') port += `${port ? ',' : ' port '}${text}`;
    else if (equal && name === 'IP_PROTOCOL') protocol = ` ${text}`;
    else rest.push(conditionWords(condition, layer));
  }
  return `${app} → ${remote.length ? remote.join(', ') : 'any'}${port}${protocol}${rest.length ? `; ${rest.join('; ')}` : ''}`;
}

/** Names of the flags that are set. */
export const flagNames = (filter: Filter): readonly string[] =>
  Object.entries(FILTER_FLAG)
    .filter(([, bit]) => (filter.flags & bit) !== 0)
    .map(([name]) => name);
