/**
 * Filter arbitration as the rules read, without any index or shortcut: the measure for the real one. What is unknown is tried both ways,
 * one world after the other.
 */
import type { CalloutFn, ClassifyValues } from '../../engine/model/classify.ts';
import { nameOfKey } from '../../engine/model/keys.ts';
import type { Filter, FilterCondition, SubLayer } from '../../engine/model/objects.ts';
import type { FwpValue, TokenInformation } from '../../engine/model/value.ts';

type Known = boolean | undefined;
export interface NaiveWorld {
  readonly action: 'permit' | 'block';
  readonly decider: bigint | undefined;
  readonly pend: boolean;
  readonly veto: boolean;
  readonly reached: ReadonlySet<bigint>;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const integer = (value: FwpValue) =>
  value.type === 'FWP_BYTE_ARRAY16_TYPE' ? BigInt(`0x${hex(value.value)}`) : BigInt((value as { value: number | bigint }).value);

function sddlGrants(sddl: string, token: TokenInformation): Known {
  let granted: Known = false;
  // From the last entry to the first: an entry that applies overrules everything after it, one that may apply makes a difference doubtful.
  for (const [, kind, rights, sid] of [...sddl.matchAll(/\(([AD]);;([A-Z]+);;;([^)]+)\)/g)].reverse()) {
    if (!/^(..)*CC/.test(rights!)) continue;
    const allow = kind === 'A';
    const held = token.sids.includes(sid!) || sid === 'WD';
    if (held) granted = allow;
    else if (token.partial && granted !== allow) granted = undefined;
  }
  return granted;
}

function conditionHolds({ matchType, conditionValue: want }: FilterCondition, value: FwpValue | undefined): Known {
  if (value === undefined) return undefined;
  if (want.type === 'FWP_EMPTY') return (value.type === 'FWP_EMPTY') === (matchType === 'FWP_MATCH_EQUAL');
  if (value.type === 'FWP_EMPTY') return false;
  if (want.type === 'FWP_SECURITY_DESCRIPTOR_TYPE')
    return value.type === 'FWP_TOKEN_ACCESS_INFORMATION_TYPE' ? sddlGrants(want.value, value.value) : undefined;
  if (want.type === 'FWP_V4_ADDR_MASK') {
    if (value.type !== 'FWP_UINT32') return undefined;
    const mask = BigInt(want.value.mask);
    return (BigInt(value.value) & mask) === (BigInt(want.value.addr) & mask);
  }
  if (want.type === 'FWP_V6_ADDR_MASK') {
    if (value.type !== 'FWP_BYTE_ARRAY16_TYPE') return undefined;
    const host = BigInt(128 - want.value.prefixLength);
    return integer(value) >> host === BigInt(`0x${hex(want.value.addr)}`) >> host;
  }
  if (want.type === 'FWP_RANGE_TYPE')
    return value.type === want.value.low.type
      ? integer(value) >= integer(want.value.low) && integer(value) <= integer(want.value.high)
      : undefined;
  if (value.type !== want.type) return undefined;
  if (want.type === 'FWP_BYTE_BLOB_TYPE' && value.type === want.type) {
    const [have, wanted] = [hex(value.value), hex(want.value)];
    if (matchType === 'FWP_MATCH_PREFIX') return have.endsWith(wanted);
    if (matchType === 'FWP_MATCH_NOT_PREFIX') return !have.endsWith(wanted);
    return (have === wanted) === (matchType === 'FWP_MATCH_EQUAL');
  }
  if (want.type === 'FWP_SID') return (value.value === want.value) === (matchType === 'FWP_MATCH_EQUAL');
  const [have, wanted] = [integer(value), integer(want as FwpValue)];
  switch (matchType) {
    case 'FWP_MATCH_EQUAL':
      return have === wanted;
    case 'FWP_MATCH_NOT_EQUAL':
      return have !== wanted;
    case 'FWP_MATCH_GREATER':
      return have > wanted;
    case 'FWP_MATCH_LESS':
      return have < wanted;
    case 'FWP_MATCH_GREATER_OR_EQUAL':
      return have >= wanted;
    case 'FWP_MATCH_LESS_OR_EQUAL':
      return have <= wanted;
    case 'FWP_MATCH_FLAGS_ALL_SET':
      return (have & wanted) === wanted;
    case 'FWP_MATCH_FLAGS_ANY_SET':
      return (have & wanted) !== 0n;
    case 'FWP_MATCH_FLAGS_NONE_SET':
      return (have & wanted) === 0n;
    default:
      return undefined;
  }
}

const and = (all: readonly Known[]): Known => (all.includes(false) ? false : all.includes(undefined) ? undefined : true);
const or = (all: readonly Known[]): Known => (all.includes(true) ? true : all.includes(undefined) ? undefined : false);

