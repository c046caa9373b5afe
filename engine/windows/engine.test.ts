import { afterEach, describe, expect, test } from 'vitest';
import type { ObjectChange } from '../model/filter-engine.ts';
import { NULL_GUID } from '../model/guid.ts';
import { LAYER_KEY } from '../model/keys.ts';
import { WindowsFilterEngine } from './engine.ts';
import * as layout from './layouts.ts';
import { Struct } from './memory.ts';
import type { NetEvent } from './net-events.ts';
import { BrokenStructureError } from './parse-value.ts';
import { ScriptedNative } from './scripted-native.ts';
import { WfpSession } from './session.ts';

const CLOSED_ALREADY = 6;
const open: WindowsFilterEngine[] = [];
afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close();
});

async function opened() {
  const native = new ScriptedNative();
  const engine = new WindowsFilterEngine(await WfpSession.open(native.asNative(), {}));
  open.push(engine);
  return { native, engine };
}
const thrower = (text: string) => () => {
  throw new Error(text);
};

/** A provider that was added. */
const added = (notice: Uint8Array) => new Struct(layout.FWPM_PROVIDER_CHANGE0, notice).setNumber('changeType', 1);
/** An event that says it has a program, and has none. */
const broken = (notice: Uint8Array) => {
  const header = new Struct(layout.FWPM_NET_EVENT_HEADER0, notice);
  header.setNumber('flags', 0x20);
  header.setNumber('appId.size', 8);
};

describe('what the engine tells', () => {
  test('a change that cannot be read is told as one of NULL_GUID, and nothing is thrown', async () => {
    const { native, engine } = await opened();
    const [changes, errors]: [ObjectChange[], Error[]] = [[], []];
    await engine.subscribeChanges(
      change => changes.push(change),
      error => errors.push(error),
    );
    const tell = native.callbackOf('FwpmFilterSubscribeChanges0');
    for (let count = 0; count < 2; count++) tell();
    expect(changes).toEqual([
      { object: 'filter', change: 'add', key: NULL_GUID },
      { object: 'filter', change: 'add', key: NULL_GUID },
    ]);
    expect(errors.length).toBe(1);
  });

  test('what a listener of changes throws stays here', async () => {
    const { native, engine } = await opened();
    const errors: string[] = [];
    const end = await engine.subscribeChanges(thrower('listener'), error => errors.push(error.message));
    native.callbackOf('FwpmProviderSubscribeChanges0', added)();
    expect(errors).toEqual(['listener']);
    await end();
    await engine.subscribeChanges(thrower('listener'));
    native.callbackOf('FwpmProviderSubscribeChanges0', added)();
    await new Promise(resolve => setImmediate(resolve));
  });

  test('of net events one that cannot be read is passed over and told once, whoever throws', async () => {
    const { native, engine } = await opened();
    const [events, errors]: [NetEvent[], string[]] = [[], []];
    await engine.netEvents(event => events.push(event), { onError: error => errors.push(error.message) });
    native.callbackOf('FwpmNetEventSubscribe4')();
    expect(events).toMatchObject([{ type: 'other' }]);
    const tell = native.callbackOf('FwpmNetEventSubscribe4', broken);
    for (let count = 0; count < 3; count++) tell();
    expect([events.length, errors.length]).toEqual([1, 1]);
    await engine.netEvents(() => {}, { onError: thrower('nobody is left') });
    native.callbackOf('FwpmNetEventSubscribe4', broken)();
    await engine.netEvents(() => {});
    native.callbackOf('FwpmNetEventSubscribe4', broken)();
    await new Promise(resolve => setImmediate(resolve));
  });
});

