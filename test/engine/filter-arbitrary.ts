import fc from 'fast-check';
import type { CalloutFn, ClassifyValues } from '../../engine/model/classify.ts';
import { CONDITION_KEY, LAYER_KEY } from '../../engine/model/keys.ts';
import type { ActionType, Filter, FilterCondition, SubLayer } from '../../engine/model/objects.ts';
import type { FwpConditionValue, FwpValue, MatchType } from '../../engine/model/value.ts';

/** Filters and traffic from small pools of values, so that they meet often. */

export const SUBLAYERS: readonly SubLayer[] = [0xffff, 0x8000, 7].map((weight, index) => ({
  subLayerKey: `5a11f002-0000-4000-8000-00000000000${index}`,
  displayData: { name: `sublayer ${index}` },
  flags: 0,
  weight,
}));

const calloutKey = (number: number) => `5a11f002-0000-4000-8000-0000000000c${number}`;
/** The last key stays unregistered. */
export const CALLOUTS = new Map<string, CalloutFn | 'opaque'>([
  [calloutKey(0), () => ({ action: 'permit' })],
  [calloutKey(1), () => ({ action: 'permit', clearRight: true })],
  [calloutKey(2), () => ({ action: 'block' })],
  [calloutKey(3), () => ({ action: 'block', clearRight: true })],
  [calloutKey(4), (_filter, _values, right) => (right ? { action: 'block', pend: true } : { action: 'continue' })],
  [calloutKey(5), (_filter, _values, right) => ({ action: right ? 'continue' : 'block' })],
  [calloutKey(6), 'opaque'],
]);

type Field = keyof typeof CONDITION_KEY;
const bytes = (text: string) => new Uint8Array(Buffer.from(`${text}\0`, 'utf16le'));
const v6 = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

const u8 = (value: number): FwpValue => ({ type: 'FWP_UINT8', value });
const u16 = (value: number): FwpValue => ({ type: 'FWP_UINT16', value });
const u32 = (value: number): FwpValue => ({ type: 'FWP_UINT32', value });
const POOL: { readonly [field: string]: readonly FwpValue[] } = {
  IP_PROTOCOL: [u8(6), u8(17), u8(1)],
  IP_REMOTE_PORT: [u16(0), u16(80), u16(443), u16(444), u16(8080), u16(65535)],
  IP_LOCAL_PORT: [u16(22), u16(80), u16(49152)],
  FLAGS: [u32(0), u32(1), u32(4), u32(5), u32(0x80000001)],
  V4: [u32(0x0a000001), u32(0x0a000002), u32(0x0a010001), u32(0xc0a80001), u32(0), u32(0xffffffff)],
  V6: [
    '20010db8000000000000000000000001',
    '20010db8000000000000000000000002',
    '20010db8000000010000000000000001',
    'fe800000000000000000000000000001',
    '00000000000000000000ffff0a000001',
  ].map((value): FwpValue => ({ type: 'FWP_BYTE_ARRAY16_TYPE', value: v6(value) })),
  ALE_APP_ID: ['/usr/bin/curl', '/opt/bin/curl', '/usr/bin/a-program-with-a-rather-long-name', 'system'].map(
    (text): FwpValue => ({ type: 'FWP_BYTE_BLOB_TYPE', value: bytes(text) }),
  ),
  IP_LOCAL_INTERFACE: [0n, 1n, 2n ** 63n + 5n].map((value): FwpValue => ({ type: 'FWP_UINT64', value })),
  ALE_PACKAGE_ID: ['S-1-0-0', 'S-1-15-2-1-2-3'].map((value): FwpValue => ({ type: 'FWP_SID', value })),
};
const SIDS = ['S-1-22-1-1000', 'S-1-22-2-27', 'S-1-5-80-1-2-3'];

const sddl = fc
  .array(
    fc.tuple(fc.constantFrom('A', 'D'), fc.constantFrom('CC', 'CCRC', 'RC', 'DCCC'), fc.constantFrom(...SIDS, 'S-1-5-18', 'WD')),
    { maxLength: 3 },
  )
  .map(aces => `O:SYG:SYD:${aces.map(([kind, rights, sid]) => `(${kind};;${rights};;;${sid})`).join('')}`);

const ORDERED: readonly MatchType[] = [
  'FWP_MATCH_EQUAL',
  'FWP_MATCH_EQUAL',
  'FWP_MATCH_EQUAL',
  'FWP_MATCH_NOT_EQUAL',
  'FWP_MATCH_GREATER',
  'FWP_MATCH_LESS',
  'FWP_MATCH_GREATER_OR_EQUAL',
  'FWP_MATCH_LESS_OR_EQUAL',
];
const FLAGS: readonly MatchType[] = ['FWP_MATCH_FLAGS_ALL_SET', 'FWP_MATCH_FLAGS_ANY_SET', 'FWP_MATCH_FLAGS_NONE_SET'];
const BLOB: readonly MatchType[] = [
  'FWP_MATCH_EQUAL',
  'FWP_MATCH_EQUAL',
  'FWP_MATCH_NOT_EQUAL',
  'FWP_MATCH_PREFIX',
  'FWP_MATCH_NOT_PREFIX',
];

