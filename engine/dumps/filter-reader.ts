import type { Guid } from '../model/guid.ts';
import { NULL_GUID } from '../model/guid.ts';
import type { KeyKind } from '../model/keys.ts';
import { ACTION_TYPE, type ActionType, FILTER_FLAG, type FilterAction } from '../model/objects.ts';
import { UNREADABLE_CALLOUT } from '../model/unreadable.ts';
import { type FwpValue, MATCH_TYPE, type MatchType } from '../model/value.ts';
import { parseU64 } from './address.ts';
import type { DumpCondition, DumpFilter } from './dump.ts';
import type { Keeper } from './keep.ts';
import type { KeyNames } from './key-names.ts';
import type { Problems } from './problem.ts';
import { readBlob, readValue } from './value-reader.ts';
import { plain, type XmlNode } from './xml-node.ts';

/** What readers of objects share. */
export interface ReadContext {
  readonly keep: Keeper;
  readonly keys: KeyNames;
  readonly problems: Problems;
}

/** Collects what has no place in the model. */
export class Unknowns {
  private list: string[] | undefined;
  private readonly keep: Keeper;
  constructor(keep: Keeper) {
    this.keep = keep;
  }
  add(path: string, node: XmlNode): void {
    const value = plain(node);
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    this.list ??= [];
    this.list.push(
      this.keep.text(`${path} = ${text.length > 2000 ? `${text.slice(0, 2000)}… (${text.length} characters)` : text}`),
    );
  }
  get found(): { unknown?: readonly string[] } {
    return this.list ? { unknown: this.list } : {};
  }
}

/** Names of flags in a `flags` list; bits of those that the table has, and of bare hexadecimal items (`00000300`). */
export function readFlags(
  node: XmlNode,
  prefix: string,
  table: { readonly [name: string]: number },
  keep: Keeper,
): { flags: number; names: readonly string[] } {
  if (node.children.length === 0 && node.text === '') return NO_FLAGS;
  let flags = 0;
  const names: string[] = [];
  for (const item of node.children) {
    const name = keep.text(item.text);
    const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    if (Object.hasOwn(table, bare)) flags |= table[bare] ?? 0;
    else if (/^[0-9A-F]{8}$/i.test(name)) flags |= Number.parseInt(name, 16);
    names.push(bare);
  }
  if (node.children.length === 0) names.push(keep.text(node.text));
  return { flags: flags >>> 0, names };
}
const NO_FLAGS = { flags: 0, names: [] as readonly string[] };

/** displayData: name and description as they stand, any language. */
export function readDisplayData(node: XmlNode, keep: Keeper): { name: string; description?: string } {
  let name = '';
  let description = '';
  for (const each of node.children) {
    if (each.name === 'name') name = keep.text(each.text);
    else if (each.name === 'description') description = keep.text(each.text);
  }
  return description === '' ? { name } : { name, description };
}

function readCondition(node: XmlNode, context: ReadContext, unknown: Unknowns): DumpCondition {
  let fieldKey: Guid | undefined;
  let match = '';
  let valueNode: XmlNode | undefined;
  for (const each of node.children) {
    if (each.name === 'fieldKey') fieldKey = context.keys.key('condition', each.text);
    else if (each.name === 'matchType') match = each.text;
    else if (each.name === 'conditionValue') valueNode = each;
    else unknown.add(`filterCondition/${each.name}`, each);
  }
  const value = valueNode && readValue(valueNode, context.keep);
  const key = fieldKey ?? NULL_GUID;
  if (value && fieldKey && Object.hasOwn(MATCH_TYPE, match))
    return { fieldKey: key, matchType: match as MatchType, conditionValue: value };
  const asFound = context.keep.text(`${match} ${valueNode ? JSON.stringify(plain(valueNode)) : '(no value)'}`.slice(0, 2000));
  context.problems.add('warning', node.line, node.column, `a condition could not be read and counts as unknown: ${asFound}`);
  return { fieldKey: key, matchType: 'FWP_MATCH_RANGE', conditionValue: { type: 'FWP_EMPTY' }, asFound };
}

function readAction(node: XmlNode, context: ReadContext, unknown: Unknowns): FilterAction {
  let type = '';
  let calloutKey: Guid | undefined;
  for (const each of node.children) {
    if (each.name === 'type') type = each.text;
    else if (each.name === 'filterType' || each.name === 'calloutKey') calloutKey = context.keys.key('callout', each.text);
    else unknown.add(`action/${each.name}`, each);
  }
  if (Object.hasOwn(ACTION_TYPE, type))
    return calloutKey ? { type: type as ActionType, calloutKey } : { type: type as ActionType };
  unknown.add('action', node);
  context.problems.add(
    'warning',
    node.line,
    node.column,
    `unknown action ${type || '(none)'}: what the filter does counts as unknown`,
  );
  return { type: 'FWP_ACTION_CALLOUT_UNKNOWN', calloutKey: calloutKey ?? UNREADABLE_CALLOUT };
}

