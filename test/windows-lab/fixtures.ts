import { CONDITION_KEY, LAYER_KEY } from '../../engine/model/keys.ts';
import type { FilterInput, Provider, SubLayer } from '../../engine/model/objects.ts';

/** Objects that the lab installs; both sides compare with them. */
export const PROVIDER: Provider = {
  providerKey: '5a11b0a7-0000-4000-8000-000000000001',
  displayData: { name: 'Sallyport', description: 'Ångström → 東京' },
  flags: 1,
  serviceName: 'sallyport',
};

export const SUBLAYER: SubLayer = {
  subLayerKey: '5a11b0a7-0000-4000-8000-000000000002',
  displayData: { name: 'Sallyport' },
  flags: 1,
  providerKey: PROVIDER.providerKey,
  weight: 0xfffe,
};

const port = (value: number) => ({ type: 'FWP_UINT16', value }) as const;

/** A condition of every kind that rules are made of. */
export const PROGRAM_FILTER = {
  filterKey: '5a11b0a7-0000-4000-8000-000000000003',
  displayData: { name: 'curl to one network' },
  flags: 1,
  providerKey: PROVIDER.providerKey,
  providerData: Uint8Array.of(1, 2, 254, 255),
  layerKey: LAYER_KEY.ALE_AUTH_CONNECT_V4,
  subLayerKey: SUBLAYER.subLayerKey,
  weight: { type: 'FWP_UINT64', value: 0x8000_0000_0000_0001n },
  filterCondition: [
    {
      fieldKey: CONDITION_KEY.ALE_APP_ID,
      matchType: 'FWP_MATCH_EQUAL',
      conditionValue: {
        type: 'FWP_BYTE_BLOB_TYPE',
        value: Uint8Array.from(Buffer.from('\\device\\harddiskvolume3\\curl.exe\0', 'utf16le')),
      },
    },
    {
      fieldKey: CONDITION_KEY.ALE_USER_ID,
      matchType: 'FWP_MATCH_EQUAL',
      conditionValue: { type: 'FWP_SECURITY_DESCRIPTOR_TYPE', value: 'O:SYG:SYD:(A;;CCRC;;;S-1-5-21-1-2-3-1001)' },
    },
    {
      fieldKey: CONDITION_KEY.IP_REMOTE_ADDRESS,
      matchType: 'FWP_MATCH_EQUAL',
      conditionValue: { type: 'FWP_V4_ADDR_MASK', value: { addr: 0xcb007100, mask: 0xffffff00 } },
    },
    {
      fieldKey: CONDITION_KEY.IP_REMOTE_PORT,
      matchType: 'FWP_MATCH_RANGE',
      conditionValue: { type: 'FWP_RANGE_TYPE', value: { low: port(440), high: port(450) } },
    },
    {
      fieldKey: CONDITION_KEY.IP_PROTOCOL,
      matchType: 'FWP_MATCH_EQUAL',
      conditionValue: { type: 'FWP_UINT8', value: 6 },
    },
  ],
  action: { type: 'FWP_ACTION_PERMIT' },
} as const satisfies FilterInput;
