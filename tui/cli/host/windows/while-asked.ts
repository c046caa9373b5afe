import type { ConnectionSource, SourceEvent } from '../../../../engine/model/attempt.ts';
import { WfpError } from '../../../../engine/model/error.ts';
import type { FilterEngine } from '../../../../engine/model/filter-engine.ts';
import { type Asking, askingFilterKeys } from '../../../../engine/rules/asking.ts';

/** How often it is looked whether the filters that ask are still there, milliseconds. */
const LOOK_MS = 5000;

/** A sentence when the engine asks no more, undefined while it does. */
export async function whyNotAsked(engine: Pick<FilterEngine, 'filterGetByKey'>, asking: Asking): Promise<string | undefined> {
  try {
    for (const key of askingFilterKeys(asking)) await engine.filterGetByKey(key);
    return undefined;
  } catch (error) {
    if (error instanceof WfpError && error.codeName === 'FWP_E_FILTER_NOT_FOUND')
      return 'the filters that ask were taken away from the engine, so connections pass; start the guard again';
    return `the Base Filtering Engine does not answer any more, so connections pass: ${(error as Error).message}`;
  }
}

/**
 * The source, which fails as soon as the engine asks no more: the service was stopped, or somebody deleted the filters. Nothing else would
 * tell: notifications end with the service too.
 */
export function whileAsked(
  source: ConnectionSource,
  { watcher }: { readonly watcher: Pick<FilterEngine, 'filterGetByKey'> },
  asking: Asking,
  lookMs = LOOK_MS,
): ConnectionSource {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async (listener: (event: SourceEvent) => void) => {
    const message = await whyNotAsked(watcher, asking);
    if (stopped) return;
    if (message === undefined) timer = setTimeout(() => void look(listener), lookMs);
    else listener({ type: 'failed', message });
  };
  return {
    kind: source.kind,
    failPolicy: source.failPolicy,
    title: source.title,
    start: async listener => {
      await source.start(listener);
      timer = setTimeout(() => void look(listener), lookMs);
    },
    complete: (id, verdict) => source.complete(id, verdict),
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await source.stop();
    },
  };
}
