import type { Guid } from './guid.ts';

/** Stands for a field whose value is never known, so that a condition on it is neither a match nor a mismatch. */
export const UNREADABLE_FIELD: Guid = '5a11e090-0bad-4000-8000-0000000f1e1d';
/** Stands for a callout that may permit, block or say nothing. Classifiers have it as `opaque`. */
export const UNREADABLE_CALLOUT: Guid = '5a11e090-0bad-4000-8000-00000ca11007';
