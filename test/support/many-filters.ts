import type { Dump, DumpFilter } from '../../engine/dumps/dump.ts';
import { CONDITION_KEY, LAYER_KEY, SUBLAYER_KEY } from '../../engine/model/keys.ts';

const LAYERS = [LAYER_KEY.ALE_AUTH_CONNECT_V4, LAYER_KEY.ALE_AUTH_RECV_ACCEPT_V4, LAYER_KEY.ALE_AUTH_LISTEN_V4];
const blob = (text: string) => Uint8Array.from(Buffer.from(`${text}\0`, 'utf16le'));

function filterAt(i: number): DumpFilter {
  return {
    filterKey: `00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}`,
    displayData: { name: `Rule ${i}` },
    flags: 1,
    flagNames: ['PERSISTENT'],
    layerKey: LAYERS[i % LAYERS.length]!,
    subLayerKey: SUBLAYER_KEY.UNIVERSAL,
    weight: { type: 'FWP_EMPTY' },
    action: { type: i % 2 ? 'FWP_ACTION_PERMIT' : 'FWP_ACTION_BLOCK' },
    filterId: BigInt(i + 1),
    effectiveWeight: BigInt(1_000_000 - i),
    filterCondition: [
      {
        fieldKey: CONDITION_KEY.ALE_APP_ID,
        matchType: 'FWP_MATCH_EQUAL',
        conditionValue: {
          type: 'FWP_BYTE_BLOB_TYPE',
          value: blob(`\\device\\harddiskvolume3\\programs\\p${i % 300}.exe`),
        },
      },
      {
        fieldKey: CONDITION_KEY.IP_REMOTE_ADDRESS,
        matchType: 'FWP_MATCH_EQUAL',
        conditionValue: { type: 'FWP_V4_ADDR_MASK', value: { addr: (0x0a000000 + (i << 8)) >>> 0, mask: 0xffffff00 } },
      },
      {
        fieldKey: CONDITION_KEY.IP_REMOTE_PORT,
        matchType: 'FWP_MATCH_EQUAL',
        conditionValue: { type: 'FWP_UINT16', value: i % 65536 },
      },
    ],
    line: 0,
    column: 0,
  };
}

/** A dump of so many filters at three layers, with three conditions each. */
export const manyFilters = (count: number): Dump => ({
  kind: 'filters',
  source: 'many.xml',
  filters: Array.from({ length: count }, (_, i) => filterAt(i)),
  providers: [],
  subLayers: [],
  callouts: [],
  layers: [],
  sessions: [],
  providerContexts: [],
  netEvents: [],
  endpoints: [],
  other: [],
  names: new Map(),
  tellsCallouts: false,
  problems: [],
  errors: 0,
  warnings: 0,
});
