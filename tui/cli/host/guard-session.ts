import { openHistory } from '../../../engine/history/history-store.ts';
import type { ConnectionAttempt, ConnectionSource } from '../../../engine/model/attempt.ts';
import { attemptValues, decideAttempt } from '../../../engine/rules/attempt-values.ts';
import { installProvider } from '../../../engine/rules/base.ts';
import type { Rule } from '../../../engine/rules/rule.ts';
import { writeRules } from '../../../engine/rules/write-rules.ts';
import { createGuard, type Guard } from '../../../machines/guard.ts';
import type { GuardHost } from '../../../machines/guard-host.ts';
import type { Paths, Settings } from '../settings/settings.ts';
import { realClock } from './clock.ts';
import { openEngine } from './engine.ts';
import { processAlive } from './process-alive.ts';
import { Replica, registerAskCallouts } from './replica.ts';
import { configuredResolvers } from './resolvers.ts';

/** How often other programs' changes to the store are looked for, milliseconds. */
const REFRESH_MS = 500;

export interface GuardSessionOptions {
  readonly where: Paths;
  readonly settings: Pick<Settings, 'defaultVerdict' | 'nameLookups'> & { readonly timeout: number | null };
  /** False: nobody can answer, the default does at once. */
  readonly asksPerson: boolean;
  /** Rules for this run only. */
  readonly rules?: readonly Rule[];
  /** Says one sentence to the person outside the screen. */
  readonly tell: (message: string) => void;
  /** Makes the source; gets the filters that its own decision path needs. */
  readonly source: (replica: Replica, decide: GuardHost['decide']) => ConnectionSource;
}

export interface GuardSession {
  readonly guard: Guard;
  /** Stops the guard and closes what it was given. Safe to call twice. */
  close(): Promise<void>;
}

/** Puts a guard together on this machine's engine: the one place where a Host is chosen. */
export async function openGuardSession(options: GuardSessionOptions): Promise<GuardSession> {
  const { where, settings, asksPerson } = options;
  const { engine, session, close } = await openEngine(where, 'sallyport');
  registerAskCallouts(engine);
  const dynamic = await engine.openSession({ dynamic: true, displayData: { name: 'sallyport, for this run' } });
  if (options.rules?.length) {
    await installProvider(session);
    const put = options.rules.map(rule => ({ ...rule, lifetime: { kind: 'restart' } as const }));
    await writeRules({ engine: session, dynamic }, [], { put });
  }
  const replica = new Replica(engine);
  const classify: Parameters<typeof decideAttempt>[0] = (layerKey, values) => engine.classify(layerKey, values);
  const decide = (attempt: ConnectionAttempt) => decideAttempt(classify, attempt);
  const history = openHistory(where.history);
  if (history.movedAside)
    options.tell(`the history ${where.history} was damaged and is kept as ${history.movedAside}; a new one was begun`);
  const host: GuardHost = {
    engine: session,
    dynamic,
    source: options.source(replica, decide),
    history,
    decide,
    explain: attempt => explainDeciding(attempt, decide, engine),
    published: () => replica.published(),
    clock: realClock,
    processAlive,
  };
  const guard = createGuard(host, {
    defaultVerdict: settings.defaultVerdict,
    ...(settings.timeout === null ? {} : { timeoutSeconds: settings.timeout }),
    asksPerson,
    ...(settings.nameLookups === 'permit' ? { nameLookups: configuredResolvers() } : {}),
  });
  const refresh = setInterval(() => engine.refresh(), REFRESH_MS);
  refresh.unref();
  let closing: Promise<void> | undefined;
  return {
    guard,
    close: () => {
      closing ??= (async () => {
        clearInterval(refresh);
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

/** The trace that led to the decision: of an attempt with several names, the one whose name decided. */
function explainDeciding(
  attempt: ConnectionAttempt,
  decide: GuardHost['decide'],
  engine: Pick<Awaited<ReturnType<typeof openEngine>>['engine'], 'explain'>,
) {
  const { filterId } = decide(attempt);
  const traces = attemptValues(attempt).map(({ layerKey, values }) => engine.explain(layerKey, values));
  const deciding = traces.find(trace => trace.filter?.filterId === filterId) ?? traces[0];
  if (!deciding) throw new Error('an attempt has at least one set of values');
  return deciding;
}
