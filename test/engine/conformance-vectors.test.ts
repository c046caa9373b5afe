import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EmbeddedEngine } from '../../engine/embedded/engine.ts';
import type { CalloutResult, ClassifyValues } from '../../engine/model/classify.ts';
import type { FilterEngine } from '../../engine/model/filter-engine.ts';
import { LAYER_KEY, type LayerName } from '../../engine/model/keys.ts';
import { FILTER_FLAG } from '../../engine/model/objects.ts';
import { addCallout, addFilter, addSubLayer, app, EMPTY, traffic, u8, u16, u32, when } from './build.ts';

/** The conformance vectors of filter arbitration, by their numbers; each comes from Microsoft's documentation or a project's tests on Windows. */

let engine: EmbeddedEngine;
let session: FilterEngine;
beforeEach(() => {
  engine = EmbeddedEngine.open();
  session = engine.openSession();
});
afterEach(() => engine.close());

const decide = (layer: LayerName, values: ClassifyValues) => engine.classify(LAYER_KEY[layer], values);

/** A registered callout that answers the same always and counts its calls. */
async function callout(layer: LayerName, result: CalloutResult | ((right: boolean) => CalloutResult)) {
  const key = await addCallout(session, layer);
  const calls: boolean[] = [];
  engine.registerCallout(key, (_filter, _values, right) => {
    calls.push(right);
    return typeof result === 'function' ? result(right) : result;
  });
  return { key, calls };
}

test('V1: layers are independent, later sublayers still see what was blocked', async () => {
  const [high, low] = [await addSubLayer(session, 300), await addSubLayer(session, 200)];
  const log = await addSubLayer(session, 100);
  const ids = await callout('INBOUND_TRANSPORT_V4', { action: 'continue' });
  const logger = await callout('ALE_AUTH_RECV_ACCEPT_V4', { action: 'continue' });
  await addFilter(session, { layer: 'INBOUND_TRANSPORT_V4', subLayerKey: high, action: 'permit' });
  await addFilter(session, {
    layer: 'INBOUND_TRANSPORT_V4',
    subLayerKey: low,
    action: { callout: ids.key, type: 'INSPECTION' },
    weight: u8(9),
  });
  await addFilter(session, { layer: 'INBOUND_TRANSPORT_V4', subLayerKey: low, action: 'permit', weight: u8(1) });
  const accept = 'ALE_AUTH_RECV_ACCEPT_V4';
  await addFilter(session, { layer: accept, subLayerKey: high, action: 'permit', when: [when('ALE_APP_ID', app('iis'))] });
  const block = await addFilter(session, {
    layer: accept,
    subLayerKey: low,
    action: 'block',
    when: [when('IP_LOCAL_PORT', u16(80))],
  });
  await addFilter(session, { layer: accept, subLayerKey: log, action: { callout: logger.key, type: 'INSPECTION' } });
  const values = traffic({ ALE_APP_ID: app('iis'), IP_LOCAL_PORT: u16(80) });
  expect(decide('INBOUND_TRANSPORT_V4', values).action).toBe('permit');
  expect(ids.calls).toHaveLength(1);
  const result = decide(accept, values);
  expect(result.action).toBe('block');
  expect(result.filter?.filterId).toBe(block.filterId);
  expect(logger.calls).toEqual([false]);
});

describe.each([
  ['V2', 'V3', 'ALE_AUTH_RECV_ACCEPT_V4', 'IP_LOCAL_PORT'],
  ['V4', 'V5', 'ALE_AUTH_CONNECT_V4', 'IP_REMOTE_PORT'],
  ['V6', 'V7', 'ALE_RESOURCE_ASSIGNMENT_V4', 'IP_LOCAL_PORT'],
  ['V8', 'V9', 'ALE_AUTH_LISTEN_V4', 'IP_LOCAL_PORT'],
] as const)('%s and %s at %s', (soft, hard, layer, field) => {
  async function setUp(clearRight: boolean) {
    const [high, low] = [await addSubLayer(session, 0xffff), await addSubLayer(session, 0x8000)];
    const permit = await callout(layer, { action: 'permit', clearRight });
    await addFilter(session, { layer, subLayerKey: high, action: { callout: permit.key } });
    await addFilter(session, { layer, subLayerKey: low, action: 'block', when: [when(field, u16(8989))] });
  }

  test(`${soft}: a callout's soft permit is beaten by a block below it`, async () => {
    await setUp(false);
    expect(decide(layer, { [field]: u16(8989) }).action).toBe('block');
    expect(decide(layer, { [field]: u16(8990) }).action).toBe('permit');
  });

  test(`${hard}: a callout's hard permit stands`, async () => {
    await setUp(true);
    expect(decide(layer, { [field]: u16(8989) }).action).toBe('permit');
  });
});

