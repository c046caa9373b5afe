import type { ConnectionSource } from '../../../engine/model/attempt.ts';
import { decideAttempt } from '../../../engine/rules/attempt-values.ts';
import { createGuard } from '../../../machines/guard.ts';
import type { GuardHost } from '../../../machines/guard-host.ts';
import { realClock } from './clock.ts';
import { openEmbedded } from './engine.ts';
import { followResolvers } from './follow-resolvers.ts';
import { addRunRules, explainDeciding, type GuardSession, guardOptions, historyOf, type OpenOptions } from './opening.ts';
import { processAlive } from './process-alive.ts';
import { Replica, registerAskCallouts } from './replica.ts';

/** How often other programs' changes to the store are looked for, milliseconds. */
const REFRESH_MS = 500;

export interface GuardSessionOptions extends OpenOptions {
  /** The engine lives in memory: its rules end with the guard, and nothing that filters on this machine is touched. */
  readonly inMemory?: boolean;
  /** Makes the source; gets the filters that its own decision path needs. */
  readonly source: (replica: Replica, decide: GuardHost['decide']) => ConnectionSource;
}

/** Puts a guard together on the embedded engine. */
export async function openGuardSession(options: GuardSessionOptions): Promise<GuardSession> {
  const { engine, session, close } = await openEmbedded(options.inMemory ? undefined : options.where.store, 'sallyport');
  registerAskCallouts(engine);
  const dynamic = await engine.openSession({ dynamic: true, displayData: { name: 'sallyport, for this run' } });
  await addRunRules({ engine: session, dynamic }, options.rules);
  const replica = new Replica(engine);
  const classify: Parameters<typeof decideAttempt>[0] = (layerKey, values) => engine.classify(layerKey, values);
  const decide: GuardHost['decide'] = attempt => decideAttempt(classify, attempt);
  const history = historyOf(options);
  const host: GuardHost = {
    engine: session,
    dynamic,
    source: options.source(replica, decide),
    history,
    decide,
    explain: attempt => explainDeciding(attempt, decide, (layerKey, values) => engine.explain(layerKey, values)),
    published: () => replica.published(),
    clock: realClock,
    processAlive,
  };
  const settings = guardOptions(options);
  const guard = createGuard(host, settings);
  const unfollow = followResolvers({ dynamic, first: settings.nameLookups });
  const refresh = setInterval(() => engine.refresh(), REFRESH_MS);
  refresh.unref();
  let closing: Promise<void> | undefined;
  return {
    guard,
    close: () => {
      closing ??= (async () => {
        clearInterval(refresh);
        await unfollow();
        await guard.stop();
        replica.close();
        history.close();
        await dynamic.close();
        await close();
      })();
      return closing;
    },
  };
}
