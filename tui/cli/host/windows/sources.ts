import { DriverSource } from '../../../../driver/windows/driver-source.ts';
import { createIdentifier } from '../../../../driver/windows/identity.ts';
import { NetEventSource, type NetEventSourceOptions } from '../../../../driver/windows/net-event-source.ts';
import type { ConnectionSource, SourceEvent, Verdict } from '../../../../engine/model/attempt.ts';
import { dropsToAsk, holdsToAsk } from '../../../../engine/rules/ask-filters.ts';
import type { Asking } from '../../../../engine/rules/asking.ts';
import type { Bfe } from './bfe.ts';
import { whileAsked } from './while-asked.ts';

/** A source and the filters that it needs. */
export interface AskingSource {
  readonly source: ConnectionSource;
  readonly asking: Asking;
}

/** What is so with and without the driver. */
export interface AskingOptions {
  readonly fail: 'closed' | 'open';
  /** Whether the machine gets its addresses and finds its neighbours without a question. */
  readonly coreNetworking: boolean;
}

/** What the driver is told of the guard. */
export interface DriverOptions extends AskingOptions {
  /** When the guard answers by default. */
  readonly timeoutSeconds: number;
  readonly defaultVerdict: Verdict;
}

/** The driver ends what nobody answered a little after the guard should have. */
const GRACE_MS = 5000;
/** The longest a guard can wait: the driver holds for an hour (ioctl.h). */
export const LONGEST_TIMEOUT_S = 3600 - GRACE_MS / 1000;
/** Added to the ids of attempts that net events tell, so that they are never those of held ones. */
const EVENT_IDS = 2 ** 40;

const layers: Asking['layers'] = ['ALE_AUTH_CONNECT', 'ALE_AUTH_RECV_ACCEPT'];

const watching = ({ watcher, mirror, tell }: Bfe, watches: 'questions' | 'decisions'): NetEventSourceOptions => ({
  subscribe: listener =>
    watcher.netEvents(listener, {
      allowed: true,
      onError: error => tell(`a net event could not be read and is not shown: ${error.message}`),
    }),
  isAsking: id => {
    const filter = mirror.filter(id);
    return filter !== undefined && (dropsToAsk(filter) || holdsToAsk(filter));
  },
  watches,
});

/** What the driver holds; what other filters decide is told by net events beside it, without which it goes on. */
export function driverSource(bfe: Bfe, { timeoutSeconds, defaultVerdict, fail, coreNetworking }: DriverOptions): AskingSource {
  const driver = new DriverSource({
    identify: createIdentifier(),
    policy: {
      deadlineMs: timeoutSeconds * 1000 + GRACE_MS,
      onTimeout: defaultVerdict,
      onDetach: fail === 'open' ? 'permit' : 'block',
    },
  });
  const decisions = new NetEventSource({ ...watching(bfe, 'decisions'), holds: () => driver.attached });
  const source: ConnectionSource = {
    kind: driver.kind,
    failPolicy: driver.failPolicy,
    title: 'this machine',
    start: async listener => {
      await driver.start(listener);
      const told = (event: SourceEvent) => {
        if (event.type !== 'decided') return;
        listener({ ...event, attempt: { ...event.attempt, id: event.attempt.id + EVENT_IDS } });
      };
      await decisions
        .start(told)
        .catch((error: unknown) =>
          listener({ type: 'warning', message: `what other filters decide is not shown: ${(error as Error).message}` }),
        );
    },
    complete: (id, verdict) => driver.complete(id, verdict),
    stop: async () => {
      await Promise.allSettled([driver.stop(), decisions.stop()]);
    },
  };
  const asking: Asking = { layers, closures: true, outlives: fail === 'closed', coreNetworking };
  return { source: whileAsked(source, bfe, asking), asking };
}

/** Nothing is held: filters drop, and the drops are asked about. */
export function netEventSource(bfe: Bfe, { fail, coreNetworking }: AskingOptions): AskingSource {
  const asking: Asking = { layers, by: 'drop', outlives: fail === 'closed', coreNetworking };
  const source = new NetEventSource({ ...watching(bfe, 'questions'), failPolicy: fail });
  return { source: whileAsked(source, bfe, asking), asking };
}
