import type { FilterEngine } from '../../../../engine/model/filter-engine.ts';
import { ASK_CALLOUTS, RULE_LAYERS } from '../../../../engine/rules/well-known.ts';
import { openWindowsEngine, type WindowsFilterEngine } from '../../../../engine/windows/engine.ts';
import { EngineMirror } from '../../../../engine/windows/mirror.ts';

/** Different sentences about what cannot be read; more would only fill the screen. */
const MOST_TOLD = 20;

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
  /** Says one sentence to the person. */
  readonly tell: (message: string) => void;
  close(): Promise<void>;
}

/**
 * Opens the three sessions and reads the filters. Changes nothing in the engine.
 * @param tell told once of each thing that could not be read; the mirror keeps what it had
 * @throws WfpError when the service does not run or this user has no rights; nothing stays open then
 */
export async function openBfe(tell: (message: string) => void): Promise<Bfe> {
  const told = new Set<string>();
  const tellOnce = (message: string) => {
    if (told.has(message) || told.size >= MOST_TOLD) return;
    told.add(message);
    tell(message);
  };
  const onError = (error: unknown) => tellOnce(`the engine's filters could not be read: ${(error as Error).message}`);
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
    if (mirror.unreadable.length > 0)
      tellOnce(`${mirror.unreadable.length} filters of the engine cannot be read; what they could change is asked about`);
    return { engine, dynamic, watcher, mirror, tell: tellOnce, close };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
