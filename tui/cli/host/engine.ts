import { EmbeddedEngine } from '../../../engine/embedded/engine.ts';
import type { FilterEngine } from '../../../engine/model/filter-engine.ts';
import type { Paths } from '../settings/paths.ts';

/** This machine's filtering engine, opened. */
export interface OpenEngine {
  readonly engine: EmbeddedEngine;
  /** Keeps static and persistent objects. */
  readonly session: FilterEngine;
  close(): Promise<void>;
}

/**
 * Opens the embedded engine on the store.
 * @throws StoreError with one sentence when the store is locked, corrupt or of a newer version; the file is left as it is
 */
export async function openEngine(paths: Paths, name: string): Promise<OpenEngine> {
  const engine = EmbeddedEngine.open({ path: paths.store });
  const session = await engine.openSession({ displayData: { name } });
  return {
    engine,
    session,
    close: async () => {
      await session.close();
      engine.close();
    },
  };
}
