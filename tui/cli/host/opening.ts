import { openHistory } from '../../../engine/history/history-store.ts';
import type { ConnectionAttempt } from '../../../engine/model/attempt.ts';
import type { ClassifyTrace, ClassifyValues } from '../../../engine/model/classify.ts';
import type { Guid } from '../../../engine/model/guid.ts';
import { attemptValues } from '../../../engine/rules/attempt-values.ts';
import { installProvider } from '../../../engine/rules/base.ts';
import type { Rule } from '../../../engine/rules/rule.ts';
import { type RuleStore, writeRules } from '../../../engine/rules/write-rules.ts';
import type { Guard, GuardOptions } from '../../../machines/guard.ts';
import type { GuardHost, HistoryStore } from '../../../machines/guard-host.ts';
import type { Paths, Settings } from '../settings/settings.ts';
import { configuredResolvers } from './resolvers.ts';

/** What every guard of this program is opened with, whatever it guards. */
export interface OpenOptions {
  readonly where: Paths;
  readonly settings: Pick<Settings, 'defaultVerdict' | 'nameLookups' | 'coreNetworking'> & { readonly timeout: number | null };
  /** False: nobody can answer, the default does at once. */
  readonly asksPerson: boolean;
  /** Rules for this run only. */
  readonly rules?: readonly Rule[];
  /** Says one sentence to the person outside the screen. */
  readonly tell: (message: string) => void;
}

export interface GuardSession {
  readonly guard: Guard;
  /** Stops the guard and closes what it was given. Safe to call twice. */
  close(): Promise<void>;
}

/** History of this machine. A damaged one is moved aside, which is told. */
export function historyOf({ where, tell }: Pick<OpenOptions, 'where' | 'tell'>): HistoryStore {
  const history = openHistory(where.history);
  if (history.movedAside)
    tell(`the history ${where.history} was damaged and is kept as ${history.movedAside}; a new one was begun`);
  return history;
}

export const guardOptions = ({ settings, asksPerson }: OpenOptions): GuardOptions => ({
  defaultVerdict: settings.defaultVerdict,
  ...(settings.timeout === null ? {} : { timeoutSeconds: settings.timeout }),
  asksPerson,
  ...(settings.nameLookups === 'permit' ? { nameLookups: configuredResolvers() } : {}),
});

/** Rules for this run only: with the dynamic session they go. */
export async function addRunRules(store: RuleStore, rules: readonly Rule[] = []): Promise<void> {
  if (rules.length === 0) return;
  await installProvider(store.engine);
  await writeRules(store, [], { put: rules.map(rule => ({ ...rule, lifetime: { kind: 'restart' } as const })) });
}

/** The trace that led to the decision: of an attempt with several names, the one whose name decided. */
export function explainDeciding(
  attempt: ConnectionAttempt,
  decide: GuardHost['decide'],
  explain: (layerKey: Guid, values: ClassifyValues) => ClassifyTrace,
): ClassifyTrace {
  const { filterId } = decide(attempt);
  const traces = attemptValues(attempt).map(({ layerKey, values }) => explain(layerKey, values));
  const deciding = traces.find(trace => trace.filter?.filterId === filterId) ?? traces[0];
  if (!deciding) throw new Error('an attempt has at least one set of values');
  return deciding;
}
