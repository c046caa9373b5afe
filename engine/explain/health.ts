import type { DumpFilter } from '../dumps/dump.ts';
import { utf16 } from '../dumps/keep.ts';
import { CONDITION_KEY, nameOfKey } from '../model/keys.ts';
import { FILTER_FLAG, OBJECT_FLAG } from '../model/objects.ts';
import { UNREADABLE_CALLOUT } from '../model/unreadable.ts';
import { covers, type Groups, groupsOf, isEmptyRange } from './cover.ts';
import { actionWord } from './filter-report.ts';
import type { Machine } from './machine.ts';
import { securityProduct } from './security-products.ts';

export type FindingKind =
  | 'shadowed'
  | 'never-matches'
  | 'callout-not-registered'
  | 'blocks-security-product'
  | 'leftover'
  | 'duplicate'
  | 'broad-permit';

/** Something about a filter that deserves a look, and why. */
export interface Finding {
  readonly kind: FindingKind;
  readonly filterId: string;
  readonly filterKey: string;
  readonly name: string;
  readonly action: string;
  readonly layer: string;
  readonly subLayer: string;
  readonly provider: string;
  readonly reason: string;
  /** Run-time ids of the other filters that the reason speaks of. */
  readonly others: readonly string[];
}

interface Ready {
  readonly filter: DumpFilter;
  readonly groups: Groups;
}

const INACTIVE = FILTER_FLAG.DISABLED | FILTER_FLAG.BOOTTIME;

/** What cannot be looked at, because the source does not tell what it takes. */
export function notChecked({ dump }: Machine): readonly string[] {
  const listed = dump.providers.length > 0 && dump.errors === 0;
  return [
    ...(dump.tellsCallouts ? [] : ['callouts: the source does not tell which are registered']),
    ...(listed || !dump.filters.some(filter => filter.providerKey) ? [] : ['leftovers: the source does not list all providers']),
    ...(dump.kind === 'audit' ? ['duplicates: an audit log does not tell the provider contexts of filters'] : []),
  ];
}

/** Looks through all filters of a machine. */
export function health(machine: Machine): readonly Finding[] {
  const findings: Finding[] = [];
  const report = (kind: FindingKind, filter: DumpFilter, reason: string, others: readonly DumpFilter[] = []) =>
    findings.push({
      kind,
      filterId: String(filter.filterId),
      filterKey: filter.filterKey,
      name: filter.displayData.name,
      action: actionWord(filter),
      layer: machine.layerName(filter.layerKey),
      subLayer: machine.subLayerName(filter.subLayerKey),
      provider: machine.providerName(filter.providerKey),
      reason,
      others: others.map(each => String(each.filterId)),
    });
  for (const filter of machine.dump.filters) {
    securityBlock(filter, report);
    callout(machine, filter, report);
    leftover(machine, filter, report);
    neverMatches(machine, filter, report);
  }
  const places = new Map<string, Ready[]>();
  for (const filter of machine.dump.filters) {
    if ((filter.flags & INACTIVE) !== 0) continue;
    const key = `${filter.layerKey} ${filter.subLayerKey}`;
    const place = places.get(key);
    const ready = { filter, groups: groupsOf(filter) };
    if (place) place.push(ready);
    else places.set(key, [ready]);
  }
  for (const place of places.values()) {
    place.sort((a, b) =>
      a.filter.effectiveWeight < b.filter.effectiveWeight ? 1 : a.filter.effectiveWeight > b.filter.effectiveWeight ? -1 : 0,
    );
    if (machine.dump.kind !== 'audit') duplicates(place, report);
    ranked(place, report);
  }
  return findings;
}

type Report = (kind: FindingKind, filter: DumpFilter, reason: string, others?: readonly DumpFilter[]) => void;

function securityBlock(filter: DumpFilter, report: Report): void {
  if (filter.action.type !== 'FWP_ACTION_BLOCK') return;
  for (const { fieldKey, matchType, conditionValue } of filter.filterCondition) {
    if (
      fieldKey !== CONDITION_KEY.ALE_APP_ID ||
      conditionValue.type !== 'FWP_BYTE_BLOB_TYPE' ||
      matchType === 'FWP_MATCH_NOT_EQUAL'
    )
      continue;
    const path = utf16(conditionValue.value);
    const product = securityProduct(path);
    if (product)
      report('blocks-security-product', filter, `it blocks ${path}, a program of ${product}: a way to blind a security product`);
  }
}

function callout(machine: Machine, filter: DumpFilter, report: Report): void {
  const key = filter.action.calloutKey;
  if (!key || !machine.dump.tellsCallouts) return;
  const found = machine.callout(key);
  const name = nameOfKey('callout', key) ?? `{${key}}`;
  const does =
    filter.action.type === 'FWP_ACTION_CALLOUT_INSPECTION'
      ? 'it is skipped'
      : (filter.flags & FILTER_FLAG.PERMIT_IF_CALLOUT_UNREGISTERED) !== 0
        ? 'it permits what it matches'
        : 'it blocks what it matches';
  if (!found) report('callout-not-registered', filter, `its callout ${name} does not exist: ${does}`);
  else if ((found.flags & OBJECT_FLAG.CALLOUT_REGISTERED) === 0)
    report('callout-not-registered', filter, `no driver has registered its callout ${found.displayData.name || name}: ${does}`);
}

