import type { FilterEngine } from '../../../engine/model/filter-engine.ts';
import { changeNameLookups } from '../../../engine/rules/base.ts';
import type { EngineForm } from '../../../engine/rules/conditions.ts';
import { configuredResolvers } from './resolvers.ts';

/** How often it is looked whether this machine has other name servers, milliseconds: it may have come to another network. */
const LOOK_MS = 5000;

export interface FollowOptions {
  /** The session of the builtin rules. */
  readonly dynamic: FilterEngine;
  /** The name servers whose rules are there; undefined: none are wanted, and nothing is followed. */
  readonly first: readonly string[] | undefined;
  /** How the engine names what the rules name. */
  readonly form?: EngineForm;
  readonly read?: () => readonly string[];
  readonly lookMs?: number;
}

/**
 * Keeps the rules for looking names up those of the machine's name servers of now. A change that fails is tried again at the next look; an
 * engine that does not answer is told by others. @returns ends it, and waits for what is under way
 */
export function followResolvers({
  dynamic,
  first,
  form,
  read = configuredResolvers,
  lookMs = LOOK_MS,
}: FollowOptions): () => Promise<void> {
  if (first === undefined) return async () => {};
  let current = first;
  let working: Promise<void> | undefined;
  const look = async () => {
    const now = read();
    if (now.join() === current.join()) return;
    await changeNameLookups(dynamic, current, now, form);
    current = now;
  };
  const timer = setInterval(() => {
    working ??= look()
      .catch(() => undefined)
      .finally(() => {
        working = undefined;
      });
  }, lookMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await working;
  };
}
