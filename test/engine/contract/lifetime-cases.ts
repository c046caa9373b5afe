import assert from 'node:assert/strict';
import type { FilterEngine } from '../../../engine/model/filter-engine.ts';
import { newGuid } from '../../../engine/model/guid.ts';
import { PROVIDER_KEY, SUBLAYER_KEY } from '../../../engine/model/keys.ts';
import { FILTER_FLAG, OBJECT_FLAG } from '../../../engine/model/objects.ts';
import { addFilter, addSubLayer, filterInput } from '../build.ts';
import { type ContractCase, dynamicCase, fails, type OpenSession } from './contract-case.ts';

const spec = { layer: 'ALE_AUTH_CONNECT_V4', action: 'permit' } as const;

/** A case that adds what outlives its session: `later` takes it away again, last in, first out. */
const lastingCase = (
  name: string,
  work: (session: FilterEngine, later: (undo: () => Promise<void>) => void, openSession: OpenSession) => Promise<void>,
): ContractCase => ({
  name,
  run: async openSession => {
    const session = await openSession();
    const undo: (() => Promise<void>)[] = [];
    try {
      await work(session, step => undo.push(step), openSession);
    } finally {
      for (const step of undo.reverse()) await step();
      await session.close();
    }
  },
});

export const lifetimeCases: readonly ContractCase[] = [
  {
    name: 'a session key is open once, and sessions are listed',
    run: async openSession => {
      const sessionKey = newGuid();
      const session = await openSession({ sessionKey, dynamic: true, displayData: { name: 'contract' } });
      await fails('FWP_E_ALREADY_EXISTS', openSession({ sessionKey }));
      const listed = (await session.sessionEnum()).find(one => one.sessionKey === sessionKey);
      assert.equal(listed?.flags, OBJECT_FLAG.SESSION_DYNAMIC);
      assert.equal(listed?.processId, process.pid);
      await session.close();
      await (await openSession({ sessionKey })).close();
    },
  },

  lastingCase('dynamic objects go with their session, static ones stay', async (session, later, openSession) => {
    const dynamic = await openSession({ dynamic: true });
    const gone = await addFilter(dynamic, { ...spec, subLayerKey: await addSubLayer(dynamic, 555) });
    const stays = await addFilter(session, spec);
    later(() => session.filterDeleteById(stays.filterId));
    await dynamic.close();
    await fails('FWP_E_FILTER_NOT_FOUND', session.filterGetById(gone.filterId));
    await fails('FWP_E_SUBLAYER_NOT_FOUND', session.subLayerGetByKey(gone.subLayerKey));
    assert.equal((await session.filterGetById(stays.filterId)).filterKey, stays.filterKey);
  }),

  lastingCase('closing a session aborts its transaction', async (session, _later, openSession) => {
    const other = await openSession();
    await other.transactionBegin();
    const { filterId } = await addFilter(other, spec);
    await other.close();
    await fails('FWP_E_FILTER_NOT_FOUND', session.filterGetById(filterId));
  }),

  lastingCase('a dynamic session deletes only what it added', async (session, later, openSession) => {
    const lasting = await addFilter(session, spec);
    later(() => session.filterDeleteById(lasting.filterId));
    const [one, two] = [await openSession({ dynamic: true }), await openSession({ dynamic: true })];
    later(() => one.close());
    later(() => two.close());
    await fails('FWP_E_DYNAMIC_SESSION_IN_PROGRESS', one.filterDeleteById(lasting.filterId));
    const foreign = await addFilter(two, spec);
    await fails('FWP_E_WRONG_SESSION', one.filterDeleteById(foreign.filterId));
  }),

  lastingCase('nothing refers to what goes away earlier', async (session, later, openSession) => {
    const [one, two] = [await openSession({ dynamic: true }), await openSession({ dynamic: true })];
    later(() => one.close());
    later(() => two.close());
    const short = await addSubLayer(one, 556);
    await fails('FWP_E_LIFETIME_MISMATCH', addFilter(two, { ...spec, subLayerKey: short }));
    await fails('FWP_E_LIFETIME_MISMATCH', addFilter(session, { ...spec, subLayerKey: short }));
    const fixed = await addSubLayer(session, 557);
    later(() => session.subLayerDeleteByKey(fixed));
    await fails('FWP_E_LIFETIME_MISMATCH', addFilter(session, { ...spec, subLayerKey: fixed, flags: FILTER_FLAG.PERSISTENT }));
    const filter = await addFilter(two, { ...spec, subLayerKey: fixed });
    await two.filterDeleteById(filter.filterId);
  }),

  lastingCase("a persistent object does not refer to another provider's", async (session, later) => {
    const [mine, theirs] = [newGuid(), newGuid()];
    for (const providerKey of [mine, theirs]) {
      await session.providerAdd({ providerKey, displayData: { name: 'a provider' }, flags: OBJECT_FLAG.PERSISTENT });
      later(() => session.providerDeleteByKey(providerKey));
    }
    const subLayerKey = newGuid();
    const displayData = { name: 'a sublayer' };
    await session.subLayerAdd({ subLayerKey, displayData, flags: OBJECT_FLAG.PERSISTENT, providerKey: theirs, weight: 558 });
    later(() => session.subLayerDeleteByKey(subLayerKey));
    const filter = { ...filterInput({ ...spec, subLayerKey, flags: FILTER_FLAG.PERSISTENT }), providerKey: mine };
    await fails('FWP_E_LIFETIME_MISMATCH', session.filterAdd(filter));
    const kept = await session.filterAdd({ ...filter, providerKey: theirs });
    later(() => session.filterDeleteById(kept.filterId));
    assert.equal(kept.flags & FILTER_FLAG.PERSISTENT, FILTER_FLAG.PERSISTENT);
  }),

  lastingCase('PERSISTENT and BOOTTIME exclude each other', async session => {
    const flags = FILTER_FLAG.PERSISTENT | FILTER_FLAG.BOOTTIME;
    await fails('FWP_E_INVALID_FLAGS', addFilter(session, { ...spec, flags }));
  }),

  lastingCase('what is built in stays', async session => {
    await fails('FWP_E_BUILTIN_OBJECT', session.subLayerDeleteByKey(SUBLAYER_KEY.UNIVERSAL));
    assert.equal((await session.subLayerGetByKey(SUBLAYER_KEY.UNIVERSAL)).weight, 0x8000);
    assert.ok((await session.providerEnum()).some(provider => provider.providerKey === PROVIDER_KEY.IKEEXT));
  }),

  dynamicCase('a closed session does nothing more', async (session, openSession) => {
    const other = await openSession();
    await other.close();
    await other.close();
    await assert.rejects(other.filterEnum());
    assert.ok(Array.isArray(await session.filterEnum()));
  }),
];
