import { type MessagePort, parentPort } from 'node:worker_threads';
import type { ConnectionAttempt, SourceEvent, Verdict } from '../../engine/model/attempt.ts';
import type { Guid } from '../../engine/model/guid.ts';
import * as libc from './libc.ts';
import type { FromSupervisor, ToSupervisor } from './messages.ts';
import { Supervision } from './supervision.ts';

/** What the decision path answers for one attempt. `ask`: hold it and tell the main thread. */
export interface Decision {
  readonly action: Verdict | 'ask';
  readonly filterId?: bigint;
  readonly filterKey?: Guid;
}

export interface SupervisorOptions {
  /** Called for every attempt on the supervisor's thread; must not block. When it throws, the attempt is blocked. */
  readonly decide: (attempt: ConnectionAttempt) => Decision;
  /** Applies what `publish` of the source sent: afterwards `decide` must use it. */
  readonly onPublish?: (message: unknown) => void | Promise<void>;
}

const PR_SET_DUMPABLE = 4;

/**
 * The body of the supervisor's thread: a worker's entry calls it once and then leaves the thread to it. It owns the listener,
 * answers trapped calls and speaks with `createRunSource` over the worker's port.
 */
export function runSupervisor(options: SupervisorOptions): void {
  if (!parentPort) throw new Error('runSupervisor runs inside a worker thread');
  const port: MessagePort = parentPort;
  const post = (message: FromSupervisor) => port.postMessage(message);
  let waiting: SourceEvent[] = [];
  const flush = () => {
    const events = waiting;
    waiting = [];
    if (events.length > 0) post({ type: 'events', events });
  };
  // Together at the end of the loop's turn: callers are answered first.
  const emit = (event: SourceEvent) => {
    if (waiting.push(event) === 1) setImmediate(flush);
  };
  let supervision: Supervision | undefined;

  const attach = (message: Extract<ToSupervisor, { type: 'attach' }>) => {
    try {
      // Nobody of the same user may read the guard's memory or take its descriptors, its command least of all.
      libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
      supervision = new Supervision(message, options.decide, emit, () => {
        flush();
        post({ type: 'drained' });
      });
      post({ type: 'attached', listener: supervision.listenerFd });
    } catch (error) {
      post({ type: 'refused', message: error instanceof Error ? error.message : String(error) });
    }
  };

  const publish = async (sequence: number, message: unknown) => {
    try {
      await options.onPublish?.(message);
      supervision?.filtersChanged();
      flush();
      post({ type: 'published', sequence });
    } catch (error) {
      post({ type: 'published', sequence, error: error instanceof Error ? error.message : String(error) });
    }
  };

  // Node would tear the thread down around its native watches, which aborts the whole process when one of them is just due: the
  // watches are closed here, what is held is blocked, and the thread ends by itself. Without a listener later connections fail.
  process.on('uncaughtException', error => {
    let released = true;
    try {
      supervision?.stop();
    } catch {
      released = false;
    }
    flush();
    post({ type: 'crashed', message: error.message, released });
    port.close();
  });

  port.on('message', (message: ToSupervisor) => {
    switch (message.type) {
      case 'attach':
        return attach(message);
      case 'complete':
        return supervision?.complete(message.id, message.verdict);
      case 'publish':
        return void publish(message.sequence, message.message);
      case 'flush':
        flush();
        return post({ type: 'flushed' });
      case 'stop': {
        const callers = supervision?.stop() ?? [];
        flush();
        post({ type: 'stopped', callers });
        port.close();
      }
    }
  });
}
