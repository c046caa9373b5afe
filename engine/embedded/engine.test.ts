import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WfpError } from '../model/error.ts';
import type { FilterEngine, ObjectChange } from '../model/filter-engine.ts';
import { newGuid } from '../model/guid.ts';
import { CONDITION_KEY, LAYER_KEY } from '../model/keys.ts';
import type { FilterInput } from '../model/objects.ts';
import { FILTER_FLAG, OBJECT_FLAG } from '../model/objects.ts';
import { Classifier } from './classifier.ts';
import { EmbeddedEngine, type EmbeddedEngineOptions } from './engine.ts';

const LAYER = LAYER_KEY.ALE_AUTH_CONNECT_V4;
const port = (value: number) => ({ IP_REMOTE_PORT: { type: 'FWP_UINT16', value } as const });
const blockPort = (value: number, more: Partial<FilterInput> = {}): FilterInput => ({
  displayData: { name: `block ${value}` },
  layerKey: LAYER,
  flags: FILTER_FLAG.PERSISTENT,
  action: { type: 'FWP_ACTION_BLOCK' },
  filterCondition: [
    { fieldKey: CONDITION_KEY.IP_REMOTE_PORT, matchType: 'FWP_MATCH_EQUAL', conditionValue: { type: 'FWP_UINT16', value } },
  ],
  ...more,
});
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof WfpError ? error.codeName : error),
  );

let folder: string;
let path: string;
const open: EmbeddedEngine[] = [];
const start = (options: EmbeddedEngineOptions = { path }) => {
  const engine = EmbeddedEngine.open(options);
  open.push(engine);
  return engine;
};
const action = (engine: EmbeddedEngine, number: number) => engine.classify(LAYER, port(number)).action;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-engine-'));
  path = join(folder, 'filters.db');
});
afterEach(() => {
  for (const engine of open.splice(0)) engine.close();
  rmSync(folder, { recursive: true });
});

