import type { EmbeddedEngine } from '../../../engine/embedded/engine.ts';
import type { FilterEngine } from '../../../engine/model/filter-engine.ts';
import type { EngineForm } from '../../../engine/rules/conditions.ts';
import type { Paths } from '../settings/paths.ts';

/** This machine's filtering engine, opened. */
export interface OpenEngine {
  /** Keeps static and persistent objects. */
  readonly session: FilterEngine;
  /** How it names what rules name. */
  readonly form: EngineForm;
  close(): Promise<void>;
}

export interface OpenEmbedded extends OpenEngine {
  readonly engine: EmbeddedEngine;
}

/**
 * Opens the embedded engine on a store; without a path it lives in memory and ends with the process.
 * @throws StoreError with one sentence when the store is locked, corrupt or of a newer version; the file is left as it is
 */
export async function openEmbedded(path: string | undefined, name: string): Promise<OpenEmbedded> {
  const { EmbeddedEngine } = await import('../../../engine/embedded/engine.ts');
  const engine = EmbeddedEngine.open(path === undefined ? {} : { path });
  const session = await engine.openSession({ displayData: { name } });
  return {
    engine,
    session,
    form: {},
    close: async () => {
      await session.close();
      engine.close();
    },
  };
}

/**
 * Opens the engine that filters on this machine: the Base Filtering Engine on Windows, elsewhere the embedded one.
 * @throws StoreError, or WfpError when the service does not run or this user has no rights
 */
export async function openEngine(paths: Paths, name: string): Promise<OpenEngine> {
  if (process.platform !== 'win32') return openEmbedded(paths.store, name);
  const [{ openWindowsEngine }, { windowsForm }] = await Promise.all([
    import('../../../engine/windows/engine.ts'),
    import('./windows/app-ids.ts'),
  ]);
  const session = await openWindowsEngine({ displayData: { name } });
  return { session, form: windowsForm(), close: () => session.close() };
}
