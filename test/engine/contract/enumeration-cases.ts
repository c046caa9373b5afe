import assert from 'node:assert/strict';
import type { FilterEngine, FilterEnumTemplate } from '../../../engine/model/filter-engine.ts';
import { newGuid } from '../../../engine/model/guid.ts';
import { LAYER_KEY } from '../../../engine/model/keys.ts';
import { ACTION_TYPE } from '../../../engine/model/objects.ts';
import { addCallout, addFilter, addSubLayer, filterInput, u8, u16, u32, u64, when } from '../build.ts';
import { type ContractCase, dynamicCase, fails } from './contract-case.ts';

const layer = 'ALE_AUTH_CONNECT_V4';
const layerKey = LAYER_KEY[layer];
const net = (addr: number, mask: number) => when('IP_REMOTE_ADDRESS', { type: 'FWP_V4_ADDR_MASK', value: { addr, mask } });

/** Ids of our filters (those of one sublayer) that a template finds, in the order found. */
async function found(
  session: FilterEngine,
  subLayerKey: string,
  template: Omit<FilterEnumTemplate, 'layerKey'>,
): Promise<readonly bigint[]> {
  const filters = await session.filterEnum({ layerKey, ...template });
  return filters.filter(filter => filter.subLayerKey === subLayerKey).map(filter => filter.filterId);
}

export const enumerationCases: readonly ContractCase[] = [
  dynamicCase('filters are listed by layer, in the order of their ids', async session => {
    const subLayerKey = await addSubLayer(session, 600);
    const ids: bigint[] = [];
    for (let count = 0; count < 5; count++)
      ids.push((await addFilter(session, { layer, subLayerKey, action: 'permit', weight: u8(count * 3) })).filterId);
    const elsewhere = await addFilter(session, { layer: 'ALE_AUTH_CONNECT_V6', subLayerKey, action: 'permit' });
    assert.deepEqual(await found(session, subLayerKey, {}), ids);
    assert.ok((await session.filterEnum()).some(filter => filter.filterId === elsewhere.filterId));
    assert.deepEqual(await found(session, subLayerKey, { flags: 2 }), [...ids].reverse());
    await fails('FWP_E_LAYER_NOT_FOUND', session.filterEnum({ layerKey: newGuid() }));
  }),

  dynamicCase('by provider, action and callout', async session => {
    const subLayerKey = await addSubLayer(session, 601);
    const providerKey = newGuid();
    await session.providerAdd({ providerKey, displayData: { name: 'a provider' }, flags: 0 });
    const owned = await session.filterAdd({ ...filterInput({ layer, subLayerKey, action: 'block' }), providerKey });
    const permit = await addFilter(session, { layer, subLayerKey, action: 'permit' });
    const callout = await addCallout(session, layer);
    const asks = await addFilter(session, { layer, subLayerKey, action: { callout } });
    assert.deepEqual(await found(session, subLayerKey, { providerKey }), [owned.filterId]);
    assert.deepEqual(await found(session, subLayerKey, { calloutKey: callout }), [asks.filterId]);
    assert.deepEqual(await found(session, subLayerKey, { actionMask: 0xffffffff }), [
      owned.filterId,
      permit.filterId,
      asks.filterId,
    ]);
    // Any bit in common is enough: 0x1002 and 0x5003 share bit 1, 0x1001 and 0x5003 bit 0.
    assert.deepEqual(await found(session, subLayerKey, { actionMask: 2 }), [permit.filterId, asks.filterId]);
    assert.deepEqual(await found(session, subLayerKey, { actionMask: 1 }), [owned.filterId, asks.filterId]);
    assert.deepEqual(await found(session, subLayerKey, { actionMask: 0 }), []);
    const mask = ACTION_TYPE.FWP_ACTION_CALLOUT_TERMINATING & 0x4000;
    assert.deepEqual(await found(session, subLayerKey, { actionMask: mask, calloutKey: callout }), [asks.filterId]);
  }),

  dynamicCase('the best terminating match', async session => {
    const subLayerKey = await addSubLayer(session, 0xfff0);
    const port = when('IP_REMOTE_PORT', u16(61_234));
    await addFilter(session, { layer, subLayerKey, action: 'permit', weight: u64(5n), when: [port] });
    const best = await addFilter(session, { layer, subLayerKey, action: 'block', weight: u64(2n ** 64n - 1n), when: [port] });
    const filters = await session.filterEnum({
      layerKey,
      flags: 1,
      filterCondition: [port],
      enumType: 'FWP_FILTER_ENUM_FULLY_CONTAINED',
    });
    assert.deepEqual(
      filters.map(filter => filter.filterId),
      [best.filterId],
    );
  }),

  dynamicCase('overlapping and fully contained conditions', async session => {
    const subLayerKey = await addSubLayer(session, 602);
    const id = async (...conditions: ReturnType<typeof when>[]) =>
      (await addFilter(session, { layer, subLayerKey, action: 'permit', when: conditions })).filterId;
    const any = await id();
    const wide = await id(net(0x0a000000, 0xff000000));
    const narrow = await id(net(0x0a010000, 0xffff0000));
    const host = await id(when('IP_REMOTE_ADDRESS', u32(0x0a010001)));
    const other = await id(when('IP_REMOTE_ADDRESS', u32(0x0b000001)));
    const filterCondition = [net(0x0a010000, 0xffff0000)];
    const overlapping = await found(session, subLayerKey, { filterCondition });
    assert.deepEqual(overlapping, [any, wide, narrow, host]);
    const contained = await found(session, subLayerKey, { filterCondition, enumType: 'FWP_FILTER_ENUM_FULLY_CONTAINED' });
    assert.deepEqual(contained, [narrow, host]);
    assert.ok(!overlapping.includes(other));
  }),

  dynamicCase('a template names a field once', async session => {
    const filterCondition = [when('IP_REMOTE_PORT', u16(1)), when('IP_REMOTE_PORT', u16(1))];
    await fails('FWP_E_DUPLICATE_CONDITION', session.filterEnum({ layerKey, filterCondition }));
  }),
];
