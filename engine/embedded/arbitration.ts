import type { CalloutFn, ClassifyValues } from '../model/classify.ts';
import { FILTER_FLAG } from '../model/objects.ts';
import { type Match, NO, YES } from './condition.ts';
import type { Entry } from './entry.ts';

/**
 * A callout as arbitration sees it: its function, or `opaque` when it is registered where the filters come from (a state dump of
 * another machine) but its code is not here, so every answer that its action type allows has to be reckoned with.
 */
export type CalloutState = CalloutFn | 'opaque';

/** What a filter that matches yields in its sublayer. */
export interface Outcome {
  readonly action: 'permit' | 'block' | 'continue';
  readonly hard: boolean;
  readonly pend: boolean;
  readonly callout: boolean;
  readonly entry: Entry;
  readonly note?: string;
}

/** What is carried from sublayer to sublayer: the decision so far and whether FWPS_RIGHT_ACTION_WRITE is still set (`hard`: it is not). */
export interface Carried {
  readonly action: 'none' | 'permit' | 'block';
  readonly hard: boolean;
  readonly pend: boolean;
  readonly veto: boolean;
  readonly entry?: Entry;
}

export const NOTHING: Carried = { action: 'none', hard: false, pend: false, veto: false };

/**
 * What one sublayer's result makes of the carried state. While the right to write is there the later sublayer's result replaces the
 * earlier. Without it only a callout that blocks all the same changes a permit: a veto.
 * https://learn.microsoft.com/windows/win32/fwp/filter-arbitration
 */
export function merge(carried: Carried, result: Outcome): Carried {
  if (result.action === 'continue') return carried;
  const { action, hard, pend, entry } = result;
  if (!carried.hard) return { action, hard, pend, veto: false, entry };
  if (action === 'permit') return carried;
  if (carried.action === 'permit') return result.callout ? { action, hard: true, pend: false, veto: true, entry } : carried;
  // An operation that is pended need not be held when another sublayer blocks it for good.
  return carried.pend && !pend ? { action, hard: true, pend: false, veto: false, entry } : carried;
}

const simple = (entry: Entry, action: Outcome['action'], hard: boolean, note?: string): Outcome => ({
  action,
  hard,
  pend: false,
  callout: false,
  entry,
  ...(note !== undefined && { note }),
});

function opaqueOutcomes(entry: Entry, right: boolean): readonly Outcome[] {
  const { type } = entry.filter.action;
  const note = 'the callout is registered, its code is not here';
  if (type === 'FWP_ACTION_CALLOUT_INSPECTION') return [simple(entry, 'continue', false, note)];
  const answer = (action: Outcome['action'], hard: boolean): Outcome => ({
    action,
    hard,
    pend: false,
    callout: true,
    entry,
    note,
  });
  if (!right) return [answer('block', true), answer('continue', false)];
  const decisions = [answer('permit', false), answer('permit', true), answer('block', false), answer('block', true)];
  return type === 'FWP_ACTION_CALLOUT_UNKNOWN' ? [...decisions, answer('continue', false)] : decisions;
}

function runCallout(entry: Entry, callout: CalloutFn, values: ClassifyValues, right: boolean): Outcome {
  const { type } = entry.filter.action;
  const result = callout(entry.filter, values, right);
  if (result.action === 'continue') return simple(entry, 'continue', false);
  if (type === 'FWP_ACTION_CALLOUT_INSPECTION') return simple(entry, 'continue', false, 'an inspection callout may not decide');
  const pend = result.pend === true && result.action === 'block' && right;
  if (!right && result.action === 'permit') return simple(entry, 'continue', false, 'the callout had no right to permit');
  return {
    action: result.action,
    hard: result.clearRight === true || pend || !right,
    pend,
    callout: true,
    entry,
    ...(pend ? { note: 'pended' } : !right && { note: 'veto' }),
  };
}