const of = (field: Field, matchType: MatchType, conditionValue: FwpConditionValue): FilterCondition => ({
  fieldKey: CONDITION_KEY[field],
  matchType,
  conditionValue,
});
const compared = (field: Field, pool: readonly FwpValue[], types: readonly MatchType[]) =>
  fc.tuple(fc.constantFrom(...types), fc.constantFrom(...pool)).map(([type, value]) => of(field, type, value));
const ranged = (field: Field, pool: readonly FwpValue[]) =>
  fc.tuple(fc.nat(pool.length - 1), fc.nat(pool.length - 1)).map(([a, b]) => {
    const key = (value: FwpValue) =>
      value.type === 'FWP_BYTE_ARRAY16_TYPE' ? Buffer.from(value.value).toString('hex') : (value as { value: number }).value;
    const [low, high] = [pool[a]!, pool[b]!].sort((x, y) => (key(x) < key(y) ? -1 : 1));
    return of(field, 'FWP_MATCH_RANGE', { type: 'FWP_RANGE_TYPE', value: { low: low!, high: high! } });
  });

function addressCondition(field: Field, family: 'v4' | 'v6'): fc.Arbitrary<FilterCondition> {
  const pool = POOL[family === 'v4' ? 'V4' : 'V6']!;
  const prefix = fc.tuple(fc.constantFrom(...pool), fc.nat(128)).map(([value, bits]): FilterCondition => {
    if (value.type === 'FWP_BYTE_ARRAY16_TYPE')
      return of(field, 'FWP_MATCH_EQUAL', { type: 'FWP_V6_ADDR_MASK', value: { addr: value.value, prefixLength: bits } });
    const length = bits % 33;
    const mask = length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
    return of(field, 'FWP_MATCH_EQUAL', { type: 'FWP_V4_ADDR_MASK', value: { addr: (value as { value: number }).value, mask } });
  });
  return fc.oneof(compared(field, pool, ['FWP_MATCH_EQUAL', 'FWP_MATCH_NOT_EQUAL']), prefix, ranged(field, pool));
}

const condition = (family: 'v4' | 'v6', layerFields: readonly Field[]): fc.Arbitrary<FilterCondition> => {
  const all: { readonly [field: string]: fc.Arbitrary<FilterCondition> } = {
    IP_REMOTE_ADDRESS: addressCondition('IP_REMOTE_ADDRESS', family),
    IP_LOCAL_ADDRESS: addressCondition('IP_LOCAL_ADDRESS', family),
    IP_REMOTE_PORT: fc.oneof(
      compared('IP_REMOTE_PORT', POOL['IP_REMOTE_PORT']!, ORDERED),
      ranged('IP_REMOTE_PORT', POOL['IP_REMOTE_PORT']!),
    ),
    IP_LOCAL_PORT: fc.oneof(
      compared('IP_LOCAL_PORT', POOL['IP_LOCAL_PORT']!, ORDERED),
      ranged('IP_LOCAL_PORT', POOL['IP_LOCAL_PORT']!),
    ),
    IP_PROTOCOL: compared('IP_PROTOCOL', POOL['IP_PROTOCOL']!, ['FWP_MATCH_EQUAL', 'FWP_MATCH_NOT_EQUAL']),
    FLAGS: compared('FLAGS', POOL['FLAGS']!, FLAGS),
    ALE_APP_ID: compared('ALE_APP_ID', POOL['ALE_APP_ID']!, BLOB),
    IP_LOCAL_INTERFACE: fc.oneof(
      compared('IP_LOCAL_INTERFACE', POOL['IP_LOCAL_INTERFACE']!, ORDERED),
      fc
        .constantFrom<MatchType>('FWP_MATCH_EQUAL', 'FWP_MATCH_NOT_EQUAL')
        .map(type => of('IP_LOCAL_INTERFACE', type, { type: 'FWP_EMPTY' })),
    ),
    ALE_PACKAGE_ID: compared('ALE_PACKAGE_ID', POOL['ALE_PACKAGE_ID']!, ['FWP_MATCH_EQUAL', 'FWP_MATCH_NOT_EQUAL']),
    ALE_USER_ID: sddl.map(value => of('ALE_USER_ID', 'FWP_MATCH_EQUAL', { type: 'FWP_SECURITY_DESCRIPTOR_TYPE', value })),
  };
  return fc.oneof(...layerFields.map(field => all[field]!));
};