describe('the options of the machine', () => {
  test('are added to and put back', async () => {
    const { native, engine } = await opened();
    native.options.set(0, 0).set(1, 0x20);
    const end = await engine.netEvents(() => {}, { allowed: true });
    expect([native.options.get(0), native.options.get(1)]).toEqual([1, 0x30]);
    await end();
    expect([native.options.get(0), native.options.get(1)]).toEqual([0, 0x20]);
  });

  test('what was on, or was changed meanwhile, stays', async () => {
    const { native, engine } = await opened();
    native.options.set(0, 1).set(1, 0x20);
    const end = await engine.netEvents(() => {}, { allowed: true });
    native.options.set(1, 0x31);
    await end();
    expect([native.options.get(0), native.options.get(1)]).toEqual([1, 0x31]);
  });

  test('are put back when the subscription fails or cannot be ended', async () => {
    const { native, engine } = await opened();
    native.options.set(0, 0).set(1, 0);
    native.failing.set('FwpmNetEventSubscribe4', 5);
    await expect(engine.netEvents(() => {}, { allowed: true })).rejects.toThrow('FwpmNetEventSubscribe4');
    expect([native.options.get(0), native.options.get(1)]).toEqual([0, 0]);
    native.failing.clear();
    const end = await engine.netEvents(() => {}, { allowed: true });
    native.failing.set('FwpmNetEventUnsubscribe0', CLOSED_ALREADY);
    await expect(end()).rejects.toThrow('FwpmNetEventUnsubscribe0');
    expect([native.options.get(0), native.options.get(1)]).toEqual([0, 0]);
  });

  test('one that cannot be put back is told', async () => {
    const { native, engine } = await opened();
    native.options.set(0, 0);
    const errors: string[] = [];
    const end = await engine.netEvents(() => {}, { onError: error => errors.push(error.message) });
    native.failing.set('FwpmEngineSetOption0', 5);
    await end();
    expect(errors).toEqual([expect.stringContaining('FwpmEngineSetOption0')]);
  });
});

test('whole transactions wait for each other, and the engine sees one at a time', async () => {
  const { native, engine } = await opened();
  const begun = Promise.withResolvers<void>();
  const first = engine.transaction(() => begun.promise);
  const second = engine.transaction(() => engine.filterDeleteById(1n));
  begun.resolve();
  await Promise.all([first, second]);
  expect(native.calls.filter(name => /Transaction|Delete/.test(name))).toEqual([
    'FwpmTransactionBegin0',
    'FwpmTransactionCommit0',
    'FwpmTransactionBegin0',
    'FwpmFilterDeleteById0',
    'FwpmTransactionCommit0',
  ]);
  await expect(engine.transaction(() => engine.transaction(() => undefined))).rejects.toThrow('FWP_E_TXN_IN_PROGRESS');
});

describe('what the engine should not answer', () => {
  const LIST = 0x1000n;
  test.each([
    ['more entries than asked for', { entries: LIST, count: 257 }, '257 entries'],
    ['a count that fills all memory', { entries: LIST, count: 0x7fffffff }, '2147483647 entries'],
    ['a full page at NULL, for ever', { entries: 0n, count: 256 }, '256 entries of FwpmFilterEnum0 at NULL'],
    ['one entry at NULL', { entries: 0n, count: 1 }, '1 entries of FwpmFilterEnum0 at NULL'],
  ])('%s: one sentence, and the handle is destroyed', async (_name, page, sentence) => {
    const { native, engine } = await opened();
    native.page = page;
    await expect(engine.filterEnum()).rejects.toThrow(BrokenStructureError);
    await expect(engine.filterEnum()).rejects.toThrow(sentence);
    expect(native.calls.filter(name => name === 'FwpmFilterDestroyEnumHandle0').length).toBe(2);
  });

  test('an entry at NULL among others', async () => {
    const { native, engine } = await opened();
    native.entries = [0n];
    await expect(engine.sessionEnum()).rejects.toThrow('an entry of FwpmSessionEnum0 at NULL');
  });

  test.each([
    ['fields at NULL', 3],
    ['more fields than any layer has', 2000],
  ])('a layer with %s', async (_name, count) => {
    const { native, engine } = await opened();
    const { address, bytes } = native.alloc(layout.FWPM_LAYER0.size);
    new Struct(layout.FWPM_LAYER0, bytes).setNumber('numFields', count);
    native.entries = [address];
    await expect(engine.layerEnum()).rejects.toThrow(`a layer with ${count} fields`);
  });

  test.each([
    [1, 255],
    [2, 1],
  ])('a session whose SID says revision %i and %i subauthorities', async (revision, count) => {
    const { native, engine } = await opened();
    const { address, bytes } = native.alloc(layout.FWPM_SESSION0.size);
    const sid = native.alloc(2);
    sid.bytes.set([revision, count]);
    new Struct(layout.FWPM_SESSION0, bytes).setBigint('sid', sid.address);
    native.entries = [address];
    await expect(engine.sessionEnum()).rejects.toThrow(`a SID of revision ${revision} with ${count} subauthorities`);
  });
});

