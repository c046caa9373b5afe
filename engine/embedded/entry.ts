import type { Guid } from '../model/guid.ts';
import type { Filter } from '../model/objects.ts';
import { FILTER_FLAG } from '../model/objects.ts';
import type { FwpValue } from '../model/value.ts';
import { compileCondition, fieldName, type Match, NO, type Test, UNKNOWN, YES } from './condition.ts';

/** What a filter does when it matches. */
export type EntryKind = 'permit' | 'block' | 'callout' | 'continue';

interface Group {
  readonly slot: number;
  readonly tests: readonly Test[];
}

/** A filter made ready for classification at its layer: its rank as numbers and, from the first time it is looked at, its tests. */
export interface Entry {
  readonly filter: Filter;
  readonly kind: EntryKind;
  /** Of the filter's own action: FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT, or a block, which is hard anyway. */
  readonly hard: boolean;
  readonly calloutKey: Guid;
  readonly high: number;
  readonly low: number;
  readonly id: number;
  groups: readonly Group[] | undefined;
}

/** Gives each field that some filter of the layer tests a place in the layer's list of values. */
export type SlotOf = (field: string) => number;

export function makeEntry(filter: Filter): Entry {
  const { type } = filter.action;
  const kind: EntryKind =
    type === 'FWP_ACTION_PERMIT'
      ? 'permit'
      : type === 'FWP_ACTION_BLOCK'
        ? 'block'
        : type.startsWith('FWP_ACTION_CALLOUT_')
          ? 'callout'
          : 'continue';
  return {
    filter,
    kind,
    hard: kind === 'block' || (filter.flags & FILTER_FLAG.CLEAR_ACTION_RIGHT) !== 0,
    calloutKey: filter.action.calloutKey ?? '',
    high: Number(filter.effectiveWeight >> 32n),
    low: Number(filter.effectiveWeight & 0xffffffffn),
    id: Number(filter.filterId),
    groups: undefined,
  };
}

/**
 * Order inside a sublayer, negative when `a` comes first: the heavier, at equal weight the one with the lower filterId. What Windows
 * does at equal weight is documented nowhere; this order is ours and nothing should rely on it.
 */
export const compareEntries = (a: Entry, b: Entry): number => b.high - a.high || b.low - a.low || a.id - b.id;

/** Conditions on one field are alternatives, wherever they stand; the fields are joined by AND. */
export function prepare(entry: Entry, slotOf: SlotOf): readonly Group[] {
  const groups = new Map<number, Test[]>();
  for (const condition of entry.filter.filterCondition) {
    const slot = slotOf(fieldName(condition.fieldKey));
    const tests = groups.get(slot);
    if (tests === undefined) groups.set(slot, [compileCondition(condition)]);
    else tests.push(compileCondition(condition));
  }
  const prepared = Array.from(groups, ([slot, tests]) => ({ slot, tests }));
  entry.groups = prepared;
  return prepared;
}

/** Whether all groups match; one that certainly does not outweighs any that is unknown. */
export function matchGroups(groups: readonly Group[], values: readonly (FwpValue | undefined)[]): Match {
  let outcome: Match = YES;
  for (let at = 0; at < groups.length; at++) {
    const group = groups[at]!;
    const value = values[group.slot];
    let match: Match = UNKNOWN;
    if (value !== undefined) {
      match = NO;
      for (let test = 0; test < group.tests.length; test++) {
        const one = group.tests[test]!(value);
        if (one === YES) {
          match = YES;
          break;
        }
        if (one === UNKNOWN) match = UNKNOWN;
      }
    }
    if (match === NO) return NO;
    if (match === UNKNOWN) outcome = UNKNOWN;
  }
  return outcome;
}
