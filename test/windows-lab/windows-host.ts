import { DriverSource } from '../../driver/windows/driver-source.ts';
import { createIdentifier } from '../../driver/windows/identity.ts';
import { attemptValues, decideAttempt } from '../../engine/rules/attempt-values.ts';
import { ASK_CALLOUTS, RULE_LAYERS } from '../../engine/rules/well-known.ts';
import { openWindowsEngine } from '../../engine/windows/engine.ts';
import { EngineMirror } from '../../engine/windows/mirror.ts';
import type { GuardHost, HistoryStore } from '../../machines/guard-host.ts';

/**
 * A guard's host on Windows: BFE for the objects, the callout driver for what is held, a mirror for decisions and explanations. Three
 * sessions: one for what lasts, a dynamic one for what goes with the guard, one that only watches.
 */
export async function openWindowsHost(history: HistoryStore): Promise<{ readonly host: GuardHost; close(): Promise<void> }> {
  const engine = await openWindowsEngine({ displayData: { name: 'Sallyport' } });
  const dynamic = await openWindowsEngine({ dynamic: true, displayData: { name: 'Sallyport, for this run' } });
  const watcher = await openWindowsEngine({ displayData: { name: 'Sallyport, watching' } });
  const mirror = await EngineMirror.open(
    watcher,
    RULE_LAYERS.map(layer => layer.layerKey),
  );
  for (const key of ASK_CALLOUTS) mirror.registerCallout(key, () => ({ action: 'block', pend: true }));
  const decide: GuardHost['decide'] = attempt => decideAttempt((layerKey, values) => mirror.classify(layerKey, values), attempt);
  const host: GuardHost = {
    engine,
    dynamic,
    source: new DriverSource({ identify: createIdentifier(), policy: { deadlineMs: 60_000 } }),
    history,
    decide,
    explain: attempt => {
      const { layerKey, values } = attemptValues(attempt)[0]!;
      return mirror.explain(layerKey, values);
    },
    published: () => mirror.refresh(),
    clock: {
      now: () => Date.now(),
      setTimeout: (fn, ms) => setTimeout(fn, ms),
      clearTimeout: handle => clearTimeout(handle as NodeJS.Timeout),
    },
  };
  return {
    host,
    close: async () => {
      await mirror.close();
      for (const session of [watcher, dynamic, engine]) await session.close();
    },
  };
}
