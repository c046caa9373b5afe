import type { AttemptLayer } from '../model/attempt.ts';
import type { Guid } from '../model/guid.ts';
import { LAYER_KEY } from '../model/keys.gen.ts';

/** Sallyport's own objects. Their keys never change: a later version must find what an earlier one left. */
export const SALLYPORT_PROVIDER: Guid = '5a11f0b7-6b1e-4d53-9d0c-2f6c3e7a1001';
export const SALLYPORT_SUBLAYER: Guid = '5a11f0b7-6b1e-4d53-9d0c-2f6c3e7a2001';
/** Above Windows Firewall and the universal sublayer (0x8000), below IPsec's tunnels (0xA000). */
export const SALLYPORT_SUBLAYER_WEIGHT = 0x9000;

export type Family = 'v4' | 'v6';

/** A layer at which rules have filters. */
export interface RuleLayer {
  readonly layer: AttemptLayer;
  readonly family: Family;
  readonly layerKey: Guid;
  /** The callout whose filter asks there. */
  readonly askCallout: Guid;
  /** Name in fwpmu.h, without prefix. */
  readonly name: string;
}

const row = (layer: AttemptLayer, family: Family, layerKey: Guid, askCallout: Guid): RuleLayer => ({
  layer,
  family,
  layerKey,
  askCallout,
  name: `${layer}_${family.toUpperCase()}`,
});

/** The callouts that the Windows driver registers (driver/callout/ioctl.h). */
const driverCallout = (start: string): Guid => `${start}-8a38-4177-ae78-18735e43f144`;
/** Callouts of platforms where bind and listen are held too. */
const callout = (number: string): Guid => `5a11f0b7-6b1e-4d53-9d0c-2f6c3e7a${number}`;

/** Every layer that Sallyport filters, with its ask callout. */
export const RULE_LAYERS: readonly RuleLayer[] = [
  row('ALE_AUTH_CONNECT', 'v4', LAYER_KEY.ALE_AUTH_CONNECT_V4, driverCallout('f3a1e9ca')),
  row('ALE_AUTH_CONNECT', 'v6', LAYER_KEY.ALE_AUTH_CONNECT_V6, driverCallout('f3a1e9cb')),
  row('ALE_RESOURCE_ASSIGNMENT', 'v4', LAYER_KEY.ALE_RESOURCE_ASSIGNMENT_V4, callout('3003')),
  row('ALE_RESOURCE_ASSIGNMENT', 'v6', LAYER_KEY.ALE_RESOURCE_ASSIGNMENT_V6, callout('3004')),
  row('ALE_AUTH_LISTEN', 'v4', LAYER_KEY.ALE_AUTH_LISTEN_V4, callout('3005')),
  row('ALE_AUTH_LISTEN', 'v6', LAYER_KEY.ALE_AUTH_LISTEN_V6, callout('3006')),
  row('ALE_AUTH_RECV_ACCEPT', 'v4', LAYER_KEY.ALE_AUTH_RECV_ACCEPT_V4, driverCallout('f3a1e9cc')),
  row('ALE_AUTH_RECV_ACCEPT', 'v6', LAYER_KEY.ALE_AUTH_RECV_ACCEPT_V6, driverCallout('f3a1e9cd')),
];

const byKind = new Map(RULE_LAYERS.map(entry => [`${entry.layer}${entry.family}`, entry]));

/** The layer of an attempt. */
export function ruleLayer(layer: AttemptLayer, family: Family): RuleLayer {
  const found = byKind.get(`${layer}${family}`);
  if (!found) throw new Error(`no layer for ${layer} ${family}`);
  return found;
}

/** Keys of all ask callouts: a host registers them with a function that pends. */
export const ASK_CALLOUTS: readonly Guid[] = RULE_LAYERS.map(entry => entry.askCallout);

/** Where the Windows driver hears that a socket is gone, so that what it held for it ends: inspection only, it decides nothing. */
export const CLOSURES: readonly { readonly layerKey: Guid; readonly callout: Guid; readonly name: string }[] = [
  { layerKey: LAYER_KEY.ALE_ENDPOINT_CLOSURE_V4, callout: driverCallout('f3a1e9ce'), name: 'ALE_ENDPOINT_CLOSURE_V4' },
  { layerKey: LAYER_KEY.ALE_ENDPOINT_CLOSURE_V6, callout: driverCallout('f3a1e9cf'), name: 'ALE_ENDPOINT_CLOSURE_V6' },
];

/** Weight ranges (FWP_UINT8, the top 4 bits): rules over what the set-up permits, over asking. */
export const WEIGHT_RANGE = { rule: 8, builtin: 4, base: 1, ask: 0 } as const;

export const IPPROTO = { icmp: 1, igmp: 2, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;