const LAYERS = {
  connectV4: { key: LAYER_KEY.ALE_AUTH_CONNECT_V4, family: 'v4' },
  connectV6: { key: LAYER_KEY.ALE_AUTH_CONNECT_V6, family: 'v6' },
  stream: { key: LAYER_KEY.STREAM_V4, family: 'v4' },
} as const;
const STREAM_FIELDS: readonly Field[] = ['IP_REMOTE_ADDRESS', 'IP_LOCAL_ADDRESS', 'IP_REMOTE_PORT', 'IP_LOCAL_PORT', 'FLAGS'];
const ALE_FIELDS: readonly Field[] = [
  ...STREAM_FIELDS,
  'IP_PROTOCOL',
  'ALE_APP_ID',
  'IP_LOCAL_INTERFACE',
  'ALE_PACKAGE_ID',
  'ALE_USER_ID',
];

const ACTIONS: readonly ActionType[] = [
  'FWP_ACTION_PERMIT',
  'FWP_ACTION_PERMIT',
  'FWP_ACTION_BLOCK',
  'FWP_ACTION_BLOCK',
  'FWP_ACTION_CALLOUT_TERMINATING',
  'FWP_ACTION_CALLOUT_UNKNOWN',
  'FWP_ACTION_CALLOUT_INSPECTION',
  'FWP_ACTION_CONTINUE',
];

const filter = (layerKey: string, family: 'v4' | 'v6', fields: readonly Field[]) =>
  fc
    .record({
      conditions: fc.array(condition(family, fields), { maxLength: 4 }),
      action: fc.constantFrom(...ACTIONS),
      callout: fc.nat(7),
      subLayer: fc.nat(SUBLAYERS.length - 1),
      weight: fc.constantFrom(0n, 1n, 5n, 2n ** 60n, 2n ** 64n - 1n, 2n ** 64n - 2n),
      flags: fc.constantFrom(0, 0, 8, 16, 24),
    })
    .map(
      ({ conditions, action, callout, subLayer, weight, flags }): Omit<Filter, 'filterId' | 'filterKey'> => ({
        displayData: { name: 'generated' },
        flags,
        layerKey,
        subLayerKey: SUBLAYERS[subLayer]!.subLayerKey,
        weight: { type: 'FWP_UINT64', value: weight },
        filterCondition: conditions,
        action: action.startsWith('FWP_ACTION_CALLOUT') ? { type: action, calloutKey: calloutKey(callout) } : { type: action },
        effectiveWeight: weight,
      }),
    );

const token = fc
  .record({ sids: fc.subarray(SIDS, { minLength: 1 }), partial: fc.boolean() })
  .map((value): FwpValue => ({ type: 'FWP_TOKEN_ACCESS_INFORMATION_TYPE', value }));

function traffic(family: 'v4' | 'v6', fields: readonly Field[]): fc.Arbitrary<ClassifyValues> {
  const address = POOL[family === 'v4' ? 'V4' : 'V6']!;
  const pool = (field: Field) => (field.endsWith('_ADDRESS') ? address : POOL[field]);
  const value = (field: Field): fc.Arbitrary<FwpValue | undefined> => {
    const known: fc.Arbitrary<FwpValue> = field === 'ALE_USER_ID' ? token : fc.constantFrom(...pool(field)!);
    return fc.oneof(
      { weight: 16, arbitrary: known },
      { weight: 2, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constant<FwpValue>({ type: 'FWP_EMPTY' }) },
      { weight: 1, arbitrary: fc.constant<FwpValue>({ type: 'FWP_INT8', value: 1 }) },
    );
  };
  return fc.record(Object.fromEntries(fields.map(field => [field, value(field)])));
}

export interface GeneratedCase {
  readonly layerKey: string;
  readonly waterfall: boolean;
  readonly filters: readonly Filter[];
  readonly traffic: readonly ClassifyValues[];
}

/** Filters at one layer and some traffic there. */
export const generatedCase = (trafficPerCase: number): fc.Arbitrary<GeneratedCase> =>
  fc.constantFrom<keyof typeof LAYERS>('connectV4', 'connectV4', 'connectV6', 'stream').chain(name => {
    const { key, family } = LAYERS[name];
    const fields = name === 'stream' ? STREAM_FIELDS : ALE_FIELDS;
    return fc
      .record({
        filters: fc.array(filter(key, family, fields), { maxLength: 7 }),
        traffic: fc.array(traffic(family, fields), { minLength: trafficPerCase, maxLength: trafficPerCase }),
      })
      .map(generated => ({
        layerKey: key,
        waterfall: name === 'stream',
        traffic: generated.traffic,
        filters: generated.filters.map((one, index) => ({
          ...one,
          filterId: BigInt(index + 1),
          filterKey: `5a11f003-0000-4000-8000-${String(index).padStart(12, '0')}`,
        })),
      }));
  });