test('V10: a hard permit at one layer does not help at the next', async () => {
  const subLayerKey = await addSubLayer(session, 0xffff);
  await addFilter(session, { layer: 'ALE_AUTH_CONNECT_V4', subLayerKey, action: 'permit', hard: true });
  await addFilter(session, { layer: 'ALE_AUTH_RECV_ACCEPT_V4', subLayerKey, action: 'block' });
  expect(decide('ALE_AUTH_CONNECT_V4', {}).action).toBe('permit');
  expect(decide('ALE_AUTH_RECV_ACCEPT_V4', {}).action).toBe('block');
});

describe('filters of two sublayers at ALE_AUTH_CONNECT_V4', () => {
  const layer = 'ALE_AUTH_CONNECT_V4';
  let high: string;
  let low: string;
  beforeEach(async () => {
    high = await addSubLayer(session, 200);
    low = await addSubLayer(session, 100);
  });

  test('V11: a soft permit is beaten by a block', async () => {
    await addFilter(session, { layer, subLayerKey: high, action: 'permit' });
    await addFilter(session, { layer, subLayerKey: low, action: 'block' });
    expect(decide(layer, {}).action).toBe('block');
  });

  test('V12: a permit with CLEAR_ACTION_RIGHT is not', async () => {
    const permit = await addFilter(session, { layer, subLayerKey: high, action: 'permit', hard: true });
    await addFilter(session, { layer, subLayerKey: low, action: 'block' });
    expect(decide(layer, {})).toMatchObject({ action: 'permit', filter: permit, veto: false });
  });

  test('V13: a callout that blocks without the right vetoes a hard permit', async () => {
    await addFilter(session, { layer, subLayerKey: high, action: 'permit', hard: true });
    const veto = await callout(layer, { action: 'block' });
    const filter = await addFilter(session, { layer, subLayerKey: low, action: { callout: veto.key } });
    expect(decide(layer, {})).toMatchObject({ action: 'block', veto: true, filter });
    expect(veto.calls).toEqual([false]);
    expect(engine.explain(LAYER_KEY[layer], {}).subLayers[1]?.filters[0]?.note).toBe('veto');
  });

  test('V14: a hard block stays, whatever permits below it', async () => {
    const block = await addFilter(session, { layer, subLayerKey: high, action: 'block' });
    await addFilter(session, { layer, subLayerKey: low, action: 'permit', hard: true });
    expect(decide(layer, {})).toMatchObject({ action: 'block', filter: block });
  });

  test("V15: a callout's soft block is overruled by a permit below it", async () => {
    const block = await callout(layer, { action: 'block' });
    await addFilter(session, { layer, subLayerKey: high, action: { callout: block.key } });
    await addFilter(session, { layer, subLayerKey: low, action: 'permit' });
    expect(decide(layer, {}).action).toBe('permit');
  });

  test('V16: inside a sublayer the heavier filter decides, the lighter is not evaluated', async () => {
    const permit = await addFilter(session, { layer, subLayerKey: high, action: 'permit', weight: u8(10) });
    await addFilter(session, { layer, subLayerKey: high, action: 'block', weight: u8(5) });
    expect(decide(layer, {})).toMatchObject({ action: 'permit', filter: permit });
    const trace = engine.explain(LAYER_KEY[layer], {});
    expect(trace.subLayers[0]?.filters.map(filter => filter.outcome)).toEqual(['matched', 'not-evaluated']);
  });

  test('V17: an inspection callout sees the traffic, the block below it decides', async () => {
    const seen = await callout(layer, { action: 'continue' });
    await addFilter(session, { layer, subLayerKey: high, action: { callout: seen.key, type: 'INSPECTION' }, weight: u8(10) });
    await addFilter(session, { layer, subLayerKey: high, action: 'block', weight: u8(5) });
    expect(decide(layer, {}).action).toBe('block');
    expect(seen.calls).toHaveLength(1);
  });

  test('V18: a callout that is not registered blocks, permits with the flag, is skipped for inspection', async () => {
    const key = await addCallout(session, layer);
    const blocking = await addFilter(session, { layer, subLayerKey: high, action: { callout: key } });
    expect(decide(layer, {}).action).toBe('block');
    await session.filterDeleteById(blocking.filterId);
    const flags = FILTER_FLAG.PERMIT_IF_CALLOUT_UNREGISTERED;
    const permitting = await addFilter(session, { layer, subLayerKey: high, action: { callout: key, type: 'UNKNOWN' }, flags });
    expect(decide(layer, {})).toMatchObject({ action: 'permit', filter: permitting });
    await session.filterDeleteById(permitting.filterId);
    await addFilter(session, { layer, subLayerKey: high, action: { callout: key, type: 'INSPECTION' } });
    const result = decide(layer, {});
    expect(result.action).toBe('permit');
    expect(result.filter).toBeUndefined();
  });

  test('V19: conditions on one field are alternatives, fields are joined by AND', async () => {
    await addFilter(session, {
      layer,
      action: 'block',
      when: [when('IP_REMOTE_PORT', u16(80)), when('IP_REMOTE_PORT', u16(443)), when('IP_PROTOCOL', u8(6))],
    });
    expect(decide(layer, traffic({ IP_REMOTE_PORT: u16(443), IP_PROTOCOL: u8(6) })).action).toBe('block');
    expect(decide(layer, traffic({ IP_REMOTE_PORT: u16(443), IP_PROTOCOL: u8(17) })).action).toBe('permit');
  });
});