describe('of two errors the first one is told', () => {
  test('when an enumeration fails and its handle cannot be destroyed', async () => {
    const { native, engine } = await opened();
    native.failing.set('FwpmFilterEnum0', 1722).set('FwpmFilterDestroyEnumHandle0', CLOSED_ALREADY);
    await expect(engine.filterEnum()).rejects.toThrow('FwpmFilterEnum0');
    native.failing.delete('FwpmFilterEnum0');
    await expect(engine.filterEnum()).rejects.toThrow('FwpmFilterDestroyEnumHandle0');
  });

  test('when a subscription fails and the earlier ones cannot be ended', async () => {
    const { native, engine } = await opened();
    native.failing.set('FwpmCalloutSubscribeChanges0', 1722).set('FwpmProviderUnsubscribeChanges0', CLOSED_ALREADY);
    await expect(engine.subscribeChanges(() => {})).rejects.toThrow('FwpmCalloutSubscribeChanges0');
    expect(native.calls).toContain('FwpmSubLayerUnsubscribeChanges0');
  });

  test('a subscription that cannot be ended does not keep the others', async () => {
    const { native, engine } = await opened();
    const end = await engine.subscribeChanges(() => {});
    native.failing.set('FwpmProviderUnsubscribeChanges0', CLOSED_ALREADY);
    await expect(end()).rejects.toThrow('FwpmProviderUnsubscribeChanges0');
    expect(native.calls.filter(name => name.includes('Unsubscribe')).length).toBe(5);
  });

  test('when the options cannot be put back and nobody hears of it', async () => {
    const { native, engine } = await opened();
    native.options.set(0, 0);
    const end = await engine.netEvents(() => {}, { onError: thrower('nobody is left') });
    native.failing.set('FwpmEngineSetOption0', 5).set('FwpmNetEventUnsubscribe0', CLOSED_ALREADY);
    await expect(end()).rejects.toThrow('FwpmNetEventUnsubscribe0');
  });
});

test('a filter that was added and cannot be read back is deleted again', async () => {
  const { native, engine } = await opened();
  const filter = {
    displayData: { name: 'x' },
    layerKey: LAYER_KEY.ALE_AUTH_CONNECT_V4,
    subLayerKey: NULL_GUID,
    filterCondition: [],
    action: { type: 'FWP_ACTION_BLOCK' },
  } as const;
  await expect(engine.filterAdd(filter)).rejects.toThrow('FWP_E_FILTER_NOT_FOUND');
  native.failing.set('FwpmFilterGetById0', 1722).set('FwpmFilterDeleteById0', CLOSED_ALREADY);
  await expect(engine.filterAdd(filter)).rejects.toThrow('FwpmFilterGetById0');
  expect(native.calls.filter(name => name.startsWith('FwpmFilter'))).toEqual([
    'FwpmFilterAdd0',
    'FwpmFilterGetById0',
    'FwpmFilterDeleteById0',
    'FwpmFilterAdd0',
    'FwpmFilterGetById0',
    'FwpmFilterDeleteById0',
  ]);
});
