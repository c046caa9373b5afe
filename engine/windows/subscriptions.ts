import koffi from 'koffi';
import type { ObjectChange } from '../model/filter-engine.ts';
import { NULL_GUID } from '../model/guid.ts';
import * as layout from './layouts.ts';
import type { Pointer } from './memory.ts';
import type { NativeName } from './native.ts';
import { parseChange } from './parse.ts';
import type { WfpSession } from './session.ts';

/** void cb(void *context, const T *data); T is read before the callback returns, for it is gone afterwards. */
const callbackType = koffi.pointer(koffi.proto('void', ['void *', 'void *']));
const POINTER = koffi.struct({ value: 'void *' });
/** FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD | NOTIFY_ON_DELETE. */
const NOTIFY_ON_ADD_AND_DELETE = 3;
/** Different errors told per subscription. */
const MOST_TOLD = 100;

const KINDS = [
  ['provider', 'Provider'],
  ['sublayer', 'SubLayer'],
  ['callout', 'Callout'],
  ['providerContext', 'ProviderContext'],
  ['filter', 'Filter'],
] as const;

/** Runs `work`; what it throws goes to `onError`, and what that throws nowhere: there is nobody left to be told. */
function attempt(work: () => unknown, onError: (error: Error) => void): void {
  try {
    work();
  } catch (error) {
    try {
      onError(error instanceof Error ? error : new Error(String(error)));
    } catch {}
  }
}

/** Tells each message once: what cannot be read once cannot be read a thousand times either. */
function once(onError: (error: Error) => void): (error: Error) => void {
  const told = new Set<string>();
  return error => {
    if (told.has(error.message) || told.size >= MOST_TOLD) return;
    told.add(error.message);
    onError(error);
  };
}

/**
 * One subscription with its callback. The engine calls from a thread of its own; koffi hands the call to the event loop and lets that
 * thread wait. Ending a subscription waits for a running callback, so it is always called from a worker thread while the loop runs.
 */
async function subscribe(
  session: WfpSession,
  names: { readonly subscribe: NativeName; readonly unsubscribe: NativeName },
  flags: number,
  onData: (data: Pointer) => void,
  onError: (error: Error) => void,
): Promise<() => Promise<void>> {
  // The engine's thread waits for us and takes no exception.
  const callback = koffi.register((_context: Pointer, data: Pointer | null) => {
    attempt(() => data && onData(data), onError);
  }, callbackType);
  const release = () => koffi.unregister(callback);
  let handle: Pointer;
  try {
    handle = await session.withArena(async ({ arena }) => {
      const subscription = arena.struct(layout.FWPM_FILTER_SUBSCRIPTION0);
      subscription.struct.setNumber('flags', flags);
      const out = arena.struct(POINTER);
      await session.check(names.subscribe, subscription.address, callback, 0n, out.address);
      return out.struct.bigint('value');
    });
  } catch (error) {
    release();
    throw error;
  }
  // Closing the session ends its subscriptions too; whichever comes first gives the callback back.
  session.whenClosed.add(release);
  return async () => {
    if (!session.whenClosed.has(release)) return;
    await session.simple(names.unsubscribe, handle);
    if (session.whenClosed.delete(release)) release();
  };
}

/** The change of an object that the engine told in a form that cannot be read: who follows this kind of object reads again. */
const unreadable = (object: ObjectChange['object']): ObjectChange => ({ object, change: 'add', key: NULL_GUID });

/**
 * Changes of all five kinds of object, without template: every object that this caller may read. One that cannot be read is told as an
 * addition of NULL_GUID.
 * @param onError told what could not be read and what the listener threw, each message once; nothing is ever thrown from here afterwards
 */
export async function subscribeAllChanges(
  session: WfpSession,
  listener: (change: ObjectChange) => void,
  onError: (error: Error) => void = () => {},
): Promise<() => Promise<void>> {
  const failed = once(onError);
  const ends: (() => Promise<void>)[] = [];
  /** One that cannot be ended does not keep the others. @throws the first error */
  const endAll = async () => {
    const results = await Promise.allSettled(ends.map(end => end()));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  };
  try {
    for (const [object, kind] of KINDS) {
      const names = { subscribe: `Fwpm${kind}SubscribeChanges0`, unsubscribe: `Fwpm${kind}UnsubscribeChanges0` } as const;
      const onData = (data: Pointer) => {
        let change = unreadable(object);
        attempt(() => {
          change = parseChange(object, data);
        }, failed);
        listener(change);
      };
      ends.push(await subscribe(session, names, NOTIFY_ON_ADD_AND_DELETE, onData, failed));
    }
    return endAll;
  } catch (error) {
    // The subscription that failed is what counts; what cannot be ended either ends with the session.
    await endAll().catch(() => undefined);
    throw error;
  }
}

/**
 * FwpmNetEventSubscribeN: the newest that this Windows has. The callback's structure is one version above the function's suffix.
 * @param onError told what `onData` threw, each message once
 */
export async function subscribeNetEventData(
  session: WfpSession,
  onData: (data: Pointer, version: 1 | 2 | 3 | 4 | 5) => void,
  onError: (error: Error) => void,
): Promise<() => Promise<void>> {
  const suffix = ([4, 3, 2, 1] as const).find(candidate => session.native.has(`FwpmNetEventSubscribe${candidate}`)) ?? 0;
  const names = { subscribe: `FwpmNetEventSubscribe${suffix}`, unsubscribe: 'FwpmNetEventUnsubscribe0' } as const;
  return subscribe(session, names, 0, data => onData(data, (suffix + 1) as 1 | 2 | 3 | 4 | 5), once(onError));
}
