import type { Guid } from './guid.ts';
import type { ActionType, Filter, SubLayer } from './objects.ts';
import type { FwpValue } from './value.ts';

/**
 * What is known of the traffic, by field name (`IP_REMOTE_PORT`). A field that is absent is *unknown*: a condition on it is neither a
 * match nor a mismatch. A field that the platform indicates as absent is the value FWP_EMPTY, which is known.
 */
export type ClassifyValues = { readonly [field: string]: FwpValue | undefined };

/** The outcome of arbitration at one layer. `unknown` only where a field that matters is unknown. */
export type ClassifyAction = 'permit' | 'block' | 'unknown';

/** What a callout's classifyFn answers when arbitration reaches its filter. Without the right to write only a block (a veto) or `continue` counts. */
export interface CalloutResult {
  readonly action: 'permit' | 'block' | 'continue';
  /** The callout cleared FWPS_RIGHT_ACTION_WRITE: its answer is hard. */
  readonly clearRight?: boolean;
  /**
   * The callout pends the operation (FwpsPendOperation0): a block with ABSORB until it is completed, which also clears the right to write.
   * Counts only while that right is there. Sallyport's ask callout answers so.
   */
  readonly pend?: boolean;
}

/** A registered callout. `rightToWrite` false: it may only veto or leave the decision alone. */
export type CalloutFn = (filter: Filter, values: ClassifyValues, rightToWrite: boolean) => CalloutResult;

export interface ClassifyResult {
  readonly action: ClassifyAction;
  /**
   * Deciding filter; undefined when nothing matched (no match means permit), and where it is not known which of `candidates` decides,
   * even if all of them lead to the same action.
   */
  readonly filter?: Filter;
  /** A callout pended the operation and no other sublayer blocked it: the source must hold it. */
  readonly pend: boolean;
  /** The decision is a veto: a block by a callout that had no right to write. */
  readonly veto: boolean;
  /**
   * The verdicts that remain possible given what is unknown. One element unless action is `unknown`. Filters count as independent of each
   * other, so nothing possible is left out, but a combination that cannot be (two filters on one unknown value) may be reckoned with.
   */
  readonly possible: readonly ('permit' | 'block')[];
  /** The filters that could decide, best first, where it is not certain which does; empty otherwise. */
  readonly candidates: readonly Filter[];
}

/** How one condition fared. */
export interface ConditionTrace {
  readonly index: number;
  readonly outcome: 'matched' | 'not-matched' | 'unknown';
  /** For unknown: what would settle it (`the value of ALE_USER_ID`, `whether the token holds S-1-5-80-…`). */
  readonly needs?: string;
}

/** How one filter fared. `not-evaluated`: a filter above it ended the sublayer. */
export interface FilterTrace {
  readonly filter: Filter;
  readonly outcome: 'matched' | 'not-matched' | 'unknown' | 'not-evaluated';
  readonly conditions: readonly ConditionTrace[];
  /** For a match: what it yielded in its sublayer. */
  readonly yields?: 'permit' | 'block' | 'continue';
  readonly hard?: boolean;
  /** Why: `callout not registered`, `veto`, `pended`, … */
  readonly note?: string;
}

export interface SubLayerTrace {
  readonly subLayer: Pick<SubLayer, 'subLayerKey' | 'weight' | 'displayData'>;
  readonly filters: readonly FilterTrace[];
  /** What the sublayer yields; `unknown` when unknown fields separate it. */
  readonly yields: 'permit' | 'block' | 'none' | 'unknown';
  readonly decidedBy?: bigint;
  /** The carried state after this sublayer. */
  readonly carried: {
    readonly action: 'permit' | 'block' | 'none' | 'unknown';
    readonly hard: boolean;
    readonly filterId?: bigint;
  };
}

/** A ClassifyResult with everything that led to it, sublayers in the order they were visited. */
export interface ClassifyTrace extends ClassifyResult {
  readonly layerKey: Guid;
  readonly subLayers: readonly SubLayerTrace[];
  /** What would settle an `unknown`, without repeats. */
  readonly needs: readonly string[];
}

export type { ActionType };