describe('lifetimes', () => {
  test('persistent objects are there at the next open, with the same ids; static ones are not', async () => {
    const first = start();
    const session = first.openSession();
    const kept = await session.filterAdd(blockPort(80, { providerData: Buffer.from('record') }));
    await session.filterAdd(blockPort(81, { flags: 0 }));
    expect([action(first, 80), action(first, 81)]).toEqual(['block', 'block']);
    first.close();
    const second = start();
    expect([action(second, 80), action(second, 81)]).toEqual(['block', 'permit']);
    expect(await second.openSession().filterGetByKey(kept.filterKey)).toEqual(kept);
  });

  test('the store is for its owner alone', () => {
    start();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('boot-time filters are kept, take no part while an engine runs and are listed on request', async () => {
    const session = start().openSession();
    await session.filterAdd(blockPort(80, { flags: FILTER_FLAG.BOOTTIME }));
    expect(action(open[0]!, 80)).toBe('permit');
    expect(await session.filterEnum({ layerKey: LAYER })).toHaveLength(0);
    expect(await session.filterEnum({ layerKey: LAYER, flags: 8 })).toHaveLength(1);
    open[0]!.close();
    const again = start();
    expect(action(again, 80)).toBe('permit');
    expect(await again.openSession().filterEnum({ layerKey: LAYER, flags: 4 })).toHaveLength(1);
  });

  test("filters of a provider whose service does not start come back disabled, others' do not", async () => {
    const providerKey = newGuid();
    const session = start().openSession();
    await session.providerAdd({ providerKey, displayData: { name: 'p' }, flags: OBJECT_FLAG.PERSISTENT, serviceName: 'absent' });
    await session.filterAdd(blockPort(80, { providerKey }));
    await session.filterAdd(blockPort(81));
    expect(action(open[0]!, 80)).toBe('block');
    open[0]!.close();
    const again = start({ path, serviceEnabled: name => name !== 'absent' });
    expect([action(again, 80), action(again, 81)]).toEqual(['permit', 'block']);
    const reader = again.openSession();
    expect((await reader.providerGetByKey(providerKey)).flags & OBJECT_FLAG.PROVIDER_DISABLED).not.toBe(0);
    expect(await reader.filterEnum({ layerKey: LAYER })).toHaveLength(1);
    const all = await reader.filterEnum({ layerKey: LAYER, flags: 0x10 });
    expect(all.map(filter => filter.flags & FILTER_FLAG.DISABLED)).toEqual([FILTER_FLAG.DISABLED, 0]);
    again.close();
    expect(action(start(), 80)).toBe('block');
  });

  test('a dynamic session adds nothing that outlives it', async () => {
    const session = start().openSession({ dynamic: true });
    expect(await errorOf(session.filterAdd(blockPort(80)))).toBe('FWP_E_DYNAMIC_SESSION_IN_PROGRESS');
  });
});

describe('two processes with one store', () => {
  let mine: EmbeddedEngine;
  let theirs: EmbeddedEngine;
  let session: FilterEngine;
  let other: FilterEngine;
  beforeEach(() => {
    mine = start();
    theirs = start();
    session = mine.openSession({ txnWaitTimeoutInMSec: 40 });
    other = theirs.openSession({ txnWaitTimeoutInMSec: 40 });
  });

  test('refresh takes over what the other committed and tells it', async () => {
    const told: ObjectChange[] = [];
    mine.onCommit(changes => told.push(...changes));
    expect(mine.refresh()).toBe(false);
    const filter = await other.filterAdd(blockPort(80));
    expect(action(mine, 80)).toBe('permit');
    const before = mine.revision;
    expect(mine.refresh()).toBe(true);
    expect(mine.refresh()).toBe(false);
    expect(mine.revision).toBeGreaterThan(before);
    expect(action(mine, 80)).toBe('block');
    await session.filterDeleteById(filter.filterId);
    expect(theirs.refresh()).toBe(true);
    expect(action(theirs, 80)).toBe('permit');
    expect(told.map(({ change, id }) => [change, id])).toEqual([
      ['add', filter.filterId],
      ['delete', filter.filterId],
    ]);
  });

  test('an object that was replaced under its key is replaced here', async () => {
    const filterKey = newGuid();
    await other.filterAdd(blockPort(80, { filterKey }));
    mine.refresh();
    await other.transaction(async () => {
      await other.filterDeleteByKey(filterKey);
      await other.filterAdd(blockPort(81, { filterKey }));
    });
    expect(mine.refresh()).toBe(true);
    expect([action(mine, 80), action(mine, 81)]).toEqual(['permit', 'block']);
  });

  test('ids never collide, whatever the lifetime', async () => {
    const ids = new Set<bigint>();
    for (let round = 0; round < 20; round++)
      for (const one of [session, other])
        for (const flags of [0, FILTER_FLAG.PERSISTENT])
          ids.add((await one.filterAdd(blockPort(1000 + round, { flags }))).filterId);
    expect(ids.size).toBe(80);
  });

  test('writers take turns; who waits too long is told', async () => {
    await session.transactionBegin();
    await session.filterAdd(blockPort(80));
    expect(await errorOf(other.filterAdd(blockPort(81)))).toBe('FWP_E_TIMEOUT');
    await session.transactionCommit();
    await other.filterAdd(blockPort(81));
    expect(action(theirs, 80)).toBe('block');
    expect(await errorOf(other.filterAdd(blockPort(80, { filterKey: (await session.filterEnum())[0]!.filterKey })))).toBe(
      'FWP_E_ALREADY_EXISTS',
    );
  });

  test('who waits gets the lock when the other is done', async () => {
    await session.transactionBegin();
    const patient = theirs.openSession();
    const waiting = patient.filterAdd(blockPort(81));
    await session.filterAdd(blockPort(80));
    await session.transactionCommit();
    await waiting;
    expect([action(theirs, 80), action(theirs, 81)]).toEqual(['block', 'block']);
  });

  test('objects of this process alone go when what they refer to was deleted elsewhere', async () => {
    const subLayerKey = newGuid();
    await other.subLayerAdd({ subLayerKey, displayData: { name: 's' }, flags: OBJECT_FLAG.PERSISTENT, weight: 700 });
    mine.refresh();
    const local = await session.filterAdd(blockPort(80, { subLayerKey, flags: 0 }));
    await other.subLayerDeleteByKey(subLayerKey);
    mine.refresh();
    expect(action(mine, 80)).toBe('permit');
    expect(await errorOf(session.filterGetById(local.filterId))).toBe('FWP_E_FILTER_NOT_FOUND');
  });

  test('a read-only transaction goes on seeing what it saw', async () => {
    await session.transactionBegin({ readOnly: true });
    await other.filterAdd(blockPort(80));
    expect(mine.refresh()).toBe(false);
    expect(await session.filterEnum()).toHaveLength(0);
    await session.transactionCommit();
    expect(mine.refresh()).toBe(true);
  });
});

test('traffic is decided by what is committed, not by what a transaction has done so far', async () => {
  const engine = start({});
  const session = engine.openSession();
  await session.transactionBegin();
  await session.filterAdd(blockPort(80));
  expect(action(engine, 80)).toBe('permit');
  await session.transactionCommit();
  expect(action(engine, 80)).toBe('block');
});

test('a replica that starts from a snapshot and follows the commits decides alike', async () => {
  const engine = start({});
  const session = engine.openSession();
  await session.filterAdd(blockPort(80));
  const replica = new Classifier(structuredClone(engine.snapshot()));
  engine.onCommit(changes => replica.applyChanges(structuredClone(changes)));
  const subLayerKey = newGuid();
  const added = await session.transaction(async () => {
    await session.subLayerAdd({ subLayerKey, displayData: { name: 's' }, flags: 0, weight: 0xffff });
    return session.filterAdd(
      blockPort(81, { subLayerKey, flags: FILTER_FLAG.CLEAR_ACTION_RIGHT, action: { type: 'FWP_ACTION_PERMIT' } }),
    );
  });
  await session.filterAdd(blockPort(81, { flags: 0 }));
  for (const number of [80, 81, 82]) expect(replica.classify(LAYER, port(number))).toEqual(engine.classify(LAYER, port(number)));
  expect(replica.classify(LAYER, port(81)).filter).toEqual(added);
  await session.filterDeleteById(added.filterId);
  expect(replica.classify(LAYER, port(81)).action).toBe('block');
});

test('a registered callout shows as registered, a colliding sublayer with the weight it got', async () => {
  const engine = start({});
  const session = engine.openSession();
  const calloutKey = newGuid();
  await session.calloutAdd({ calloutKey, displayData: { name: 'c' }, flags: 0, applicableLayer: LAYER });
  const registered = async () => ((await session.calloutGetByKey(calloutKey)).flags & OBJECT_FLAG.CALLOUT_REGISTERED) !== 0;
  expect(await registered()).toBe(false);
  const end = engine.registerCallout(calloutKey, () => ({ action: 'permit' }));
  expect(await registered()).toBe(true);
  end();
  expect(await registered()).toBe(false);
  const subLayerKey = newGuid();
  await session.subLayerAdd({ subLayerKey, displayData: { name: 's' }, flags: 0, weight: 0 });
  expect((await session.subLayerGetByKey(subLayerKey)).weight).toBe(8);
});

test('conditions that no value satisfies, and values that do not fit, are refused', async () => {
  const session = start({}).openSession();
  const add = (conditionValue: { type: 'FWP_UINT16'; value: number }, matchType: 'FWP_MATCH_GREATER' | 'FWP_MATCH_EQUAL') =>
    errorOf(
      session.filterAdd(
        blockPort(0, { flags: 0, filterCondition: [{ fieldKey: CONDITION_KEY.IP_REMOTE_PORT, matchType, conditionValue }] }),
      ),
    );
  expect(await add({ type: 'FWP_UINT16', value: 65535 }, 'FWP_MATCH_GREATER')).toBe('FWP_E_NEVER_MATCH');
  expect(await add({ type: 'FWP_UINT16', value: 65536 }, 'FWP_MATCH_EQUAL')).toBe('FWP_E_OUT_OF_BOUNDS');
  expect(await add({ type: 'FWP_UINT16', value: 65535 }, 'FWP_MATCH_EQUAL')).toBeUndefined();
});