/**
 * What a matching filter can yield: one outcome, or several for an opaque callout. A pended operation is a block without the right to
 * write, as FwpsPendOperation0 demands. An unregistered callout blocks, or permits with PERMIT_IF_CALLOUT_UNREGISTERED; for inspection
 * it is skipped.
 */
export function outcomesOf(
  entry: Entry,
  callouts: ReadonlyMap<string, CalloutState>,
  values: ClassifyValues,
  right: boolean,
): readonly Outcome[] {
  if (entry.kind === 'permit' || entry.kind === 'block') return [simple(entry, entry.kind, entry.hard)];
  if (entry.kind === 'continue') return [simple(entry, 'continue', false)];
  const callout = callouts.get(entry.calloutKey);
  if (callout === 'opaque') return opaqueOutcomes(entry, right);
  if (callout !== undefined) return [runCallout(entry, callout, values, right)];
  const { flags, action } = entry.filter;
  const note = 'callout not registered';
  if (action.type === 'FWP_ACTION_CALLOUT_INSPECTION') return [simple(entry, 'continue', false, note)];
  const permit = (flags & FILTER_FLAG.PERMIT_IF_CALLOUT_UNREGISTERED) !== 0;
  return [simple(entry, permit ? 'permit' : 'block', !permit || entry.hard, note)];
}

/** How one filter fared on the way down a sublayer. */
export interface Step {
  readonly entry: Entry;
  readonly match: Match;
  readonly outcomes: readonly Outcome[];
}

/** Everything that a sublayer can yield. */
export interface SubLayerOutcomes {
  /** Permits and blocks, in order of rank. */
  readonly decisions: readonly Outcome[];
  /** It can also yield nothing. */
  readonly none: boolean;
  readonly steps: readonly Step[];
}

/**
 * Goes down the filters of a sublayer in order of rank until one certainly decides. A filter that is unknown to match adds what it could
 * yield and lets the next ones be looked at. Filters are taken as independent of each other: two that hang on the same unknown value may
 * be reckoned with in a combination that cannot be, so what is possible is never left out but may be overstated.
 */
export function descend(
  entries: Iterable<Entry>,
  matchOf: (entry: Entry) => Match,
  yieldsOf: (entry: Entry) => readonly Outcome[],
): SubLayerOutcomes {
  const decisions: Outcome[] = [];
  const steps: Step[] = [];
  for (const entry of entries) {
    const match = matchOf(entry);
    const outcomes = match === NO ? [] : yieldsOf(entry);
    steps.push({ entry, match, outcomes });
    if (match === NO) continue;
    for (const outcome of outcomes) if (outcome.action !== 'continue') decisions.push(outcome);
    if (match === YES && !outcomes.some(outcome => outcome.action === 'continue')) return { decisions, none: false, steps };
  }
  return { decisions, none: true, steps };
}

/** One key for states that nothing later can tell apart and that name the same filter. */
const keyOf = (state: Carried): string =>
  `${state.action}${state.hard ? 'H' : ''}${state.pend ? 'P' : ''}${state.veto ? 'V' : ''}${state.entry?.id ?? ''}`;

/** Merges every state that is possible before a sublayer with everything that the sublayer can yield. */
export function mergeAll(states: readonly Carried[], outcomesFor: (right: boolean) => SubLayerOutcomes): readonly Carried[] {
  const next = new Map<string, Carried>();
  const cache = new Map<boolean, SubLayerOutcomes>();
  const add = (state: Carried) => {
    const key = keyOf(state);
    if (!next.has(key)) next.set(key, state);
  };
  let replaced = false;
  for (const state of states) {
    const right = !state.hard;
    let outcomes = cache.get(right);
    if (outcomes === undefined) {
      outcomes = outcomesFor(right);
      cache.set(right, outcomes);
    }
    if (outcomes.none) add(state);
    // With the right to write the result does not depend on the state, so it is enough to merge it once.
    if (right && replaced) continue;
    if (right) replaced = true;
    for (const outcome of outcomes.decisions) add(merge(state, outcome));
  }
  return [...next.values()];
}
