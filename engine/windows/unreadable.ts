import type { FilterEnumTemplate, ObjectChange } from '../model/filter-engine.ts';
import type { Guid } from '../model/guid.ts';
import { FILTER_FLAG, type Filter, type FilterAction, type FilterCondition, type SubLayer } from '../model/objects.ts';
import { UNREADABLE_CALLOUT, UNREADABLE_FIELD } from '../model/unreadable.ts';
import * as layout from './layouts.ts';
import { type Pointer, readBytes, Struct } from './memory.ts';
import { parseAction, parseCommon, parseCondition } from './parse.ts';
import { parseSingle } from './parse-value.ts';
import type { SecurityCodec } from './security.ts';

/** An object of somebody else that an enumeration met and could not read, because a newer Windows or a stranger put it there. */
export interface Unreadable {
  readonly object: ObjectChange['object'];
  readonly key: Guid;
  /** One sentence. */
  readonly reason: string;
}

/** A filter that could not be read, and what stands for it in arbitration. */
export interface UnreadableFilter extends Unreadable {
  /**
   * What could be read of it: id, keys, flags, effective weight. A field with an unreadable condition is one condition on
   * UNREADABLE_FIELD, whose value nobody ever knows; an unreadable action is UNREADABLE_CALLOUT, which may answer anything.
   */
  readonly standIn: Filter;
}

/** Filters as they can be read, and stand-ins for the others. */
export interface FilterListing {
  readonly filters: readonly Filter[];
  readonly unreadable: readonly UnreadableFilter[];
}

/** An engine that also tells of what it could not read. */
export interface ListsUnreadable {
  filterList(template?: FilterEnumTemplate): Promise<FilterListing>;
}

const UNKNOWN_CONDITION: FilterCondition = {
  fieldKey: UNREADABLE_FIELD,
  matchType: 'FWP_MATCH_EQUAL',
  conditionValue: { type: 'FWP_EMPTY' },
};
const UNKNOWN_ACTION: FilterAction = { type: 'FWP_ACTION_CALLOUT_UNKNOWN', calloutKey: UNREADABLE_CALLOUT };
/** A weight that cannot be read counts as the greatest: nothing may overrule what is not known. */
const GREATEST_WEIGHT = 2n ** 64n - 1n;
const MOST_CONDITIONS = 65_536;

function readable<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/** Conditions on one field are alternatives: one that cannot be read makes the whole field unknown. Other fields stay as they are. */
function conditionsOf(source: Struct, security: SecurityCodec): readonly FilterCondition[] {
  const [address, count] = [source.bigint('filterCondition'), source.number('numFilterConditions')];
  if (count === 0) return [];
  if (address === 0n || count > MOST_CONDITIONS) return [UNKNOWN_CONDITION];
  const type = layout.FWPM_FILTER_CONDITION0;
  const list = new Struct(type, readBytes(address, count * type.size));
  const read: FilterCondition[] = [];
  const unknown = new Set<Guid>();
  for (let index = 0; index < count; index++) {
    const condition = readable(() => parseCondition(list.element(index), security), undefined);
    if (condition) read.push(condition);
    else unknown.add(list.element(index).guid('fieldKey'));
  }
  const known = read.filter(condition => !unknown.has(condition.fieldKey));
  return unknown.size > 0 ? [...known, UNKNOWN_CONDITION] : known;
}

/** What can be read of an FWPM_FILTER0, with the unknown in the place of the rest. Never says less than the filter may do. */
export function standInForFilter(address: Pointer, security: SecurityCodec): Filter {
  const source = Struct.at(layout.FWPM_FILTER0, address);
  const hasContext = (source.number('flags') & FILTER_FLAG.HAS_PROVIDER_CONTEXT) !== 0;
  const effective = readable(() => parseSingle(source.member(layout.FWP_VALUE0, 'effectiveWeight'), security), undefined);
  const weight = readable(() => parseSingle(source.member(layout.FWP_VALUE0, 'weight'), security), undefined);
  return {
    filterKey: source.guid('filterKey'),
    ...readable(() => parseCommon(source, true), { displayData: { name: '' }, flags: source.number('flags') }),
    layerKey: source.guid('layerKey'),
    subLayerKey: source.guid('subLayerKey'),
    weight: weight ?? { type: 'FWP_EMPTY' },
    filterCondition: conditionsOf(source, security),
    action: readable(() => parseAction(source), UNKNOWN_ACTION),
    ...(hasContext && { providerContextKey: source.guid('context.providerContextKey') }),
    filterId: source.bigint('filterId'),
    effectiveWeight: effective?.type === 'FWP_UINT64' ? effective.value : GREATEST_WEIGHT,
  };
}

/** A sublayer always has a key and a weight, which is all that arbitration asks of it. */
export function standInForSubLayer(address: Pointer): SubLayer {
  const source = Struct.at(layout.FWPM_SUBLAYER0, address);
  const common = { displayData: { name: '' }, flags: source.number('flags') };
  return { subLayerKey: source.guid('subLayerKey'), ...common, weight: source.number('weight') };
}

/** Where the key of each kind of object stands. */
const KEYS = {
  filter: [layout.FWPM_FILTER0, 'filterKey'],
  provider: [layout.FWPM_PROVIDER0, 'providerKey'],
  providerContext: [layout.FWPM_PROVIDER_CONTEXT0, 'providerContextKey'],
  sublayer: [layout.FWPM_SUBLAYER0, 'subLayerKey'],
  callout: [layout.FWPM_CALLOUT0, 'calloutKey'],
} as const;

/** Tells of each object once, however often it is met. */
export class UnreadableLog {
  readonly #tell: (what: Unreadable) => void;
  readonly #told = new Set<string>();

  constructor(tell: (what: Unreadable) => void = () => {}) {
    this.#tell = tell;
  }

  note(object: ObjectChange['object'], address: Pointer, error: unknown): Unreadable {
    const [type, member] = KEYS[object];
    const key = Struct.at(type, address).guid(member);
    const what = { object, key, reason: error instanceof Error ? error.message : String(error) };
    const id = `${object} ${key}`;
    if (!this.#told.has(id)) {
      this.#told.add(id);
      this.#tell(what);
    }
    return what;
  }
}
