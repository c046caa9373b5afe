import type { ConnectionAttempt, Identity, Verdict } from '../model/attempt.ts';
import type { ClassifyResult, ClassifyValues } from '../model/classify.ts';
import type { Guid } from '../model/guid.ts';
import type { Filter } from '../model/objects.ts';
import type { FwpValue } from '../model/value.ts';
import { parseAddress, parseV4 } from './address.ts';
import { dropsToAsk, holdsToAsk } from './ask-filters.ts';
import { blobText, mappedV4 } from './conditions.ts';
import { ruleOfFilter } from './record.ts';
import { canonicalName, isProof, nameGroups, sidsOf } from './scope.ts';
import { ruleLayer } from './well-known.ts';

/** FWP_CONDITION_FLAG_* that are known here. Source: https://learn.microsoft.com/windows/win32/fwp/filtering-condition-flags- */
const FLAG = { isLoopback: 0x1, isWildcardBind: 0x8 } as const;

const EMPTY: FwpValue = { type: 'FWP_EMPTY' };

/** Keeps the last few thousand results of a function of a text: the same programs and names come again and again. */
function remembered<T>(make: (text: string) => T): (text: string) => T {
  let cache = new Map<string, T>();
  return text => {
    const hit = cache.get(text);
    if (hit !== undefined) return hit;
    if (cache.size > 4000) cache = new Map();
    const made = make(text);
    cache.set(text, made);
    return made;
  };
}

const blob = remembered<FwpValue>(text => ({ type: 'FWP_BYTE_BLOB_TYPE', value: blobText(text) }));
const nameBlob = remembered<FwpValue>(name => blob(canonicalName(name) ?? name.toLowerCase()));
const v6Value = remembered<FwpValue>(text => {
  const address = parseAddress(text);
  return address?.family === 'v6' ? { type: 'FWP_BYTE_ARRAY16_TYPE', value: address.addr } : EMPTY;
});

/** At the V6 layers an IPv4 address stands as the mapped one that it is there. */
function addressValue(text: string, family: ConnectionAttempt['family']): FwpValue | undefined {
  const v4 = parseV4(text);
  if (v4 !== undefined)
    return family === 'v4' ? { type: 'FWP_UINT32', value: v4 } : { type: 'FWP_BYTE_ARRAY16_TYPE', value: mappedV4(v4) };
  const v6 = v6Value(text);
  return v6.type === 'FWP_EMPTY' ? undefined : v6;
}

/** The token as far as it is known. On Linux uid and gids are all there is; without gids, or on Windows, more SIDs are possible. */
function tokenValue(identity: Identity): FwpValue | undefined {
  const sids = sidsOf(identity);
  if (sids.length === 0) return undefined;
  const partial = identity.uid === undefined || identity.gids === undefined;
  return {
    type: 'FWP_TOKEN_ACCESS_INFORMATION_TYPE',
    value: { sids: [...sids, 'S-1-1-0'], ...(partial ? { partial } : {}) },
  };
}

/** The unspecified address as destination means loopback (ip(7)). */
const isLoopback = (address: string): boolean =>
  address.startsWith('127.') || address === '::1' || address === '0.0.0.0' || address === '::';

/** The values of one attempt at its layer, for one of the names that its remote side goes by. */
export interface AttemptValues {
  readonly layerKey: Guid;
  readonly values: ClassifyValues;
  /** Sets of one group stand for each other: names of one address in the hosts file. Absent: a group of its own. */
  readonly group?: number;
}

/**
 * What the engine is asked about an attempt: one set of values for each name known for the remote address, and one without a name
 * (PEER_NAME is FWP_EMPTY: known to be absent) when no look-up was seen. A name that only stands in the command line can so be blocked, but
 * never permits: a program writes there what it likes. What is not known is absent, so it can never match by accident.
 */