/** Whether each condition holds, and the filter: OR among the conditions on one field, AND among the fields. */
export function naiveMatch(
  filter: Filter,
  values: ClassifyValues,
): { readonly conditions: readonly Known[]; readonly filter: Known } {
  const conditions = filter.filterCondition.map(one => conditionHolds(one, values[nameOfKey('condition', one.fieldKey)!]));
  const fields = [...new Set(filter.filterCondition.map(one => one.fieldKey))];
  const groups = fields.map(key => or(conditions.filter((_, index) => filter.filterCondition[index]!.fieldKey === key)));
  return { conditions, filter: and(groups) };
}

type Answer = { action: 'permit' | 'block' | 'continue'; hard: boolean; callout: boolean; pend: boolean };
const answer = (action: Answer['action'], hard: boolean, callout = false, pend = false): Answer => ({
  action,
  hard,
  callout,
  pend,
});

function answerOf(
  filter: Filter,
  callout: CalloutFn | 'opaque' | undefined,
  values: ClassifyValues,
  right: boolean,
  choose: Choose,
): Answer {
  const { type } = filter.action;
  const clear = (filter.flags & 8) !== 0;
  if (type === 'FWP_ACTION_PERMIT') return answer('permit', clear);
  if (type === 'FWP_ACTION_BLOCK') return answer('block', true);
  if (!type.startsWith('FWP_ACTION_CALLOUT')) return answer('continue', false);
  if (type === 'FWP_ACTION_CALLOUT_INSPECTION') return answer('continue', false);
  if (callout === undefined) return (filter.flags & 16) !== 0 ? answer('permit', clear) : answer('block', true);
  if (callout === 'opaque') {
    const may = right
      ? [answer('permit', false, true), answer('permit', true, true), answer('block', false, true), answer('block', true, true)]
      : [answer('block', true, true), answer('continue', false)];
    if (right && type === 'FWP_ACTION_CALLOUT_UNKNOWN') may.push(answer('continue', false));
    return may[choose(may.length)]!;
  }
  const said = callout(filter, values, right);
  if (said.action === 'permit' && !right) return answer('continue', false);
  const pend = said.pend === true && said.action === 'block' && right;
  return answer(said.action, said.clearRight === true || pend || !right, true, pend);
}

type Choose = (options: number) => number;

function oneWorld(input: NaiveInput, values: ClassifyValues, choose: Choose): NaiveWorld {
  const reached = new Set<bigint>();
  let state: { action: 'none' | 'permit' | 'block'; hard: boolean; pend: boolean; veto: boolean; by?: bigint } = {
    action: 'none',
    hard: false,
    pend: false,
    veto: false,
  };
  for (const subLayer of [...input.subLayers].sort((a, b) => b.weight - a.weight)) {
    const own = input.filters.filter(filter => filter.subLayerKey === subLayer.subLayerKey);
    own.sort((a, b) => Number(b.effectiveWeight - a.effectiveWeight) || Number(a.filterId - b.filterId));
    for (const filter of own) {
      reached.add(filter.filterId);
      const match = naiveMatch(filter, values).filter;
      if (match === false || (match === undefined && choose(2) === 0)) continue;
      const right = input.waterfall || !state.hard;
      const said = answerOf(filter, input.callouts.get(filter.action.calloutKey ?? ''), values, right, choose);
      if (said.action === 'continue') continue;
      const by = filter.filterId;
      if (!state.hard) state = { action: said.action, hard: said.hard && !input.waterfall, pend: said.pend, veto: false, by };
      else if (state.action === 'permit' && said.action === 'block' && said.callout)
        state = { action: 'block', hard: true, pend: false, veto: true, by };
      else if (state.action === 'block' && state.pend && said.action === 'block')
        state = { action: 'block', hard: true, pend: false, veto: false, by };
      break;
    }
    if (input.waterfall && state.action === 'block') break;
  }
  const { action, pend, veto, by } = state;
  return { action: action === 'block' ? 'block' : 'permit', decider: by, pend, veto, reached };
}

export interface NaiveInput {
  readonly filters: readonly Filter[];
  readonly subLayers: readonly SubLayer[];
  readonly callouts: ReadonlyMap<string, CalloutFn | 'opaque'>;
  readonly waterfall: boolean;
}

/** Every world that is possible, by trying all choices in turn. */
export function naiveWorlds(input: NaiveInput, values: ClassifyValues): readonly NaiveWorld[] {
  const worlds: NaiveWorld[] = [];
  let path: { chosen: number; options: number }[] = [];
  for (;;) {
    let at = 0;
    const choose: Choose = options => {
      if (at === path.length) path.push({ chosen: 0, options });
      return path[at++]!.chosen;
    };
    worlds.push(oneWorld(input, values, choose));
    while (path.length > 0 && path.at(-1)!.chosen === path.at(-1)!.options - 1) path.pop();
    const last = path.at(-1);
    if (last === undefined) return worlds;
    path = [...path.slice(0, -1), { chosen: last.chosen + 1, options: last.options }];
  }
}
