/** Small dumps written by hand in the format of netsh, for tests. */

const HEAD = '\uFEFF<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

export interface FixtureFilter {
  readonly id: number;
  readonly name?: string;
  readonly layer?: string;
  readonly subLayer?: string;
  readonly provider?: string;
  readonly action?: 'PERMIT' | 'BLOCK' | 'CALLOUT_TERMINATING' | 'CALLOUT_INSPECTION' | 'CALLOUT_UNKNOWN' | string;
  readonly callout?: string;
  readonly weight?: bigint;
  readonly flags?: readonly string[];
  /** Conditions as [field, match, type, value element content]. */
  readonly conditions?: readonly (readonly [field: string, match: string, type: string, value: string])[];
  /** Raw XML put into the item. */
  readonly extra?: string;
}

const list = (name: string, items: readonly string[]) =>
  items.length === 0
    ? `<${name}/>`
    : `<${name} numItems="${items.length}">${items.map(item => `\n<item>${item}</item>`).join('')}\n</${name}>`;
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** A value with its element, as netsh nests them. */
function valueXml(type: string, value: string): string {
  const element: Record<string, string> = {
    FWP_UINT8: 'uint8',
    FWP_UINT16: 'uint16',
    FWP_UINT32: 'uint32',
    FWP_UINT64: 'uint64',
    FWP_BYTE_ARRAY16_TYPE: 'byteArray16',
    FWP_SID: 'sid',
    FWP_SECURITY_DESCRIPTOR_TYPE: 'sd',
  };
  const body = type === 'FWP_EMPTY' ? '' : element[type] ? `<${element[type]}>${escaped(value)}</${element[type]}>` : value;
  return `<type>${type}</type>${body}`;
}

/** `\device\harddiskvolume3\…` as a blob. */
export const appXml = (path: string): string =>
  `<byteBlob><data>${Buffer.from(`${path}\0`, 'utf16le').toString('hex')}</data><asString>${escaped(path)}</asString></byteBlob>`;

export function filterXml(filter: FixtureFilter): string {
  const conditions = (filter.conditions ?? []).map(
    ([field, match, type, value]) =>
      `<fieldKey>FWPM_CONDITION_${field}</fieldKey><matchType>FWP_MATCH_${match}</matchType><conditionValue>${valueXml(type, value)}</conditionValue>`,
  );
  const hex = filter.id.toString(16).padStart(12, '0');
  return `<filterKey>{00000000-0000-4000-8000-${hex}}</filterKey>
<displayData><name>${escaped(filter.name ?? `filter ${filter.id}`)}</name><description/></displayData>
${list('flags', filter.flags ?? [])}
${filter.provider ? `<providerKey>${filter.provider}</providerKey>` : '<providerKey/>'}<providerData/>
<layerKey>FWPM_LAYER_${filter.layer ?? 'ALE_AUTH_CONNECT_V4'}</layerKey>
<subLayerKey>${filter.subLayer ?? 'FWPM_SUBLAYER_UNIVERSAL'}</subLayerKey>
<weight><type>FWP_EMPTY</type></weight>
${list('filterCondition', conditions)}
<action><type>FWP_ACTION_${filter.action ?? 'PERMIT'}</type>${filter.callout ? `<filterType>${filter.callout}</filterType>` : '<filterType/>'}</action>
<rawContext>0</rawContext><reserved/>
<filterId>${filter.id}</filterId>
<effectiveWeight><type>FWP_UINT64</type><uint64>${filter.weight ?? BigInt(filter.id)}</uint64></effectiveWeight>${filter.extra ?? ''}`;
}

/** A dump of `show filters`. */
export const filtersXml = (filters: readonly FixtureFilter[], providers: readonly string[] = []): string =>
  `${HEAD}<wfpdiag>\n<filters>\n${filters.map(filter => `<item>${filterXml(filter)}</item>`).join('\n')}\n</filters>\n<providers>${providers.map(each => `<item>${each}</item>`).join('\n')}</providers>\n</wfpdiag>\n`;

/** A dump of `show state`: two roots. */
export function stateXml(
  filters: readonly FixtureFilter[],
  options: {
    readonly subLayers?: readonly (readonly [key: string, weight: number])[];
    readonly callouts?: readonly (readonly [key: string, registered: boolean])[];
    readonly providers?: readonly string[];
    readonly swapped?: boolean;
  } = {},
): string {
  const callouts = (options.callouts ?? []).map(
    ([key, registered], i) =>
      `<calloutKey>${key}</calloutKey><displayData><name>callout ${i}</name><description/></displayData>${list('flags', registered ? ['FWPM_CALLOUT_FLAG_REGISTERED', '00000300'] : [])}<providerKey/><providerData/><applicableLayer>FWPM_LAYER_ALE_AUTH_CONNECT_V4</applicableLayer><calloutId>${i + 1}</calloutId>`,
  );
  const layers = [...new Set(filters.map(filter => filter.layer ?? 'ALE_AUTH_CONNECT_V4'))].map(
    (
      layer,
      i,
    ) => `<layer><layerKey>FWPM_LAYER_${layer}</layerKey><displayData><name>${layer}</name><description/></displayData><flags/><field/><defaultSubLayerKey>FWPM_SUBLAYER_UNIVERSAL</defaultSubLayerKey><layerId>${i}</layerId></layer>
${list('callouts', i === 0 ? callouts : [])}
${list('filters', filters.filter(filter => (filter.layer ?? 'ALE_AUTH_CONNECT_V4') === layer).map(filterXml))}`,
  );
  const subLayers = (options.subLayers ?? []).map(
    ([key, weight]) =>
      `<subLayerKey>${key}</subLayerKey><displayData><name>${key}</name><description/></displayData><flags/><providerKey/><providerData/><weight>${weight}</weight>`,
  );
  const state = `<wfpstate>\n<timeStamp>2024-10-22T20:48:53.891Z</timeStamp>\n<sessions/>\n${list('layers', layers)}\n${list('providers', options.providers ?? [])}\n<providerContexts/>\n${list('subLayers', subLayers)}\n</wfpstate>\n`;
  const firewall = '<firewallState>\n<dynamicKeywordAddresses/>\n</firewallState>\n';
  return HEAD + (options.swapped ? firewall + state : state + firewall);
}

export const providerXml = (
  key: string,
  name: string,
  options: { readonly disabled?: boolean; readonly service?: string } = {},
): string =>
  `<providerKey>${key}</providerKey><displayData><name>${escaped(name)}</name><description/></displayData>${list('flags', options.disabled ? ['FWPM_PROVIDER_FLAG_DISABLED'] : [])}<providerData/>${options.service ? `<serviceName>${options.service}</serviceName>` : '<serviceName/>'}`;