function readWeight(node: XmlNode, keep: Keeper): FwpValue | undefined {
  const value = readValue(node, keep);
  return value?.type === 'FWP_EMPTY' || value?.type === 'FWP_UINT8' || value?.type === 'FWP_UINT64' ? value : undefined;
}

const EMPTY: FwpValue = { type: 'FWP_EMPTY' };
const required = ['filterKey', 'layerKey', 'subLayerKey', 'action', 'filterId', 'effectiveWeight'] as const;

/** One filter. Whatever is damaged in it is told as an error with its line; the filter is kept with what could be read. */
export function readFilter(node: XmlNode, context: ReadContext): DumpFilter {
  const { keep, keys, problems } = context;
  const unknown = new Unknowns(keep);
  const optional: { -readonly [K in 'providerKey' | 'providerData' | 'rawContext' | 'providerContextKey']?: DumpFilter[K] } = {};
  let filterKey: Guid | undefined;
  let layerKey: Guid | undefined;
  let subLayerKey: Guid | undefined;
  let displayData: DumpFilter['displayData'] = { name: '' };
  let flags = NO_FLAGS;
  let weight: FwpValue | undefined = EMPTY;
  let filterCondition: readonly DumpCondition[] = NO_CONDITIONS;
  let action: FilterAction | undefined;
  let filterId: bigint | undefined;
  let effectiveWeight: bigint | undefined;
  const bad = (each: XmlNode) =>
    problems.add('error', each.line, each.column, `<${each.name}> of a filter cannot be read: ${short(each)}`);
  const key = (kind: KeyKind | 'filter' | 'context', each: XmlNode) => keys.key(kind, each.text);
  for (const each of node.children) {
    switch (each.name) {
      case 'filterKey':
        filterKey = key('filter', each);
        break;
      case 'displayData':
        displayData = readDisplayData(each, keep);
        break;
      case 'flags':
        flags = readFlags(each, 'FWPM_FILTER_FLAG_', FILTER_FLAG, keep);
        break;
      case 'providerKey':
        if (each.text !== '') optional.providerKey = key('provider', each)!;
        break;
      case 'providerData': {
        if (each.children.length === 0 && each.text === '') break;
        const data = readBlob(each, keep);
        if (data) optional.providerData = data;
        else bad(each);
        break;
      }
      case 'layerKey':
        layerKey = key('layer', each);
        break;
      case 'subLayerKey':
        subLayerKey = key('sublayer', each);
        break;
      case 'weight':
        weight = readWeight(each, keep);
        if (!weight) bad(each);
        break;
      case 'filterCondition':
        if (each.children.length > 0) filterCondition = each.children.map(item => readCondition(item, context, unknown));
        break;
      case 'action':
        action = readAction(each, context, unknown);
        break;
      case 'rawContext': {
        const raw = parseU64(each.text);
        if (raw === undefined) bad(each);
        else optional.rawContext = raw;
        break;
      }
      case 'providerContextKey':
        if (each.text !== '') optional.providerContextKey = key('context', each)!;
        break;
      case 'reserved':
        if (each.text !== '' || each.children.length > 0) unknown.add('reserved', each);
        break;
      case 'filterId':
        filterId = parseU64(each.text);
        if (filterId === undefined) bad(each);
        break;
      case 'effectiveWeight': {
        const value = readValue(each, keep);
        if (value?.type === 'FWP_UINT64') effectiveWeight = value.value;
        else bad(each);
        break;
      }
      default:
        unknown.add(each.name, each);
    }
  }
  const missing = required.filter(name => !node.children.some(each => each.name === name));
  if (missing.length > 0)
    problems.add('error', node.line, node.column, `a filter has no ${missing.join(', ')}: the dump is damaged or cut`);
  return {
    filterKey: filterKey ?? NULL_GUID,
    displayData,
    flags: flags.flags,
    ...optional,
    layerKey: layerKey ?? NULL_GUID,
    subLayerKey: subLayerKey ?? NULL_GUID,
    weight: weight ?? EMPTY,
    filterCondition,
    action: action ?? { type: 'FWP_ACTION_CALLOUT_UNKNOWN', calloutKey: UNREADABLE_CALLOUT },
    filterId: filterId ?? 0n,
    effectiveWeight: effectiveWeight ?? 0n,
    flagNames: flags.names,
    ...unknown.found,
    line: node.line,
    column: node.column,
  };
}

const NO_CONDITIONS: readonly DumpCondition[] = [];
const short = (node: XmlNode): string => JSON.stringify(plain(node)).slice(0, 80);
