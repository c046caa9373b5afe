import { PROVIDER_KEY, SUBLAYER_KEY } from './keys.ts';
import type { Provider, SubLayer } from './objects.ts';

/**
 * Weights of the sublayers that are there from the start, the same on every state dump seen. The three that a build may lack are below
 * the others. MPSSVC's unnamed {9ba30013-…} (40961) belongs to the Windows Firewall service and is not part of the engine.
 * https://learn.microsoft.com/windows/win32/fwp/filtering-sublayer-identifiers
 */
const SUBLAYER_WEIGHT: { readonly [name in keyof typeof SUBLAYER_KEY]: number } = {
  RPC_AUDIT: 49152,
  IPSEC_TUNNEL: 40960,
  IPSEC_FORWARD_OUTBOUND_TUNNEL: 36864,
  IPSEC_DOSP: 34816,
  UNIVERSAL: 32768,
  LIPS: 32767,
  SECURE_SOCKET: 16384,
  IPSEC_SECURITY_REALM: 12288,
  TCP_TEMPLATES: 8704,
  TCP_CHIMNEY_OFFLOAD: 8192,
  MPSSVC_APP_ISOLATION: 7,
  MPSSVC_TENANT_RESTRICTIONS: 6,
  MPSSVC_EDP: 5,
  MPSSVC_QUARANTINE: 4,
  MPSSVC_WSH: 3,
  MPSSVC_WF: 2,
  TEREDO: 1,
  INSPECTION: 0,
};

/** FWPM_SUBLAYER_* with their weights, heaviest first. They can be neither added nor deleted. */
export function builtinSubLayers(): readonly SubLayer[] {
  return Object.entries(SUBLAYER_WEIGHT).map(([name, weight]) => ({
    subLayerKey: SUBLAYER_KEY[name as keyof typeof SUBLAYER_KEY],
    displayData: { name: `FWPM_SUBLAYER_${name}` },
    flags: 0,
    weight,
  }));
}

/** FWPM_PROVIDER_* of fwpmu.h (the two provider *context* keys there left out). They can be neither added nor deleted. */
export function builtinProviders(): readonly Provider[] {
  return Object.entries(PROVIDER_KEY)
    .filter(([name]) => !name.startsWith('CONTEXT_'))
    .map(([name, providerKey]) => ({ providerKey, displayData: { name: `FWPM_PROVIDER_${name}` }, flags: 0 }));
}
