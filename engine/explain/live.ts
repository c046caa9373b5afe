import type { Dump } from '../dumps/dump.ts';
import type { FilterEngine } from '../model/filter-engine.ts';
import { FILTER_FLAG, OBJECT_FLAG } from '../model/objects.ts';

const NOT_FOUND = { flagNames: [], line: 0, column: 0 } as const;

/** Flags as the names that netsh would print. */
const names = (flags: number, table: Readonly<Record<string, number>>): string[] => {
  const found = Object.entries(table).filter(([, bit]) => (flags & bit) !== 0);
  const rest = found.reduce((bits, [, bit]) => bits & ~bit, flags) >>> 0;
  return [...found.map(([name]) => name), ...(rest === 0 ? [] : [rest.toString(16).padStart(8, '0').toUpperCase()])];
};

/** An open engine as a dump, so that everything that can be asked of a file can be asked of the machine itself. */
export async function liveDump(engine: FilterEngine, source = 'live'): Promise<Dump> {
  const [layers, providers, subLayers, callouts, sessions, contexts] = await Promise.all([
    engine.layerEnum(),
    engine.providerEnum(),
    engine.subLayerEnum(),
    engine.calloutEnum(),
    engine.sessionEnum(),
    engine.providerContextEnum(),
  ]);
  const filters = await engine.filterEnum();
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
    problems: [],
    errors: 0,
    warnings: 0,
  };
}
