import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CONDITION_KEY, type ConditionName } from '../model/keys.ts';
import { allLayers, layerByName } from '../model/layers.ts';
import type { FilterCondition } from '../model/objects.ts';
import type { FwpConditionValue } from '../model/value.ts';
import { chooseSubLayerWeight } from './sublayer-weight.ts';
import { automaticWeight } from './weight.ts';

const when = (field: ConditionName, conditionValue: FwpConditionValue): FilterCondition => ({
  fieldKey: CONDITION_KEY[field],
  matchType: conditionValue.type === 'FWP_RANGE_TYPE' ? 'FWP_MATCH_RANGE' : 'FWP_MATCH_EQUAL',
  conditionValue,
});
const mask = (prefix: number): FwpConditionValue => ({
  type: 'FWP_V4_ADDR_MASK',
  value: { addr: 0x0a000000, mask: prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0 },
});
const v6 = (prefixLength: number): FwpConditionValue => ({
  type: 'FWP_V6_ADDR_MASK',
  value: { addr: new Uint8Array(16), prefixLength },
});
const u8 = (value: number): FwpConditionValue => ({ type: 'FWP_UINT8', value });
const u16 = (value: number): FwpConditionValue => ({ type: 'FWP_UINT16', value });
const u32 = (value: number): FwpConditionValue => ({ type: 'FWP_UINT32', value });

const ALE = ['ALE_AUTH_CONNECT_V4', 'ALE_AUTH_CONNECT_V6', 'ALE_AUTH_RECV_ACCEPT_V4', 'ALE_AUTH_RECV_ACCEPT_V6'] as const;

describe.each(ALE)('automatic weights at %s', name => {
  const layer = layerByName(name)!;
  const address = name.endsWith('V4') ? mask : v6;
  const bits = name.endsWith('V4') ? 32 : 128;

  test('keep the promised order, whatever is less specific beside it', () => {
    const order: FilterCondition[] = [
      when('IP_REMOTE_ADDRESS', address(bits)),
      when('IP_LOCAL_INTERFACE', { type: 'FWP_UINT64', value: 1n }),
      when('IP_PROTOCOL', u8(6)),
      when('IP_LOCAL_PORT', u16(80)),
      when('IP_REMOTE_PORT', u16(80)),
      when('ALE_APP_ID', { type: 'FWP_BYTE_BLOB_TYPE', value: new Uint8Array(4) }),
      when('ALE_USER_ID', { type: 'FWP_SECURITY_DESCRIPTOR_TYPE', value: 'D:(A;;CC;;;WD)' }),
      when('FLAGS', u32(1)),
      when('NEXTHOP_TUNNEL_TYPE', u32(1)),
      when('CURRENT_PROFILE_ID', u32(1)),
    ];
    for (const [at, condition] of order.entries())
      expect(automaticWeight(layer, [condition]), `${at}`).toBeGreaterThan(automaticWeight(layer, order.slice(at + 1)));
    expect(automaticWeight(layer, [])).toBe(0n);
  });

  test('a longer prefix weighs at least as much, and a much longer one more', () => {
    for (let prefix = 1; prefix <= bits; prefix++) {
      const [longer, shorter] = [prefix, prefix - 1].map(length =>
        automaticWeight(layer, [when('IP_REMOTE_ADDRESS', address(length))]),
      );
      expect(longer).toBeGreaterThanOrEqual(shorter!);
    }
    const all = Array.from({ length: bits + 1 }, (_, length) =>
      automaticWeight(layer, [when('IP_REMOTE_ADDRESS', address(length))]),
    );
    expect(new Set(all).size).toBe(bits + 1);
  });

  test('a narrower range of ports weighs at least as much, an exact port most', () => {
    const range = (high: number) =>
      automaticWeight(layer, [
        when('IP_LOCAL_PORT', {
          type: 'FWP_RANGE_TYPE',
          value: { low: { type: 'FWP_UINT16', value: 0 }, high: { type: 'FWP_UINT16', value: high } },
        }),
      ]);
    expect(range(0xffff)).toBe(0n);
    expect(range(0xfff)).toBeGreaterThan(0n);
    expect(range(7)).toBeGreaterThan(range(0xfff));
    expect(automaticWeight(layer, [when('IP_LOCAL_PORT', u16(1))])).toBeGreaterThanOrEqual(range(1));
  });
});

test('every automatic weight fits 60 bits, at every layer of every build', () => {
  for (const layer of [...allLayers('newer'), ...allLayers('older')]) {
    const all = layer.fields.map(
      ({ fieldKey, dataType }): FilterCondition => ({
        fieldKey,
        matchType: 'FWP_MATCH_EQUAL',
        conditionValue: { type: dataType, value: 0 } as FwpConditionValue,
      }),
    );
    expect(automaticWeight(layer, all), layer.name).toBeLessThan(1n << 60n);
    for (const one of all) expect(automaticWeight(layer, [one])).toBeGreaterThan(0n);
  }
});

test('the order of conditions and their repetition do not matter', () => {
  const layer = layerByName('ALE_AUTH_CONNECT_V4')!;
  const conditions = [
    when('IP_PROTOCOL', u8(6)),
    when('IP_REMOTE_PORT', u16(80)),
    when('IP_REMOTE_PORT', u16(443)),
    when('FLAGS', u32(1)),
  ];
  fc.assert(
    fc.property(fc.shuffledSubarray(conditions, { minLength: 4 }), shuffled => {
      expect(automaticWeight(layer, shuffled)).toBe(automaticWeight(layer, conditions));
    }),
  );
});

test('alternatives count as their mean', () => {
  const layer = layerByName('ALE_AUTH_CONNECT_V4')!;
  const [long, short, between] = [24, 8, 16].map(prefix => when('IP_REMOTE_ADDRESS', mask(prefix)));
  expect(automaticWeight(layer, [long!, short!])).toBe(automaticWeight(layer, [between!]));
});

test('a sublayer whose weight is taken gets the next free higher one, at the top the next lower', () => {
  const taken = new Set([0, 1, 2, 5, 0xffff, 0xfffe]);
  expect(chooseSubLayerWeight(3, taken)).toBe(3);
  expect(chooseSubLayerWeight(0, taken)).toBe(3);
  expect(chooseSubLayerWeight(5, taken)).toBe(6);
  expect(chooseSubLayerWeight(0xffff, taken)).toBe(0xfffd);
});
