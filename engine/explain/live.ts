import type { Dump, DumpFilter } from '../dumps/dump.ts';
import { MAX_PROBLEMS, type Problem } from '../dumps/problem.ts';
import type { FilterEngine } from '../model/filter-engine.ts';
import { FILTER_FLAG, type Filter, OBJECT_FLAG } from '../model/objects.ts';
import { UNREADABLE_CALLOUT, UNREADABLE_FIELD } from '../model/unreadable.ts';

const UNREADABLE_NAMES: Dump['names'] = new Map([
  [UNREADABLE_FIELD, 'unreadable condition'],
  [UNREADABLE_CALLOUT, 'unreadable action'],
]);
const NOT_FOUND = { flagNames: [], line: 0, column: 0 } as const;

/** Flags as the names that netsh would print. */
const names = (flags: number, table: Readonly<Record<string, number>>): string[] => {
  const found = Object.entries(table).filter(([, bit]) => (flags & bit) !== 0);
  const rest = found.reduce((bits, [, bit]) => bits & ~bit, flags) >>> 0;
  return [...found.map(([name]) => name), ...(rest === 0 ? [] : [rest.toString(16).padStart(8, '0').toUpperCase()])];
};

/** A filter that could not be read, and what stands for it: UNREADABLE_FIELD and UNREADABLE_CALLOUT where something is not known. */
interface UnreadableFilter {
  readonly reason: string;
  readonly standIn: Filter;
}

/** An engine that also tells of the filters that it could not read. */
interface ListsUnreadable {
  filterList?(): Promise<{ readonly filters: readonly Filter[]; readonly unreadable: readonly UnreadableFilter[] }>;
}

const found = (filter: Filter) => ({ ...filter, flagNames: names(filter.flags, FILTER_FLAG), line: 0, column: 0 });

/** Takes part in every decision with what is known of it; what it could change is unknown then. */
const unreadableAsFound = ({ standIn, reason }: UnreadableFilter): DumpFilter => ({
  ...found(standIn),
  filterCondition: standIn.filterCondition.map(each =>
    each.fieldKey === UNREADABLE_FIELD ? { ...each, asFound: reason } : each,
  ),
  unknown: [reason],
});

/**
 * An open engine as a dump, so that everything that can be asked of a file can be asked of the machine itself. Of filters that cannot be
 * read it has the stand-ins, each told as a problem.
 */
export async function liveDump(engine: FilterEngine & ListsUnreadable, source = 'live'): Promise<Dump> {
  const [layers, providers, subLayers, callouts, sessions, contexts] = await Promise.all([
    engine.layerEnum(),
    engine.providerEnum(),
    engine.subLayerEnum(),
    engine.calloutEnum(),
    engine.sessionEnum(),
    engine.providerContextEnum(),
  ]);
  const { filters, unreadable } = (await engine.filterList?.()) ?? { filters: await engine.filterEnum(), unreadable: [] };
  const problems = unreadable.slice(0, MAX_PROBLEMS).map(
    ({ reason, standIn }): Problem => ({
      severity: 'warning',
      line: 0,
      column: 0,
      message: `what filter ${standIn.filterId} could change counts as unknown: ${reason}`,
    }),
  );
  return {
    kind: 'live',
    source,
    timeStamp: new Date().toISOString(),
    filters: [...filters.map(found), ...unreadable.map(unreadableAsFound)],
    providers: providers.map(each => ({
      ...each,
      flagNames: names(each.flags, { PERSISTENT: 1, DISABLED: OBJECT_FLAG.PROVIDER_DISABLED }),
      line: 0,
      column: 0,
    })),
    subLayers: subLayers.map(each => ({
      ...each,
      flagNames: names(each.flags, { PERSISTENT: 1 }),
      line: 0,
      column: 0,
      weightFrom: 'file',
    })),
    callouts: callouts.map(each => ({
      ...each,
      flagNames: names(each.flags, {
        PERSISTENT: OBJECT_FLAG.CALLOUT_PERSISTENT,
        USES_PROVIDER_CONTEXT: OBJECT_FLAG.CALLOUT_USES_PROVIDER_CONTEXT,
        REGISTERED: OBJECT_FLAG.CALLOUT_REGISTERED,
      }),
      line: 0,
      column: 0,
    })),
    layers,
    sessions: sessions.map(each => ({ ...each, flagNames: names(each.flags, { DYNAMIC: 1 }), line: 0, column: 0 })),
    providerContexts: contexts.map(each => ({ ...each, ...NOT_FOUND, type: 'FWPM_GENERAL_CONTEXT' })),
    netEvents: [],
    endpoints: [],
    other: [],
    names: unreadable.length > 0 ? UNREADABLE_NAMES : new Map(),
    // What a live engine flags as registered differs by kind of engine, so none is called missing.
    tellsCallouts: false,
    problems,
    errors: 0,
    warnings: unreadable.length,
  };
}