function leftover(machine: Machine, filter: DumpFilter, report: Report): void {
  const key = filter.providerKey;
  // Of a damaged file the rest of the list may be what is missing.
  if (!key || machine.dump.providers.length === 0 || machine.dump.errors > 0) return;
  const provider = machine.dump.providers.find(each => each.providerKey === key);
  if (!provider) report('leftover', filter, `its provider {${key}} is not there any more: the filter was left behind`);
  else if ((provider.flags & OBJECT_FLAG.PROVIDER_DISABLED) !== 0) {
    const service = provider.serviceName ? ` (service ${provider.serviceName})` : '';
    report(
      'leftover',
      filter,
      `its provider ${provider.displayData.name || key}${service} is disabled, so its service no longer starts with Windows, but the filter is still there`,
    );
  }
}

function neverMatches(machine: Machine, filter: DumpFilter, report: Report): void {
  for (const [field, alternatives] of groupsOf(filter)) {
    if (!alternatives.every(isEmptyRange)) continue;
    report('never-matches', filter, `the range of its condition on ${machine.fieldName(field)} ends before it begins`);
    return;
  }
}

/** Identical in everything that decides. */
function duplicates(place: readonly Ready[], report: Report): void {
  const seen = new Map<string, DumpFilter>();
  for (const { filter } of place) {
    // What could not be read may differ.
    if (filter.action.calloutKey === UNREADABLE_CALLOUT || filter.filterCondition.some(each => each.asFound !== undefined))
      continue;
    const conditions = filter.filterCondition
      .map(each =>
        JSON.stringify([each.fieldKey, each.matchType, each.conditionValue], (_, value) =>
          typeof value === 'bigint' ? String(value) : value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
        ),
      )
      .sort();
    const key = [
      filter.action.type,
      filter.action.calloutKey,
      filter.flags & (FILTER_FLAG.CLEAR_ACTION_RIGHT | FILTER_FLAG.PERMIT_IF_CALLOUT_UNREGISTERED),
      filter.rawContext,
      filter.providerContextKey,
      filter.effectiveWeight,
      ...conditions,
    ].join('\n');
    const first = seen.get(key);
    if (first)
      report(
        'duplicate',
        filter,
        `it is the same as filter ${first.filterId}${first.providerKey === filter.providerKey ? '' : ' of another provider'}: same place, weight, conditions and action`,
        [first],
      );
    else seen.set(key, filter);
  }
}

/** Whether a match of this filter ends its sublayer for sure. */
const terminates = ({ action }: DumpFilter): boolean =>
  action.type === 'FWP_ACTION_PERMIT' || action.type === 'FWP_ACTION_BLOCK' || action.type === 'FWP_ACTION_CALLOUT_TERMINATING';

/** Fields of a filter as one key, for a quick look at which filters can cover which. */
class ByFields {
  private readonly sets = new Map<string, { fields: readonly string[]; list: Ready[] }>();

  add(ready: Ready): void {
    const fields = [...ready.groups.keys()].sort();
    const key = fields.join();
    const set = this.sets.get(key);
    if (set) set.list.push(ready);
    else this.sets.set(key, { fields, list: [ready] });
  }

  /** The heaviest filter above that covers this one. */
  cover(inner: Ready): Ready | undefined {
    for (const { fields, list } of this.sets.values()) {
      if (fields.length > inner.groups.size || !fields.every(field => inner.groups.has(field))) continue;
      const found = list.find(
        outer => outer.filter.effectiveWeight > inner.filter.effectiveWeight && covers(outer.groups, inner.groups),
      );
      if (found) return found;
    }
    return undefined;
  }
}

const MAX_BLOCKS = 2000;

function ranked(place: readonly Ready[], report: Report): void {
  const above = new ByFields();
  const blocks: Ready[] = [];
  for (const ready of place) {
    const { filter } = ready;
    const by = above.cover(ready);
    if (by)
      report(
        'shadowed',
        filter,
        `it can never match: filter ${by.filter.filterId} "${by.filter.displayData.name}" above it (${actionWord(by.filter)}) matches everything that it would`,
        [by.filter],
      );
    if (filter.action.type === 'FWP_ACTION_PERMIT' && !by) {
      const over = blocks.filter(block => block.filter.effectiveWeight > filter.effectiveWeight);
      if (over.length > 0 && over.every(block => covers(ready.groups, block.groups) && !covers(block.groups, ready.groups))) {
        report(
          'broad-permit',
          filter,
          `it permits everything but what ${over.length === 1 ? 'the one block' : `the ${over.length} blocks`} above it ${over.length === 1 ? 'takes' : 'take'} out`,
          over.slice(0, 20).map(each => each.filter),
        );
      }
    }
    if (terminates(filter)) above.add(ready);
    if (filter.action.type === 'FWP_ACTION_BLOCK' && blocks.length < MAX_BLOCKS) blocks.push(ready);
  }
}
