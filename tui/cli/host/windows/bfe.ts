import type { FilterEngine } from '../../../../engine/model/filter-engine.ts';
import { ASK_CALLOUTS, RULE_LAYERS } from '../../../../engine/rules/well-known.ts';
import { openWindowsEngine, type WindowsFilterEngine } from '../../../../engine/windows/engine.ts';
import { EngineMirror } from '../../../../engine/windows/mirror.ts';

/** The Base Filtering Engine as a guard uses it. */
export interface Bfe {
  /** For what lasts. */
  readonly engine: WindowsFilterEngine;
  /** For what goes with the guard. */
  readonly dynamic: FilterEngine;
  /** Only watches: a session is not told of its own changes. */
  readonly watcher: WindowsFilterEngine;
  /** The filters of the layers that have rules, to decide and explain by. */
  readonly mirror: EngineMirror;
  close(): Promise<void>;
}

/**
 * Opens the three sessions and reads the filters. Changes nothing in the engine.
 * @param onError told when a later reading fails; the mirror keeps what it had
 * @throws WfpError when the service does not run or this user has no rights; nothing stays open then
 */
export async function openBfe(onError: (error: unknown) => void): Promise<Bfe> {
  const sessions: WindowsFilterEngine[] = [];
  const open = async (name: string, dynamic = false) => {
    const session = await openWindowsEngine({ dynamic, displayData: { name } });
    sessions.push(session);
    return session;
  };
  const closeAll = async () => {
    for (const session of sessions.splice(0).reverse()) await session.close().catch(() => undefined);
  };
  try {
    const engine = await open('Sallyport');
    const dynamic = await open('Sallyport, for this run', true);
    const watcher = await open('Sallyport, watching');
    const layers = RULE_LAYERS.map(layer => layer.layerKey);
    const mirror = await EngineMirror.open(watcher, layers, onError);
    for (const key of ASK_CALLOUTS) mirror.registerCallout(key, () => ({ action: 'block', pend: true }));
    const close = async () => {
      await mirror.close().catch(() => undefined);
      await closeAll();
    };
    return { engine, dynamic, watcher, mirror, close };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
