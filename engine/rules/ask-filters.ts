import { createHash } from 'node:crypto';
import type { Guid } from '../model/guid.ts';
import type { Filter } from '../model/objects.ts';
import { ASK_CALLOUTS, RULE_LAYERS } from './well-known.ts';

/** A fixed key for one of our own objects, from words that name it. */
export function fixedKey(...words: readonly string[]): Guid {
  const hash = createHash('sha256')
    .update(`sallyport ${words.join(' ')}`)
    .digest('hex');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-b${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

/** Name of the filters that block where nothing can hold, until somebody was asked afterwards. */
export const DROP_UNTIL_ASKED = 'Drop, ask afterwards';

const askCallouts: ReadonlySet<Guid | undefined> = new Set(ASK_CALLOUTS);
const dropKeys: ReadonlySet<Guid> = new Set(RULE_LAYERS.map(layer => fixedKey('filter', layer.name, DROP_UNTIL_ASKED)));

/** Whether a filter asks by a callout that holds. Without the callout it decides by itself. */
export const holdsToAsk = ({ action }: Pick<Filter, 'action'>): boolean => askCallouts.has(action.calloutKey);

/** Whether a filter only blocks until somebody was asked: then its block is no decision. */
export const dropsToAsk = ({ filterKey }: Pick<Filter, 'filterKey'>): boolean => dropKeys.has(filterKey);
