import type { Guid } from './guid.ts';
import { CALLOUT_KEY, CONDITION_ALIAS, CONDITION_KEY, LAYER_KEY, PROVIDER_KEY, SUBLAYER_KEY } from './keys.gen.ts';

export { CALLOUT_KEY, CONDITION_ALIAS, CONDITION_KEY, LAYER_KEY, PROVIDER_KEY, SUBLAYER_KEY };

export type LayerName = keyof typeof LAYER_KEY;
export type ConditionName = keyof typeof CONDITION_KEY;
export type KeyKind = 'layer' | 'condition' | 'sublayer' | 'provider' | 'callout';

const TABLE: Record<KeyKind, { readonly [name: string]: Guid }> = {
  layer: LAYER_KEY,
  condition: CONDITION_KEY,
  sublayer: SUBLAYER_KEY,
  provider: PROVIDER_KEY,
  callout: CALLOUT_KEY,
};
const reversed = new Map<KeyKind, ReadonlyMap<Guid, string>>();

/** Name of a well-known GUID of one kind without its FWPM_ prefix (`ALE_AUTH_CONNECT_V4`), built on first use. */
export function nameOfKey(kind: KeyKind, key: Guid): string | undefined {
  let names = reversed.get(kind);
  if (names === undefined) {
    names = new Map(Object.entries(TABLE[kind]).map(([name, guid]) => [guid, name]));
    reversed.set(kind, names);
  }
  return names.get(key);
}

/**
 * GUID of a well-known name, with or without prefix (`FWPM_CONDITION_ICMP_TYPE`, `ICMP_TYPE`). Aliases of conditions give the GUID
 * that they stand for.
 */
export function keyOfName(kind: KeyKind, name: string): Guid | undefined {
  const bare = name.replace(/^FWPM_(LAYER|CONDITION|SUBLAYER|PROVIDER|CALLOUT)_/, '');
  const alias =
    kind === 'condition' && Object.hasOwn(CONDITION_ALIAS, bare) ? CONDITION_ALIAS[bare as keyof typeof CONDITION_ALIAS] : bare;
  return Object.hasOwn(TABLE[kind], alias) ? TABLE[kind][alias] : undefined;
}
