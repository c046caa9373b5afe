import { createHash } from 'node:crypto';
import type { Guid } from '../model/guid.ts';
import { FILTER_FLAG, type FilterCondition, type FilterInput } from '../model/objects.ts';
import {
  appCondition,
  type EngineForm,
  pathAsAppId,
  portCondition,
  protocolCondition,
  remoteConditions,
  userCondition,
} from './conditions.ts';
import { describeRule } from './describe.ts';
import { encodeRecord } from './record.ts';
import type { Lifetime, Rule, Scope } from './rule.ts';
import { canonicalScope } from './scope.ts';
import { IPPROTO, RULE_LAYERS, type RuleLayer, SALLYPORT_PROVIDER, SALLYPORT_SUBLAYER, WEIGHT_RANGE } from './well-known.ts';

/** True for lifetimes whose objects are persistent: they outlive the program and the machine. */
export const isLasting = (lifetime: Lifetime): boolean => lifetime.kind === 'permanent' || lifetime.kind === 'until';

/**
 * The key of a rule's object: the same for the same rule, so it is found and deleted without a search. Persistent and dynamic objects have
 * keys of their own, so a rule can be written at its new place before it is deleted at the old one.
 */
function objectKey(rule: Rule, what: string): Guid {
  const hash = createHash('sha256')
    .update(`${rule.id} ${isLasting(rule.lifetime)} ${what}`)
    .digest('hex');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

export const filterKeyOf = (rule: Rule, layer: RuleLayer): Guid => objectKey(rule, layer.name);

/** The key of the provider context that keeps a disabled rule. */
export const contextKeyOf = (rule: Rule): Guid => objectKey(rule, 'disabled');

/** The conditions of a scope at one layer; undefined when the rule has no filter there. */
function conditionsAt(scope: Scope, layer: RuleLayer, form: EngineForm = {}): readonly FilterCondition[] | undefined {
  const at = layer.layer;
  if ((at === 'ALE_AUTH_CONNECT') !== (scope.direction === 'out')) return undefined;
  const remote = remoteConditions(scope.remote, layer.family, form.mapsV4);
  if (!remote) return undefined;
  const conditions: FilterCondition[] = [];
  if (scope.app !== undefined) conditions.push(appCondition((form.appIdOf ?? pathAsAppId)(scope.app)));
  if (scope.user !== undefined) conditions.push(userCondition(scope.user));

  if (at === 'ALE_AUTH_CONNECT' || at === 'ALE_AUTH_RECV_ACCEPT') {
    if (scope.protocol !== undefined) conditions.push(protocolCondition(scope.protocol));
    if (scope.port) conditions.push(portCondition(at === 'ALE_AUTH_CONNECT' ? 'remote' : 'local', scope.port));
    return [...conditions, ...remote];
  }
  // A socket that is bound or listens has no remote side yet.
  if (scope.remote.kind !== 'any') return undefined;
  if (at === 'ALE_AUTH_LISTEN') {
    // The layer has no IP_PROTOCOL: only TCP listens there.
    if (scope.protocol !== undefined && scope.protocol !== IPPROTO.tcp) return undefined;
    if (scope.port) conditions.push(portCondition('local', scope.port));
    return conditions;
  }
  // Binding is the gate for everything but TCP, which is asked at listen. Port 0 opens nothing that others know.
  if (scope.protocol === IPPROTO.tcp) return undefined;
  conditions.push(
    scope.protocol === undefined ? protocolCondition(IPPROTO.tcp, 'FWP_MATCH_NOT_EQUAL') : protocolCondition(scope.protocol),
  );
  const port = scope.port ?? { from: 1, to: 65535 };
  if (port.to === 0) return undefined;
  conditions.push(portCondition('local', { from: Math.max(1, port.from), to: port.to }));
  return conditions;
}

/** The layers at which a rule of this scope has a filter. */
export const ruleLayersOf = (scope: Scope): readonly RuleLayer[] =>
  RULE_LAYERS.filter(layer => conditionsAt(scope, layer) !== undefined);

/**
 * The filters of a rule: at most one at each layer, each with the whole rule in its providerData. Rules that answer once or are disabled
 * have none.
 * @param form how the engine names what the rule names
 * @throws RuleError when the scope is impossible
 */
export function compileRule(rule: Rule, form: EngineForm = {}): FilterInput[] {
  if (!rule.enabled || rule.lifetime.kind === 'once') return [];
  const scope = canonicalScope(rule.scope);
  const canonical: Rule = { ...rule, scope };
  const providerData = encodeRecord(canonical);
  const name = describeRule(canonical).slice(0, 250);
  const displayData = { name, ...(rule.note ? { description: rule.note } : {}) };
  return RULE_LAYERS.flatMap(layer => {
    const filterCondition = conditionsAt(scope, layer, form);
    if (!filterCondition) return [];
    return {
      filterKey: filterKeyOf(rule, layer),
      displayData,
      flags: isLasting(rule.lifetime) ? FILTER_FLAG.PERSISTENT : 0,
      providerKey: SALLYPORT_PROVIDER,
      providerData,
      layerKey: layer.layerKey,
      subLayerKey: SALLYPORT_SUBLAYER,
      weight: { type: 'FWP_UINT8', value: rule.origin === 'builtin' ? WEIGHT_RANGE.builtin : WEIGHT_RANGE.rule },
      filterCondition,
      action: { type: rule.verdict === 'permit' ? 'FWP_ACTION_PERMIT' : 'FWP_ACTION_BLOCK' },
    };
  });
}