export function attemptValues(attempt: ConnectionAttempt): readonly AttemptValues[] {
  const { identity, local, remote, layer, protocol } = attempt;
  const layerKey = ruleLayer(layer, attempt.family).layerKey;
  const appId = identity.appId ?? identity.path;
  const values: { [field: string]: FwpValue | undefined } = {
    ALE_APP_ID: appId === undefined ? undefined : blob(appId),
    ALE_USER_ID: tokenValue(identity),
    IP_LOCAL_ADDRESS: local && addressValue(local.address, attempt.family),
    IP_LOCAL_PORT: local && { type: 'FWP_UINT16', value: local.port },
  };
  if (identity.uid !== undefined) values['ALE_PACKAGE_ID'] = EMPTY;
  if (layer !== 'ALE_AUTH_LISTEN') values['IP_PROTOCOL'] = { type: 'FWP_UINT8', value: protocol };
  if (layer === 'ALE_AUTH_LISTEN' || layer === 'ALE_RESOURCE_ASSIGNMENT') {
    const wildcard = local?.address === '0.0.0.0' || local?.address === '::';
    values['FLAGS'] = local && {
      type: 'FWP_UINT32',
      value: wildcard && layer === 'ALE_RESOURCE_ASSIGNMENT' ? FLAG.isWildcardBind : 0,
    };
    return [{ layerKey, values }];
  }
  if (remote) {
    values['IP_REMOTE_ADDRESS'] = addressValue(remote.address, attempt.family);
    values['IP_REMOTE_PORT'] = { type: 'FWP_UINT16', value: remote.port };
    values['FLAGS'] = { type: 'FWP_UINT32', value: isLoopback(remote.address) ? FLAG.isLoopback : 0 };
  }
  if (layer !== 'ALE_AUTH_CONNECT') return [{ layerKey, values }];
  const sets = nameGroups(attempt.names).flatMap((group, at) =>
    group.map(name => ({ layerKey, values: { ...values, PEER_NAME: nameBlob(name) }, group: at })),
  );
  return attempt.names.some(isProof) ? sets : [...sets, { layerKey, values: { ...values, PEER_NAME: EMPTY }, group: -1 }];
}

/** How an attempt is decided as the filters stand. */
export interface Decision {
  readonly action: Verdict | 'ask';
  /** Run-time id and key of the filter that decided (or, for `ask`, that asks). */
  readonly filterId?: bigint;
  readonly filterKey?: Guid;
  /** The rule that the deciding filter belongs to. */
  readonly ruleId?: Guid;
}

/** Anything that classifies as an engine does. */
export type Classify = (layerKey: Guid, values: ClassifyValues) => ClassifyResult;

function decisionOf(result: ClassifyResult): Decision {
  const { filter, candidates } = result;
  // Unknown is never permit: what could not be known is asked. Whether a rule blocks or the ask filter does may be unknown as well: both
  // are FWP_ACTION_BLOCK to the engine, but only one of them is a decision.
  const asks = (one: Filter) => holdsToAsk(one) || dropsToAsk(one);
  const asked = result.action === 'block' && (candidates.some(asks) || (filter !== undefined && dropsToAsk(filter)));
  const open = result.pend || result.action === 'unknown' || asked;
  const action = open ? 'ask' : (result.action as Verdict);
  if (!filter) return { action };
  const ruleId = action === 'ask' ? undefined : ruleOfFilter(filter)?.id;
  return { action, filterId: filter.filterId, filterKey: filter.filterKey, ...(ruleId ? { ruleId } : {}) };
}

/**
 * Decides one attempt. Over the names of its remote side: it is blocked when any of them is blocked, permitted only when every group of
 * names is permitted by one of its names, and asked otherwise.
 */
export function decideAttempt(classify: Classify, attempt: ConnectionAttempt): Decision {
  const groups = new Map<number, Decision>();
  for (const { layerKey, values, group = 0 } of attemptValues(attempt)) {
    const next = decisionOf(classify(layerKey, values));
    if (next.action === 'block') return next;
    const before = groups.get(group);
    if (!before || (before.action === 'ask' && next.action === 'permit')) groups.set(group, next);
  }
  let decision: Decision | undefined;
  for (const next of groups.values()) if (!decision || next.action === 'ask') decision = next;
  return decision ?? { action: 'ask' };
}