describe('effective weights, as a machine of the newer builds computes them', () => {
  const remote = when('IP_REMOTE_ADDRESS', u32(0xcb007109));
  const notApp = when('ALE_APP_ID', app('x'), 'FWP_MATCH_NOT_EQUAL');
  const package_ = when('ALE_PACKAGE_ID', { type: 'FWP_SID', value: 'S-1-0-0' }, 'FWP_MATCH_NOT_EQUAL');
  const tcp = when('IP_PROTOCOL', u8(6));
  test.each([
    ['V20: range 1, one remote host', 'ALE_AUTH_CONNECT_V4', u8(1), [remote], 0x1400000000000000n],
    ['V20: the same and an app that it is not', 'ALE_AUTH_CONNECT_V4', u8(1), [remote, notApp], 0x1400004000000000n],
    ['V21: range 1, no conditions', 'ALE_AUTH_CONNECT_V4', u8(1), [], 0x1000000000000000n],
    [
      'V22: range 3, protocol and remote port',
      'ALE_AUTH_CONNECT_V4',
      u8(3),
      [tcp, when('IP_REMOTE_PORT', u16(443))],
      0x3003838000000000n,
    ],
    ['V23: automatic, a package that it is not', 'ALE_AUTH_CONNECT_V4', EMPTY, [package_], 0x0000004000000000n],
    [
      'V24: range 9, protocol and local port',
      'ALE_AUTH_RECV_ACCEPT_V4',
      u8(9),
      [tcp, when('IP_LOCAL_PORT', u16(80))],
      0x9007000000000000n,
    ],
  ] as const)('%s', async (_name, layer, weight, conditions, expected) => {
    const filter = await addFilter(session, { layer, action: 'permit', weight, when: conditions });
    expect(filter.effectiveWeight).toBe(expected);
  });
});

test('V25: FLAGS_ALL_SET on IS_LOOPBACK matches a loopback connection', async () => {
  const layer = 'ALE_AUTH_CONNECT_V4';
  await addFilter(session, { layer, action: 'block', when: [when('FLAGS', u32(1), 'FWP_MATCH_FLAGS_ALL_SET')] });
  expect(decide(layer, traffic({ FLAGS: u32(1) })).action).toBe('block');
  expect(decide(layer, traffic({ FLAGS: u32(0x10) })).action).toBe('permit');
});

test('V26: FLAGS_NONE_SET on IS_REAUTHORIZE matches the first authorization only', async () => {
  const layer = 'ALE_AUTH_CONNECT_V4';
  await addFilter(session, { layer, action: 'block', when: [when('FLAGS', u32(4), 'FWP_MATCH_FLAGS_NONE_SET')] });
  expect(decide(layer, traffic({ FLAGS: u32(1) })).action).toBe('block');
  expect(decide(layer, traffic({ FLAGS: u32(5) })).action).toBe('permit');
});

test('V27: a reauthorization by an outbound packet matches on the next-hop interface; the arrival fields are empty', async () => {
  const layer = 'ALE_AUTH_RECV_ACCEPT_V4';
  const reauthorize = when('FLAGS', u32(4), 'FWP_MATCH_FLAGS_ALL_SET');
  const arrival = await addFilter(session, {
    layer,
    action: 'block',
    when: [when('ARRIVAL_INTERFACE_TYPE', u32(6)), reauthorize],
  });
  const values = traffic({ FLAGS: u32(4), ARRIVAL_INTERFACE_TYPE: EMPTY, NEXTHOP_INTERFACE_TYPE: u32(6) });
  expect(decide(layer, values).action).toBe('permit');
  const nextHop = await addFilter(session, {
    layer,
    action: 'block',
    when: [when('NEXTHOP_INTERFACE_TYPE', u32(6)), reauthorize],
  });
  expect(decide(layer, values)).toMatchObject({ action: 'block', filter: nextHop });
  await session.filterDeleteByKey(nextHop.filterKey);
  await session.filterDeleteByKey(arrival.filterKey);
  await addFilter(session, { layer, action: 'block', when: [when('ARRIVAL_INTERFACE_TYPE', EMPTY)] });
  expect(decide(layer, values).action).toBe('block');
});
