import { afterEach, describe, expect, test } from 'vitest';
import { CONDITION_KEY, LAYER_KEY } from '../model/keys.ts';
import type { FilterInput } from '../model/objects.ts';
import { UNREADABLE_FIELD } from '../model/unreadable.ts';
import { Arena } from './arena.ts';
import { composeFilter, composeProvider, composeSubLayer } from './compose.ts';
import { WindowsFilterEngine } from './engine.ts';
import * as layout from './layouts.ts';
import { type Pointer, Struct } from './memory.ts';
import { EngineMirror } from './mirror.ts';
import { ScriptedNative } from './scripted-native.ts';
import { WfpSession } from './session.ts';
import type { Unreadable } from './unreadable.ts';

const layerKey = LAYER_KEY.ALE_AUTH_CONNECT_V4;
const subLayerKey = '5a11f004-0000-4000-8000-000000000001';
const key = (last: number) => `5a11f004-0000-4000-8001-${String(last).padStart(12, '0')}`;
const arena = new Arena();
afterEach(() => arena.dispose());

const port = (value: number, matchType: 'FWP_MATCH_EQUAL' | 'FWP_MATCH_GREATER' = 'FWP_MATCH_EQUAL') => ({
  fieldKey: CONDITION_KEY.IP_REMOTE_PORT,
  matchType,
  conditionValue: { type: 'FWP_UINT16', value } as const,
});
const protocol = {
  fieldKey: CONDITION_KEY.IP_PROTOCOL,
  matchType: 'FWP_MATCH_EQUAL' as const,
  conditionValue: { type: 'FWP_UINT8', value: 6 } as const,
};
const values = (remote: number, proto = 6) => ({
  IP_REMOTE_PORT: { type: 'FWP_UINT16', value: remote } as const,
  IP_PROTOCOL: { type: 'FWP_UINT8', value: proto } as const,
});

/** An FWPM_FILTER0 as the engine keeps it, which `spoil` may make one of a later Windows. */
function filterAt(
  native: ScriptedNative,
  id: number,
  weight: bigint,
  input: Pick<FilterInput, 'filterCondition' | 'action'>,
  spoil: (filter: Struct, conditions: Struct) => void = () => {},
): Pointer {
  const filter = { displayData: { name: `filter ${id}` }, layerKey, subLayerKey, filterKey: key(id), ...input };
  const composed = Struct.at(layout.FWPM_FILTER0, composeFilter({ arena, security: native.security }, filter));
  const { address, bytes } = native.alloc(layout.FWPM_FILTER0.size);
  bytes.set(composed.bytes);
  const target = new Struct(layout.FWPM_FILTER0, bytes);
  target.setBigint('filterId', BigInt(id));
  const kept = native.alloc(8);
  new DataView(kept.bytes.buffer, kept.bytes.byteOffset).setBigUint64(0, weight, true);
  target.setNumber('effectiveWeight.type', 4);
  target.setBigint('effectiveWeight.value.uint64', kept.address);
  const type = layout.FWPM_FILTER_CONDITION0;
  const count = input.filterCondition.length;
  const list = native.alloc(Math.max(count, 1) * type.size);
  if (count > 0) {
    const from = target.bigint('filterCondition');
    for (let at = 0; at < count; at++) list.bytes.set(Struct.at(type, from + BigInt(at * type.size)).bytes, at * type.size);
    target.setBigint('filterCondition', list.address);
  }
  spoil(target, new Struct(type, list.bytes));
  return address;
}

async function opened() {
  const native = new ScriptedNative();
  const told: Unreadable[] = [];
  const session = await WfpSession.open(native.asNative(), {});
  const engine = new WindowsFilterEngine(session, { onUnreadable: what => told.push(what) });
  return { native, told, engine };
}
const BLOCK = { type: 'FWP_ACTION_BLOCK' } as const;
const PERMIT = { type: 'FWP_ACTION_PERMIT' } as const;

