import assert from 'node:assert/strict';
import type { FilterEngine } from '../../../engine/model/filter-engine.ts';
import type { LayerName } from '../../../engine/model/keys.ts';
import type { FilterCondition } from '../../../engine/model/objects.ts';
import type { FwpConditionValue } from '../../../engine/model/value.ts';
import { addFilter, app, u8, u16, u32, when } from '../build.ts';
import { type ContractCase, dynamicCase, fails } from './contract-case.ts';

const V4: LayerName = 'ALE_AUTH_CONNECT_V4';
const V6: LayerName = 'ALE_AUTH_CONNECT_V6';
const address6 = new Uint8Array(Buffer.from('20010db8000000000000000000000001', 'hex'));
const range = (low: number, high: number): FwpConditionValue => ({
  type: 'FWP_RANGE_TYPE',
  value: { low: u16(low), high: u16(high) },
});

/** Everything an engine keeps and gives back unchanged. */
const GOOD: readonly (readonly [LayerName, FilterCondition])[] = [
  [V4, when('ALE_APP_ID', app('\\device\\harddiskvolume3\\program.exe'))],
  [V4, when('ALE_APP_ID', app('x'), 'FWP_MATCH_NOT_EQUAL')],
  [V4, when('ALE_USER_ID', { type: 'FWP_SECURITY_DESCRIPTOR_TYPE', value: 'O:SYG:SYD:(A;;CCRC;;;BA)' })],
  [V4, when('IP_PROTOCOL', u8(17))],
  [V4, when('IP_REMOTE_PORT', u16(65535))],
  [V4, when('IP_REMOTE_PORT', range(1000, 2000), 'FWP_MATCH_RANGE')],
  [V4, when('IP_REMOTE_PORT', u16(1024), 'FWP_MATCH_GREATER_OR_EQUAL')],
  [V4, when('IP_REMOTE_ADDRESS', u32(0xffffffff))],
  [V4, when('IP_REMOTE_ADDRESS', { type: 'FWP_V4_ADDR_MASK', value: { addr: 0xc0a80000, mask: 0xffff0000 } })],
  [V4, when('FLAGS', u32(1), 'FWP_MATCH_FLAGS_ALL_SET')],
  [V4, when('FLAGS', u32(4), 'FWP_MATCH_FLAGS_NONE_SET')],
  [V4, when('IP_LOCAL_INTERFACE', { type: 'FWP_UINT64', value: 0x6008001000000n })],
  [V4, when('ALE_PACKAGE_ID', { type: 'FWP_SID', value: 'S-1-0-0' }, 'FWP_MATCH_NOT_EQUAL')],
  [V6, when('IP_REMOTE_ADDRESS', { type: 'FWP_BYTE_ARRAY16_TYPE', value: address6 })],
  [V6, when('IP_REMOTE_ADDRESS', { type: 'FWP_V6_ADDR_MASK', value: { addr: address6, prefixLength: 64 } })],
];

const add = (session: FilterEngine, condition: FilterCondition, layer: LayerName = V4) =>
  addFilter(session, { layer, action: 'permit', when: [condition] });

export const conditionCases: readonly ContractCase[] = [
  dynamicCase('conditions of every kind come back as they were', async session => {
    for (const [layer, condition] of GOOD) {
      const { filterKey } = await add(session, condition, layer);
      const kept = (await session.filterGetByKey(filterKey)).filterCondition[0]!;
      const plain = (value: FwpConditionValue) =>
        JSON.stringify(value, (_, field) =>
          typeof field === 'bigint' ? String(field) : field instanceof Uint8Array ? [...field] : field,
        );
      assert.equal(kept.fieldKey, condition.fieldKey);
      assert.equal(kept.matchType, condition.matchType);
      // How a descriptor is written may differ (CCRC, 0x20001); that it is one is what counts.
      if (condition.conditionValue.type === 'FWP_SECURITY_DESCRIPTOR_TYPE')
        assert.equal(kept.conditionValue.type, condition.conditionValue.type);
      else assert.equal(plain(kept.conditionValue), plain(condition.conditionValue));
    }
  }),

  dynamicCase('the order of several conditions is kept', async session => {
    const conditions = [when('IP_REMOTE_PORT', u16(80)), when('IP_REMOTE_PORT', u16(443)), when('IP_PROTOCOL', u8(6))];
    const { filterKey } = await addFilter(session, { layer: V4, action: 'permit', when: conditions });
    assert.deepEqual((await session.filterGetByKey(filterKey)).filterCondition, conditions);
  }),

  dynamicCase('a field that the layer does not have is refused', async session => {
    await fails('FWP_E_CONDITION_NOT_FOUND', add(session, when('IP_PROTOCOL', u8(6)), 'ALE_AUTH_LISTEN_V4'));
    await fails('FWP_E_CONDITION_NOT_FOUND', add(session, when('DIRECTION', u32(0)), 'ALE_AUTH_RECV_ACCEPT_V4'));
  }),

  dynamicCase('a value of another type than the field is refused', async session => {
    await fails('FWP_E_TYPE_MISMATCH', add(session, when('IP_REMOTE_PORT', u32(80))));
    await fails('FWP_E_TYPE_MISMATCH', add(session, when('IP_PROTOCOL', u16(6))));
    await fails('FWP_E_TYPE_MISMATCH', add(session, when('IP_REMOTE_ADDRESS', u32(1)), V6));
  }),

  dynamicCase('a match type that does not go with the value is refused', async session => {
    await fails('FWP_E_MATCH_TYPE_MISMATCH', add(session, when('ALE_APP_ID', app('x'), 'FWP_MATCH_FLAGS_ALL_SET')));
    await fails('FWP_E_MATCH_TYPE_MISMATCH', add(session, when('IP_REMOTE_PORT', u16(80), 'FWP_MATCH_EQUAL_CASE_INSENSITIVE')));
  }),

  dynamicCase('a reversed range and an impossible prefix are refused', async session => {
    await fails('FWP_E_INVALID_RANGE', add(session, when('IP_REMOTE_PORT', range(2000, 1000), 'FWP_MATCH_RANGE')));
    const prefix = { type: 'FWP_V6_ADDR_MASK', value: { addr: address6, prefixLength: 129 } } as const;
    await fails('FWP_E_INVALID_NET_MASK', add(session, when('IP_REMOTE_ADDRESS', prefix), V6));
  }),
];
