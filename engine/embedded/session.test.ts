import { afterEach, expect, test, vi } from 'vitest';
import { LAYER_KEY } from '../model/keys.ts';
import { EmbeddedEngine } from './engine.ts';
import { TransactionLock } from './lock.ts';

afterEach(() => {
  vi.useRealTimers();
});

const filter = {
  displayData: { name: 'f' },
  layerKey: LAYER_KEY.ALE_AUTH_CONNECT_V4,
  filterCondition: [],
  action: { type: 'FWP_ACTION_BLOCK' },
} as const;

test('a transaction that is held for an hour is ended by force, and its session told once', async () => {
  vi.useFakeTimers();
  const engine = EmbeddedEngine.open();
  const [holder, other] = [engine.openSession(), engine.openSession()];
  await holder.transactionBegin();
  await holder.filterAdd(filter);
  vi.advanceTimersByTime(3_600_000);
  await expect(holder.transactionCommit()).rejects.toMatchObject({ codeName: 'FWP_E_TXN_ABORTED' });
  expect(await other.filterEnum()).toHaveLength(0);
  await other.filterAdd(filter);
  await holder.filterAdd(filter);
  expect(await holder.filterEnum()).toHaveLength(2);
  engine.close();
});

test('the default wait for the lock is fifteen seconds', async () => {
  vi.useFakeTimers();
  const engine = EmbeddedEngine.open();
  const [holder, other] = [engine.openSession(), engine.openSession()];
  await holder.transactionBegin();
  const waiting = other.filterAdd(filter).catch((error: { codeName: string }) => error.codeName);
  await vi.advanceTimersByTimeAsync(14_999);
  await holder.transactionCommit();
  expect(await waiting).toMatchObject({ filterKey: expect.any(String) });
  await holder.transactionBegin();
  const late = other.filterAdd(filter).catch((error: { codeName: string }) => error.codeName);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(await late).toBe('FWP_E_TIMEOUT');
  engine.close();
});

test('a session of a closed engine says so', async () => {
  const engine = EmbeddedEngine.open();
  const session = engine.openSession({ dynamic: true });
  await session.filterAdd(filter);
  engine.close();
  engine.close();
  await expect(session.filterEnum()).rejects.toMatchObject({ codeName: 'FWP_E_SESSION_ABORTED' });
  await session.close();
});

test('readers share the lock, a writer is alone, and nobody overtakes a waiting writer', async () => {
  const lock = new TransactionLock();
  const order: string[] = [];
  const take = (name: string, readOnly: boolean) => lock.acquire(readOnly, Number.POSITIVE_INFINITY).then(() => order.push(name));
  await take('reader 1', true);
  await take('reader 2', true);
  const writer = take('writer', false);
  const late = take('reader 3', true);
  expect(lock.readers).toBe(2);
  lock.release(true);
  lock.release(true);
  await writer;
  expect(order).toEqual(['reader 1', 'reader 2', 'writer']);
  lock.release(false);
  await late;
  expect(order.at(-1)).toBe('reader 3');
});
