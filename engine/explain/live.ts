import type { Dump } from '../dumps/dump.ts';
import { MAX_PROBLEMS, type Problem } from '../dumps/problem.ts';
import type { FilterEngine } from '../model/filter-engine.ts';
import { FILTER_FLAG, type Filter, OBJECT_FLAG } from '../model/objects.ts';

const NOT_FOUND = { flagNames: [], line: 0, column: 0 } as const;

/** Flags as the names that netsh would print. */
const names = (flags: number, table: Readonly<Record<string, number>>): string[] => {
  const found = Object.entries(table).filter(([, bit]) => (flags & bit) !== 0);
  const rest = found.reduce((bits, [, bit]) => bits & ~bit, flags) >>> 0;
  return [...found.map(([name]) => name), ...(rest === 0 ? [] : [rest.toString(16).padStart(8, '0').toUpperCase()])];
};

/** An engine that also tells of the filters that it could not read. */
interface ListsUnreadable {
  filterList?(): Promise<{ readonly filters: readonly Filter[]; readonly unreadable: readonly { readonly reason: string }[] }>;
}

/**
 * An open engine as a dump, so that everything that can be asked of a file can be asked of the machine itself. Filters that cannot be read
 * are left out and told as problems.
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
    ({ reason }): Problem => ({
      severity: 'warning',
      line: 0,
      column: 0,
      message: `left out, so answers may differ from the machine's: ${reason}`,
    }),
  );
  return {
    kind: 'live',
    source,
    timeStamp: new Date().toISOString(),
    filters: filters.map(filter => ({ ...filter, flagNames: names(filter.flags, FILTER_FLAG), line: 0, column: 0 })),
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
    names: new Map(),
    // What a live engine flags as registered differs by kind of engine, so none is called missing.
    tellsCallouts: false,
    problems,
    errors: 0,
    warnings: unreadable.length,
  };
}