describe('filters that cannot be read', () => {
  test('do not keep the others from being read, and are told once', async () => {
    const { native, told, engine } = await opened();
    native.entries = [
      filterAt(native, 1, 5n, { filterCondition: [], action: BLOCK }, filter => filter.setNumber('action.type', 0x1009)),
      filterAt(native, 2, 4n, { filterCondition: [port(25)], action: BLOCK }),
      filterAt(native, 3, 3n, { filterCondition: [port(25)], action: BLOCK }, (_, list) => list.setNumber('matchType', 99)),
      filterAt(native, 4, 2n, { filterCondition: [port(25)], action: BLOCK }, (_, list) =>
        list.setNumber('conditionValue.type', 77),
      ),
    ];
    expect((await engine.filterEnum({ layerKey })).map(filter => filter.filterId)).toEqual([2n]);
    await engine.filterEnum();
    expect(told).toMatchObject([
      { object: 'filter', key: key(1), reason: expect.stringContaining('0x1009') },
      { object: 'filter', key: key(3), reason: expect.stringContaining('99') },
      { object: 'filter', key: key(4), reason: expect.stringContaining('77') },
    ]);
    expect((await engine.filterList()).unreadable.map(one => [one.standIn.filterId, one.standIn.effectiveWeight])).toEqual([
      [1n, 5n],
      [3n, 3n],
      [4n, 2n],
    ]);
    await engine.close();
  });

  test('one of a later Windows makes what it could change unknown, and only that', async () => {
    const { native, engine } = await opened();
    native.entries = [
      filterAt(native, 1, 9n, { filterCondition: [port(22)], action: BLOCK }),
      // Protocol 6 and a port that compares in a way that nobody knows: heavier than the permit below.
      filterAt(native, 2, 8n, { filterCondition: [protocol, port(80), port(443)], action: BLOCK }, (_, list) =>
        list.element(2).setNumber('matchType', 99),
      ),
      filterAt(native, 3, 7n, { filterCondition: [], action: PERMIT }),
    ];
    const mirror = await EngineMirror.open(engine, [layerKey]);
    expect(mirror.unreadable).toMatchObject([{ key: key(2), standIn: { filterId: 2n, subLayerKey, effectiveWeight: 8n } }]);
    expect(mirror.classify(layerKey, values(22))).toMatchObject({ action: 'block', filter: { filterId: 1n } });
    expect(mirror.classify(layerKey, values(443)).action).toBe('unknown');
    expect(mirror.classify(layerKey, values(1)).candidates.map(filter => filter.filterId)).toContain(2n);
    expect(mirror.classify(layerKey, values(443, 17))).toMatchObject({ action: 'permit', filter: { filterId: 3n } });
    expect(mirror.explain(layerKey, values(443)).needs.join()).toContain(UNREADABLE_FIELD);
    expect(mirror.filter(2n)?.filterKey).toBe(key(2));
    native.entries = native.entries.slice(2);
    await mirror.refresh();
    expect([mirror.unreadable, mirror.classify(layerKey, values(443)).action]).toEqual([[], 'permit']);
    await mirror.close();
    await engine.close();
  });

  test('an action that nobody knows may be a permit, a block or neither, where the filter matches', async () => {
    const { native, engine } = await opened();
    native.entries = [
      filterAt(native, 1, 9n, { filterCondition: [port(443)], action: BLOCK }, filter => filter.setNumber('action.type', 0x4009)),
      filterAt(native, 2, 1n, { filterCondition: [], action: PERMIT }),
    ];
    const mirror = await EngineMirror.open(engine, [layerKey]);
    expect(mirror.classify(layerKey, values(443))).toMatchObject({ action: 'unknown' });
    expect(new Set(mirror.classify(layerKey, values(443)).possible)).toEqual(new Set(['permit', 'block']));
    expect(mirror.classify(layerKey, values(80))).toMatchObject({ action: 'permit', filter: { filterId: 2n } });
    await mirror.close();
    await engine.close();
  });

  test('conditions that cannot be reached, and a weight that cannot be read, count for everything', async () => {
    const { native, engine } = await opened();
    native.entries = [
      filterAt(native, 1, 1n, { filterCondition: [port(443)], action: BLOCK }, filter => {
        filter.setBigint('filterCondition', 0n);
        filter.setNumber('effectiveWeight.type', 88);
      }),
      filterAt(native, 2, 9n, { filterCondition: [], action: PERMIT }),
    ];
    const mirror = await EngineMirror.open(engine, [layerKey]);
    expect(mirror.unreadable[0]!.standIn.effectiveWeight).toBe(2n ** 64n - 1n);
    expect(mirror.classify(layerKey, values(80)).action).toBe('unknown');
    await mirror.close();
    await engine.close();
  });
});

test('a sublayer keeps its key and weight, a provider is left out', async () => {
  const { native, told, engine } = await opened();
  const context = { arena, security: native.security };
  const spoiled = (at: Pointer, type: typeof layout.FWPM_SUBLAYER0): Pointer => {
    const { address, bytes } = native.alloc(type.size);
    bytes.set(Struct.at(type, at).bytes);
    new Struct(type, bytes).setNumber('providerData.size', 12);
    return address;
  };
  const subLayer = { subLayerKey, displayData: { name: 'theirs' }, flags: 0, weight: 77 };
  native.subLayers = [spoiled(composeSubLayer(context, subLayer), layout.FWPM_SUBLAYER0)];
  expect(await engine.subLayerEnum()).toEqual([{ ...subLayer, displayData: { name: '' } }]);
  native.entries = [
    spoiled(composeProvider(context, { providerKey: key(8), displayData: { name: 'x' }, flags: 0 }), layout.FWPM_PROVIDER0),
  ];
  expect(await engine.providerEnum()).toEqual([]);
  expect(told.map(what => what.object)).toEqual(['sublayer', 'provider']);
  await engine.close();
});
