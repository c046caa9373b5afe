import type { AttemptLayer, FailPolicy } from '../model/attempt.ts';
import type { FilterEngine } from '../model/filter-engine.ts';
import type { Guid } from '../model/guid.ts';
import { FILTER_FLAG, type FilterCondition, type FilterInput } from '../model/objects.ts';
import { DROP_UNTIL_ASKED, fixedKey } from './ask-filters.ts';
import { newAndNotLoopback, portCondition, protocolCondition } from './conditions.ts';
import { coreNetworking } from './core-networking.ts';
import { ensure, gone } from './ensure.ts';
import {
  ASK_CALLOUTS,
  CLOSURES,
  IPPROTO,
  RULE_LAYERS,
  type RuleLayer,
  SALLYPORT_PROVIDER,
  SALLYPORT_SUBLAYER,
  WEIGHT_RANGE,
} from './well-known.ts';

/** How a platform asks. */
export interface Asking {
  /** The layers at which the platform's source asks; elsewhere nothing does. Default: all that have rules. */
  readonly layers?: readonly AttemptLayer[];
  /**
   * `callout`: the filters that ask call the callout that holds. `drop`: there is none; they block, all but loopback, and who watches the
   * drops asks afterwards. Default `callout`.
   */
  readonly by?: 'callout' | 'drop';
  /** The driver that holds also wants to hear of closed sockets. */
  readonly closures?: boolean;
  /**
   * What asks is static instead of dynamic: it outlives a guard that dies, so that what was not decided fails, until a guard begins again,
   * `removeAsking` is called or the engine restarts. Absent: as false, and nothing is looked for that another guard may have left.
   */
  readonly outlives?: boolean;
  /** Addresses and neighbours of the machine itself are not asked about; for machines whose kernel and services meet the filters too. */
  readonly coreNetworking?: boolean;
}

/** Asking, and what the ask filters do while no callout is registered: `closed` blocks, `open` permits, `none` is a recording's: blocks in the model. */
export interface AskingBy extends Asking {
  readonly failPolicy: FailPolicy;
}

/** Keys of the filters that ask by these options: as long as they are there, it is asked. */
export const askingFilterKeys = ({ layers, by }: Asking): readonly Guid[] =>
  RULE_LAYERS.filter(({ layer }) => !layers || layers.includes(layer)).map(layer =>
    filterKey(layer, by === 'drop' ? DROP_UNTIL_ASKED : 'Ask'),
  );

const callout = (calloutKey: Guid, { name, layerKey }: Pick<RuleLayer, 'name' | 'layerKey'>, does: string) => ({
  calloutKey,
  displayData: { name: `Sallyport ${does} at ${name}` },
  flags: 0,
  providerKey: SALLYPORT_PROVIDER,
  applicableLayer: layerKey,
});

const BIND_TCP = 'Bind TCP: asked when it listens';
const BIND_ANY = 'Bind to a port of the system’s choice';
const HEAR = 'Hear of closed sockets';
const filterKey = (layer: Pick<RuleLayer, 'name'>, name: string): Guid => fixedKey('filter', layer.name, name);

const own = (layer: Pick<RuleLayer, 'name' | 'layerKey'>, name: string, range: number) => ({
  filterKey: filterKey(layer, name),
  displayData: { name },
  providerKey: SALLYPORT_PROVIDER,
  layerKey: layer.layerKey,
  subLayerKey: SALLYPORT_SUBLAYER,
  weight: { type: 'FWP_UINT8', value: range } as const,
});

const permit = (
  layer: RuleLayer,
  name: string,
  filterCondition: readonly FilterCondition[],
  range: number = WEIGHT_RANGE.base,
): FilterInput => ({
  ...own(layer, name, range),
  filterCondition,
  action: { type: 'FWP_ACTION_PERMIT' },
});

const ask = (layer: RuleLayer, failPolicy: FailPolicy): FilterInput => ({
  ...own(layer, 'Ask', WEIGHT_RANGE.ask),
  flags: failPolicy === 'open' ? FILTER_FLAG.PERMIT_IF_CALLOUT_UNREGISTERED : 0,
  filterCondition: [],
  action: { type: 'FWP_ACTION_CALLOUT_TERMINATING', calloutKey: layer.askCallout },
});

const drop = (layer: RuleLayer): FilterInput => ({
  ...own(layer, DROP_UNTIL_ASKED, WEIGHT_RANGE.ask),
  filterCondition: [newAndNotLoopback],
  action: { type: 'FWP_ACTION_BLOCK' },
});

/** What a layer needs to be usable: at bind, TCP passes (it is asked when it listens) and so does port 0, which the system chooses. */
function baseFilters(layer: RuleLayer, { by, failPolicy, coreNetworking: core }: AskingBy): readonly FilterInput[] {
  const asking = by === 'drop' ? drop(layer) : ask(layer, failPolicy);
  const passing = core ? coreNetworking(layer) : [];
  if (layer.layer !== 'ALE_RESOURCE_ASSIGNMENT')
    return [asking, ...passing.map(({ name, conditions }) => permit(layer, name, conditions, WEIGHT_RANGE.builtin))];
  return [
    asking,
    permit(layer, BIND_TCP, [protocolCondition(IPPROTO.tcp)]),
    permit(layer, BIND_ANY, [portCondition('local', { from: 0, to: 0 })]),
  ];
}

export async function addAsking(session: FilterEngine, options: AskingBy): Promise<void> {
  for (const layer of RULE_LAYERS) {
    if (options.layers && !options.layers.includes(layer.layer)) continue;
    if (options.by !== 'drop') await ensure(session.calloutAdd(callout(layer.askCallout, layer, 'asks')));
    for (const filter of baseFilters(layer, options)) await ensure(session.filterAdd(filter));
  }
  for (const layer of options.closures ? CLOSURES : []) {
    await ensure(session.calloutAdd(callout(layer.callout, layer, 'hears of closed sockets')));
    await ensure(
      session.filterAdd({
        ...own(layer, HEAR, WEIGHT_RANGE.base),
        filterCondition: [],
        action: { type: 'FWP_ACTION_CALLOUT_INSPECTION', calloutKey: layer.callout },
      }),
    );
  }
}

/** Keys of everything that `addAsking` can add: nothing else has to be read to take it away. */
const ASKING_FILTERS: readonly Guid[] = RULE_LAYERS.flatMap(layer =>
  ['Ask', DROP_UNTIL_ASKED].map(name => filterKey(layer, name)),
);
const FILTERS_BESIDE: readonly Guid[] = [
  ...RULE_LAYERS.flatMap(layer =>
    [BIND_TCP, BIND_ANY, ...coreNetworking(layer).map(({ name }) => name)].map(name => filterKey(layer, name)),
  ),
  ...CLOSURES.map(layer => filterKey(layer, HEAR)),
];
const ASKING_CALLOUTS: readonly Guid[] = [...ASK_CALLOUTS, ...CLOSURES.map(closure => closure.callout)];

/** @returns how many filters that ask there were */
export async function deleteAsking(engine: FilterEngine): Promise<number> {
  let count = 0;
  for (const key of ASKING_FILTERS) if (await gone(engine.filterDeleteByKey(key))) count++;
  for (const key of FILTERS_BESIDE) await gone(engine.filterDeleteByKey(key));
  for (const key of ASKING_CALLOUTS) await gone(engine.calloutDeleteByKey(key));
  return count;
}

/** Takes away what asks and was left by a guard that died, in one transaction. @returns how many filters that ask there were */
export const removeAsking = (engine: FilterEngine): Promise<number> => engine.transaction(() => deleteAsking(engine));
