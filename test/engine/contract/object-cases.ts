import assert from 'node:assert/strict';
import { NULL_GUID, newGuid } from '../../../engine/model/guid.ts';
import { LAYER_KEY, SUBLAYER_KEY } from '../../../engine/model/keys.ts';
import { FILTER_FLAG } from '../../../engine/model/objects.ts';
import { addCallout, addFilter, addSubLayer, EMPTY, filterInput, u8, u16, u32, u64, when } from '../build.ts';
import { type ContractCase, dynamicCase, fails } from './contract-case.ts';

const layer = 'ALE_AUTH_CONNECT_V4';

export const objectCases: readonly ContractCase[] = [
  dynamicCase('providers are added, read, listed and deleted', async session => {
    const provider = { providerKey: newGuid(), displayData: { name: 'a provider', description: 'for a test' }, flags: 0 };
    await session.providerAdd({ ...provider, providerData: Uint8Array.of(1, 2, 3) });
    const kept = await session.providerGetByKey(provider.providerKey);
    assert.deepEqual(kept.displayData, provider.displayData);
    assert.deepEqual([...(kept.providerData ?? [])], [1, 2, 3]);
    assert.ok((await session.providerEnum()).some(one => one.providerKey === provider.providerKey));
    await fails('FWP_E_ALREADY_EXISTS', session.providerAdd(provider));
    await session.providerDeleteByKey(provider.providerKey);
    await fails('FWP_E_PROVIDER_NOT_FOUND', session.providerGetByKey(provider.providerKey));
    await fails('FWP_E_PROVIDER_NOT_FOUND', session.providerDeleteByKey(provider.providerKey));
  }),

  dynamicCase('provider contexts keep their data', async session => {
    const key = newGuid();
    const context = {
      providerContextKey: key,
      displayData: { name: 'a context' },
      flags: 0,
      dataBuffer: Uint8Array.of(0, 255, 7),
    };
    const id = await session.providerContextAdd(context);
    const kept = await session.providerContextGetByKey(key);
    assert.equal(kept.providerContextId, id);
    assert.deepEqual([...kept.dataBuffer], [0, 255, 7]);
    assert.ok((await session.providerContextEnum()).some(one => one.providerContextKey === key));
    await session.providerContextDeleteByKey(key);
    await fails('FWP_E_PROVIDER_CONTEXT_NOT_FOUND', session.providerContextGetByKey(key));
  }),

  dynamicCase('sublayers keep a free weight and are found by provider', async session => {
    const providerKey = newGuid();
    await session.providerAdd({ providerKey, displayData: { name: 'a provider' }, flags: 0 });
    const subLayerKey = newGuid();
    await session.subLayerAdd({ subLayerKey, displayData: { name: 'a sublayer' }, flags: 0, providerKey, weight: 1234 });
    assert.equal((await session.subLayerGetByKey(subLayerKey)).weight, 1234);
    assert.deepEqual(
      (await session.subLayerEnum({ providerKey })).map(one => one.subLayerKey),
      [subLayerKey],
    );
    await fails('FWP_E_IN_USE', session.providerDeleteByKey(providerKey));
    await session.subLayerDeleteByKey(subLayerKey);
    await fails('FWP_E_SUBLAYER_NOT_FOUND', session.subLayerGetByKey(subLayerKey));
    await fails(
      'FWP_E_PROVIDER_NOT_FOUND',
      session.subLayerAdd({ subLayerKey, displayData: { name: 'x' }, flags: 0, providerKey: newGuid(), weight: 9 }),
    );
  }),

  dynamicCase('callouts are of one layer', async session => {
    const key = await addCallout(session, layer);
    assert.equal((await session.calloutGetByKey(key)).applicableLayer, LAYER_KEY[layer]);
    assert.ok((await session.calloutEnum({ layerKey: LAYER_KEY[layer] })).some(one => one.calloutKey === key));
    assert.ok(!(await session.calloutEnum({ layerKey: LAYER_KEY.STREAM_V4 })).some(one => one.calloutKey === key));
    await fails('FWP_E_INCOMPATIBLE_LAYER', addFilter(session, { layer: 'ALE_AUTH_CONNECT_V6', action: { callout: key } }));
    await addFilter(session, { layer, action: { callout: key } });
    await fails('FWP_E_IN_USE', session.calloutDeleteByKey(key));
    await fails('FWP_E_CALLOUT_NOT_FOUND', addFilter(session, { layer, action: { callout: newGuid() } }));
  }),

  dynamicCase('a filter gets key, id, default sublayer and weight', async session => {
    const filter = await addFilter(session, { layer, action: 'permit', weight: u8(7), when: [when('IP_REMOTE_PORT', u16(443))] });
    assert.notEqual(filter.filterKey, NULL_GUID);
    assert.ok(filter.filterId > 0n);
    assert.equal(filter.subLayerKey, SUBLAYER_KEY.UNIVERSAL);
    assert.equal(filter.effectiveWeight >> 60n, 7n);
    const byKey = await session.filterGetByKey(filter.filterKey);
    const byId = await session.filterGetById(filter.filterId);
    for (const kept of [byKey, byId]) {
      assert.equal(kept.filterId, filter.filterId);
      assert.equal(kept.effectiveWeight, filter.effectiveWeight);
      assert.deepEqual(kept.filterCondition, filter.filterCondition);
      assert.deepEqual(kept.action, { type: 'FWP_ACTION_PERMIT' });
    }
    await session.filterDeleteById(filter.filterId);
    await fails('FWP_E_FILTER_NOT_FOUND', session.filterGetById(filter.filterId));
    await fails('FWP_E_FILTER_NOT_FOUND', session.filterDeleteByKey(filter.filterKey));
  }),

  dynamicCase('provider data of a filter comes back as it was', async session => {
    const providerData = Uint8Array.from({ length: 300 }, (_, at) => at & 255);
    const filter = await session.filterAdd({ ...filterInput({ layer, action: 'block' }), providerData });
    assert.deepEqual([...((await session.filterGetByKey(filter.filterKey)).providerData ?? [])], [...providerData]);
  }),

  dynamicCase('weights: exact, a range, automatic; anything else is an error', async session => {
    const weigh = async (weight: Parameters<typeof addFilter>[1]['weight'], conditions = [when('IP_PROTOCOL', u8(6))]) =>
      (await addFilter(session, { layer, action: 'permit', ...(weight && { weight }), when: conditions })).effectiveWeight;
    assert.equal(await weigh(u64(2n ** 64n - 1n)), 2n ** 64n - 1n);
    assert.equal(await weigh(u64(0n)), 0n);
    assert.equal((await weigh(u8(15))) >> 60n, 15n);
    assert.equal((await weigh(EMPTY)) >> 60n, 0n);
    assert.equal(await weigh(undefined), await weigh(EMPTY));
    const host = when('IP_REMOTE_ADDRESS', u32(0x0a000001));
    const net = when('IP_REMOTE_ADDRESS', { type: 'FWP_V4_ADDR_MASK', value: { addr: 0x0a000000, mask: 0xff000000 } });
    const order = [
      await weigh(EMPTY, [host]),
      await weigh(EMPTY, [net]),
      await weigh(EMPTY, [when('IP_PROTOCOL', u8(6)), when('IP_REMOTE_PORT', u16(1))]),
      await weigh(EMPTY, [when('IP_PROTOCOL', u8(6))]),
      await weigh(EMPTY, [when('IP_REMOTE_PORT', u16(1))]),
      await weigh(EMPTY, [when('ALE_APP_ID', { type: 'FWP_BYTE_BLOB_TYPE', value: Uint8Array.of(65, 0, 0, 0) })]),
      await weigh(EMPTY, []),
    ];
    assert.deepEqual(
      order,
      [...order].sort((a, b) => (a > b ? -1 : 1)),
    );
    assert.equal(new Set(order).size, order.length);
    await fails('FWP_E_INVALID_WEIGHT', weigh(u8(16)));
    await fails('FWP_E_INVALID_WEIGHT', weigh(u16(1)));
  }),

  dynamicCase('what is not there or not allowed is refused by name', async session => {
    const good = filterInput({ layer, action: 'permit' });
    await fails('FWP_E_LAYER_NOT_FOUND', session.filterAdd({ ...good, layerKey: newGuid() }));
    await fails('FWP_E_SUBLAYER_NOT_FOUND', session.filterAdd({ ...good, subLayerKey: newGuid() }));
    await fails('FWP_E_PROVIDER_NOT_FOUND', session.filterAdd({ ...good, providerKey: newGuid() }));
    await fails('FWP_E_NULL_DISPLAY_NAME', session.filterAdd({ ...good, displayData: { name: '' } }));
    await fails('FWP_E_INVALID_ACTION_TYPE', session.filterAdd({ ...good, action: { type: 'FWP_ACTION_NONE' } }));
    await fails('FWP_E_INVALID_FLAGS', session.filterAdd({ ...good, flags: FILTER_FLAG.PERMIT_IF_CALLOUT_UNREGISTERED }));
    await fails('FWP_E_LAYER_NOT_FOUND', session.layerGetByKey(newGuid()));
    const filter = await session.filterAdd(good);
    await fails('FWP_E_ALREADY_EXISTS', session.filterAdd({ ...good, filterKey: filter.filterKey }));
  }),

  dynamicCase('a sublayer that a filter names cannot go', async session => {
    const subLayerKey = await addSubLayer(session, 4321);
    const filter = await addFilter(session, { layer, subLayerKey, action: 'block' });
    await fails('FWP_E_IN_USE', session.subLayerDeleteByKey(subLayerKey));
    await session.filterDeleteByKey(filter.filterKey);
    await session.subLayerDeleteByKey(subLayerKey);
  }),

  dynamicCase('layers have their fields in order and a default sublayer', async session => {
    const connect = await session.layerGetByKey(LAYER_KEY[layer]);
    assert.deepEqual(
      connect.fields.slice(0, 8).map(field => field.name),
      [
        'ALE_APP_ID',
        'ALE_USER_ID',
        'IP_LOCAL_ADDRESS',
        'IP_LOCAL_ADDRESS_TYPE',
        'IP_LOCAL_PORT',
        'IP_PROTOCOL',
        'IP_REMOTE_ADDRESS',
        'IP_REMOTE_PORT',
      ],
    );
    assert.equal(connect.defaultSubLayerKey, SUBLAYER_KEY.UNIVERSAL);
    assert.equal(connect.layerId, 48);
    assert.ok((await session.layerEnum()).length >= 90);
  }),
];
