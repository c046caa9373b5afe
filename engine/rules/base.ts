import type { AttemptLayer, FailPolicy } from '../model/attempt.ts';
import { WfpError } from '../model/error.ts';
import type { FilterEngine } from '../model/filter-engine.ts';
import type { Guid } from '../model/guid.ts';
import { FILTER_FLAG, type Filter, type FilterCondition, type FilterInput, OBJECT_FLAG } from '../model/objects.ts';
import { parseAddress } from './address.ts';
import { DROP_UNTIL_ASKED, dropsToAsk, fixedKey, holdsToAsk } from './ask-filters.ts';
import { compileRule } from './compile.ts';
import { notLoopback, portCondition, protocolCondition } from './conditions.ts';
import type { Rule } from './rule.ts';
import {
  ASK_CALLOUTS,
  CLOSURES,
  IPPROTO,
  RULE_LAYERS,
  type RuleLayer,
  SALLYPORT_PROVIDER,
  SALLYPORT_SUBLAYER,
  SALLYPORT_SUBLAYER_WEIGHT,
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
   * `removeAsking` is called or the engine restarts. Default false.
   */
  readonly outlives?: boolean;
}

export interface BaseOptions extends Asking {
  /** What the ask filters do while no callout is registered: `closed` blocks, `open` permits, `none` is a recording's: blocks in the model. */
  readonly failPolicy: FailPolicy;
  /** Addresses of name servers (as in /etc/resolv.conf) that may be asked without a question: UDP and TCP port 53. */
  readonly nameLookups?: readonly string[];
}

/** Does nothing when the object is there already. */
async function ensure(add: Promise<unknown>): Promise<void> {
  try {
    await add;
  } catch (error) {
    if (!(error instanceof WfpError && error.codeName === 'FWP_E_ALREADY_EXISTS')) throw error;
  }
}

/** Provider and sublayer, persistent: rules refer to them, so they must live as long. Safe to call again. */
export async function installProvider(engine: FilterEngine): Promise<void> {
  await engine.transaction(async () => {
    await ensure(
      engine.providerAdd({
        providerKey: SALLYPORT_PROVIDER,
        displayData: { name: 'Sallyport', description: 'Interactive firewall for the terminal' },
        flags: OBJECT_FLAG.PERSISTENT,
      }),
    );
    await ensure(
      engine.subLayerAdd({
        subLayerKey: SALLYPORT_SUBLAYER,
        displayData: { name: 'Sallyport', description: 'Rules, and the filters that ask' },
        flags: OBJECT_FLAG.PERSISTENT,
        providerKey: SALLYPORT_PROVIDER,
        weight: SALLYPORT_SUBLAYER_WEIGHT,
      }),
    );
  });
}

const callout = (calloutKey: Guid, { name, layerKey }: Pick<RuleLayer, 'name' | 'layerKey'>, does: string) => ({
  calloutKey,
  displayData: { name: `Sallyport ${does} at ${name}` },
  flags: 0,
  providerKey: SALLYPORT_PROVIDER,
  applicableLayer: layerKey,
});

const own = (layer: Pick<RuleLayer, 'name' | 'layerKey'>, name: string, range: number) => ({
  filterKey: fixedKey('filter', layer.name, name),
  displayData: { name },
  providerKey: SALLYPORT_PROVIDER,
  layerKey: layer.layerKey,
  subLayerKey: SALLYPORT_SUBLAYER,
  weight: { type: 'FWP_UINT8', value: range } as const,
});

const permit = (layer: RuleLayer, name: string, filterCondition: readonly FilterCondition[]): FilterInput => ({
  ...own(layer, name, WEIGHT_RANGE.base),
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
  filterCondition: [notLoopback],
  action: { type: 'FWP_ACTION_BLOCK' },
});

