import { spawnSync } from 'node:child_process';
import { DriverSource } from '../../driver/windows/driver-source.ts';
import type { DriverPolicy } from '../../driver/windows/requests.ts';
import type { ConnectionAttempt, SourceEvent, Verdict } from '../../engine/model/attempt.ts';

/** A client of the driver that keeps what it was told; `answer` decides at once, undefined leaves it held. */
export class Client {
  readonly source: DriverSource;
  readonly events: SourceEvent[] = [];
  readonly held: ConnectionAttempt[] = [];
  answer: ((attempt: ConnectionAttempt) => Verdict | undefined) | undefined;

  constructor(policy: DriverPolicy) {
    this.source = new DriverSource({ policy, identify: event => ({ pid: event.processId ?? 0, parents: [] }) });
  }

  async start(): Promise<this> {
    await this.source.start(event => {
      this.events.push(event);
      if (event.type !== 'pended') return;
      this.held.push(event.attempt);
      const verdict = this.answer?.(event.attempt);
      if (verdict) this.source.complete(event.attempt.id, verdict);
    });
    return this;
  }

  count(type: SourceEvent['type']): number {
    return this.events.filter(event => event.type === type).length;
  }
}

/** Windows' service control. */
export const sc = (...args: string[]): number | null => spawnSync('sc.exe', args, { stdio: 'ignore' }).status;
