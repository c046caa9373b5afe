import assert from 'node:assert/strict';
import type { FilterEngine, ObjectChange } from '../../../engine/model/filter-engine.ts';
import { addFilter, filterInput } from '../build.ts';
import { type ContractCase, dynamicCase, fails } from './contract-case.ts';

const spec = { layer: 'ALE_AUTH_CONNECT_V4', action: 'permit' } as const;
const exists = async (session: FilterEngine, id: bigint) =>
  session.filterGetById(id).then(
    () => true,
    () => false,
  );

export const transactionCases: readonly ContractCase[] = [
  dynamicCase('what a transaction does is seen by others when it is committed, not before', async (session, openSession) => {
    const other = await openSession();
    try {
      await session.transactionBegin();
      const filter = await addFilter(session, spec);
      assert.equal(await exists(session, filter.filterId), true);
      await session.transactionCommit();
      assert.equal(await exists(other, filter.filterId), true);
    } finally {
      await other.close();
    }
  }),

  dynamicCase('what was aborted never was', async session => {
    await session.transactionBegin();
    const filter = await addFilter(session, spec);
    await session.transactionAbort();
    assert.equal(await exists(session, filter.filterId), false);
  }),

  dynamicCase('transaction() commits when its work returns and aborts when it throws', async session => {
    const kept = await session.transaction(() => addFilter(session, spec));
    assert.equal(await exists(session, kept.filterId), true);
    let lost = 0n;
    const failing = session.transaction(async () => {
      lost = (await addFilter(session, spec)).filterId;
      throw new RangeError('on purpose');
    });
    await assert.rejects(failing, RangeError);
    assert.equal(await exists(session, lost), false);
    await fails('FWP_E_NO_TXN_IN_PROGRESS', session.transactionCommit());
  }),

  dynamicCase('one transaction a session; none to end outside of it', async session => {
    await fails('FWP_E_NO_TXN_IN_PROGRESS', session.transactionCommit());
    await fails('FWP_E_NO_TXN_IN_PROGRESS', session.transactionAbort());
    await session.transactionBegin();
    await fails('FWP_E_TXN_IN_PROGRESS', session.transactionBegin());
    await session.transactionAbort();
  }),

  dynamicCase('whole transactions of one session wait for each other', async session => {
    const order: string[] = [];
    const begun = Promise.withResolvers<void>();
    const part = (name: string, fail = false) =>
      session.transaction(async () => {
        order.push(`${name} begins`);
        begun.resolve();
        const filter = await addFilter(session, spec);
        order.push(`${name} ends`);
        if (fail) throw new RangeError('on purpose');
        return filter.filterId;
      });
    const running = part('1');
    await begun.promise;
    const [first, second, third] = await Promise.allSettled([running, part('2', true), part('3')]);
    assert.deepEqual(order, ['1 begins', '1 ends', '2 begins', '2 ends', '3 begins', '3 ends']);
    assert.equal(second.status === 'rejected' && second.reason instanceof RangeError, true);
    for (const one of [first, third]) assert.equal(one.status === 'fulfilled' && (await exists(session, one.value)), true);
  }),

  dynamicCase('a single change from outside of a whole transaction does not share its fate', async session => {
    const [begun, hold] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const gone = await addFilter(session, spec);
    const aborted = session.transaction(async () => {
      begun.resolve();
      await hold.promise;
      throw new RangeError('on purpose');
    });
    await begun.promise;
    const [added, deleted] = [addFilter(session, spec), session.filterDeleteById(gone.filterId)];
    hold.resolve();
    await assert.rejects(aborted, RangeError);
    assert.equal(await exists(session, (await added).filterId), true);
    await deleted;
    assert.equal(await exists(session, gone.filterId), false);
  }),

  dynamicCase('a transaction inside of one is an error, not a wait without end', async session => {
    const ended = Promise.withResolvers<void>();
    let later: Promise<unknown> | undefined;
    const id = await session.transaction(async () => {
      // What the work began may go on after it, and has its own transactions then.
      later = ended.promise.then(() => session.transaction(() => undefined));
      await fails(
        'FWP_E_TXN_IN_PROGRESS',
        session.transaction(() => undefined),
      );
      await fails('FWP_E_TXN_IN_PROGRESS', session.transactionBegin());
      return (await addFilter(session, spec)).filterId;
    });
    assert.equal(await exists(session, id), true);
    ended.resolve();
    await later;
    await session.transactionBegin();
    await fails(
      'FWP_E_TXN_IN_PROGRESS',
      session.transaction(() => undefined),
    );
    await session.transactionAbort();
  }),

  dynamicCase('a read-only transaction changes nothing', async session => {
    const filter = await addFilter(session, spec);
    await session.transactionBegin({ readOnly: true });
    await fails('FWP_E_INCOMPATIBLE_TXN', addFilter(session, spec));
    await fails('FWP_E_INCOMPATIBLE_TXN', session.filterDeleteById(filter.filterId));
    assert.equal(await exists(session, filter.filterId), true);
    await session.transactionCommit();
  }),

  dynamicCase('a call that fails does not spoil the transaction', async session => {
    await session.transactionBegin();
    const filter = await addFilter(session, spec);
    await fails('FWP_E_NULL_DISPLAY_NAME', session.filterAdd({ ...filterInput(spec), displayData: { name: '' } }));
    await fails('FWP_E_FILTER_NOT_FOUND', session.filterDeleteById(0xfffffff0n));
    await session.transactionCommit();
    assert.equal(await exists(session, filter.filterId), true);
  }),

  dynamicCase('who waits too long for the lock is told', async (session, openSession) => {
    const other = await openSession({ dynamic: true, txnWaitTimeoutInMSec: 30 });
    try {
      await session.transactionBegin();
      await fails('FWP_E_TIMEOUT', other.transactionBegin());
      await session.transactionAbort();
      await other.transactionBegin();
      await other.transactionAbort();
    } finally {
      await other.close();
    }
  }),

  dynamicCase('subscribing has no place in a transaction', async session => {
    await session.transactionBegin();
    await fails(
      'FWP_E_TXN_IN_PROGRESS',
      session.subscribeChanges(() => {}),
    );
    await session.transactionAbort();
  }),

  dynamicCase("changes of other sessions are told, one's own are not", async (session, openSession) => {
    const other = await openSession({ dynamic: true });
    const told: ObjectChange[] = [];
    const waiting = new Set<() => void>();
    const until = async (done: () => boolean) => {
      // A native callback alone does not keep the process alive; the deadline does, and says so when nothing comes.
      const { promise, reject } = Promise.withResolvers<never>();
      const deadline = setTimeout(() => reject(new Error(`only ${told.length} changes were told`)), 30_000);
      try {
        while (!done()) await Promise.race([promise, new Promise<void>(resolve => waiting.add(resolve))]);
      } finally {
        clearTimeout(deadline);
      }
    };
    const end = await session.subscribeChanges(change => {
      told.push(change);
      for (const wake of waiting) wake();
      waiting.clear();
    });
    try {
      const own = await addFilter(session, spec);
      const filter = await addFilter(other, spec);
      await other.filterDeleteById(filter.filterId);
      const about = (id: bigint) =>
        told.filter(change => change.object === 'filter' && change.id === id).map(change => change.change);
      await until(() => about(filter.filterId).length === 2);
      assert.deepEqual(about(filter.filterId), ['add', 'delete']);
      assert.deepEqual(about(own.filterId), []);
      assert.equal(told.find(change => change.id === filter.filterId)?.key, filter.filterKey);
    } finally {
      await end();
      await other.close();
    }
  }),
];