/** What a layer needs to be usable: at bind, TCP passes (it is asked when it listens) and so does port 0, which the system chooses. */
function baseFilters(layer: RuleLayer, { by, failPolicy }: BaseOptions): readonly FilterInput[] {
  const asking = by === 'drop' ? drop(layer) : ask(layer, failPolicy);
  if (layer.layer !== 'ALE_RESOURCE_ASSIGNMENT') return [asking];
  return [
    asking,
    permit(layer, 'Bind TCP: asked when it listens', [protocolCondition(IPPROTO.tcp)]),
    permit(layer, 'Bind to a port of the system’s choice', [portCondition('local', { from: 0, to: 0 })]),
  ];
}

/** The builtin rules that let every program ask these name servers. Their ids are fixed per address, so they are never doubled. */
export function nameLookupRules(addresses: readonly string[]): Rule[] {
  return addresses.flatMap(text => {
    const address = parseAddress(text.split('%')[0] ?? '');
    if (!address) return [];
    return [IPPROTO.udp, IPPROTO.tcp].map(
      (protocol): Rule => ({
        id: fixedKey('name lookup', address.text, String(protocol)),
        verdict: 'permit',
        scope: { remote: { kind: 'address', address: address.text }, port: { from: 53, to: 53 }, protocol, direction: 'out' },
        lifetime: { kind: 'restart' },
        enabled: true,
        note: 'name server of this machine',
        origin: 'builtin',
        createdAt: 0,
      }),
    );
  });
}

async function addAsking(session: FilterEngine, options: BaseOptions): Promise<void> {
  for (const layer of RULE_LAYERS) {
    if (options.layers && !options.layers.includes(layer.layer)) continue;
    if (options.by !== 'drop') await ensure(session.calloutAdd(callout(layer.askCallout, layer, 'asks')));
    for (const filter of baseFilters(layer, options)) await ensure(session.filterAdd(filter));
  }
  for (const layer of options.closures ? CLOSURES : []) {
    await ensure(session.calloutAdd(callout(layer.callout, layer, 'hears of closed sockets')));
    await ensure(
      session.filterAdd({
        ...own(layer, 'Hear of closed sockets', WEIGHT_RANGE.base),
        filterCondition: [],
        action: { type: 'FWP_ACTION_CALLOUT_INSPECTION', calloutKey: layer.callout },
      }),
    );
  }
}

/** What `addAsking` adds, whoever added it. */
const isOurs = (filter: Filter): boolean =>
  dropsToAsk(filter) || (filter.providerKey === SALLYPORT_PROVIDER && holdsToAsk(filter)) || hears(filter);
const hears = ({ action }: Pick<Filter, 'action'>): boolean => CLOSURES.some(({ callout }) => callout === action.calloutKey);

/** Takes away what asks and was left by a guard that died, in one transaction. @returns how many filters there were */
export async function removeAsking(engine: FilterEngine): Promise<number> {
  return engine.transaction(async () => {
    const left = (await engine.filterEnum()).filter(isOurs);
    for (const { filterId } of left) await engine.filterDeleteById(filterId);
    const keys = new Set([...ASK_CALLOUTS, ...CLOSURES.map(closure => closure.callout)]);
    for (const { calloutKey } of await engine.calloutEnum({ providerKey: SALLYPORT_PROVIDER }))
      if (keys.has(calloutKey)) await engine.calloutDeleteByKey(calloutKey);
    return left.length;
  });
}

/**
 * Sets up what asking needs: provider and sublayer in `engine`, persistent; in `dynamic` (usually a dynamic session, so that it goes with
 * the guard) the ask callouts, the ask filters below everything else, the permits that make a layer usable, and the builtin rules.
 * With `outlives`, what asks is in `engine` too. Each session changes in one transaction. Safe to call again.
 */
export async function installBase(engine: FilterEngine, dynamic: FilterEngine, options: BaseOptions): Promise<void> {
  await installProvider(engine);
  if (options.outlives) {
    await removeAsking(engine);
    await engine.transaction(() => addAsking(engine, options));
  }
  await dynamic.transaction(async () => {
    if (!options.outlives) await addAsking(dynamic, options);
    for (const rule of nameLookupRules(options.nameLookups ?? [])) {
      for (const filter of compileRule(rule)) await ensure(dynamic.filterAdd(filter));
    }
  });
}
