import type { Guid } from '../model/guid.ts';
import type { Filter } from '../model/objects.ts';
import { FILTER_FLAG } from '../model/objects.ts';

/** What a filter does when it matches. */
export type EntryKind = 'permit' | 'block' | 'callout' | 'continue';

/** A filter made ready for classification at its layer. */
export interface Entry {
  readonly filter: Filter;
  readonly kind: EntryKind;
  /** Of the filter's own action: FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT, or a block, which is hard anyway. */
  readonly hard: boolean;
  readonly calloutKey: Guid;
  readonly high: number;
  readonly low: number;
  readonly id: number;
  /** Where its conditions start in the layer's code. */
  code: number;
}

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
    code: -1,
  };
}

/**
 * Order inside a sublayer, negative when `a` comes first: the heavier, at equal weight the one with the lower filterId. What Windows
 * does at equal weight is documented nowhere; this order is ours and nothing should rely on it.
 */
export const compareEntries = (a: Entry, b: Entry): number => b.high - a.high || b.low - a.low || a.id - b.id;
