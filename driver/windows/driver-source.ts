import type {
  ConnectionAttempt,
  ConnectionSource,
  FailPolicy,
  Identity,
  NameEvidence,
  SourceEvent,
  Verdict,
} from '../../engine/model/attempt.ts';
import { SALLYPORT, sizeOf } from './contract.ts';
import { DriverDevice, DriverError, GONE, STATUS_CANCELLED } from './device.ts';
import { type AttemptEvent, type DriverEvent, decodeBatch } from './events.ts';
import {
  type DriverPolicy,
  decodeStatistics,
  decodeVerdictResults,
  encodePolicy,
  encodeVerdicts,
  verdictResultsSize,
} from './requests.ts';

/** What the source needs of the device. */
export type EventDevice = Pick<DriverDevice, 'attach' | 'control' | 'close'>;

export interface DriverSourceOptions {
  readonly policy?: DriverPolicy;
  /** Who asks, from what the driver knows; see identity.ts. Must not throw. */
  readonly identify: (event: AttemptEvent) => Identity;
  /** Inverted calls that wait in the driver at the same time. */
  readonly outstanding?: number;
  readonly devicePath?: string;
  /** Opens the device; default: DriverDevice at `devicePath`. Throws DriverError when there is none. */
  readonly open?: () => EventDevice;
  /** Milliseconds between attempts to find a driver that went away. */
  readonly retryMs?: number;
}

const BUFFER = 64 * 1024;

/**
 * Connections that the callout driver holds. What happens when this program dies is the driver's policy: by default what the asking filter
 * says for a missing callout. When the driver restarts everything that it held is over, and the source attaches again.
 */
export class DriverSource implements ConnectionSource {
  readonly kind = 'windows-driver';
  readonly title = 'driver: Sallyport callout driver';
  readonly failPolicy: FailPolicy;
  readonly #options: DriverSourceOptions;
  /** Held requests by our id, and our ids by the driver's. */
  readonly #requests = new Map<number, bigint>();
  readonly #ids = new Map<bigint, number>();
  #nextId = 1;
  #device: EventDevice | undefined;
  #delivered: Promise<void> = Promise.resolve();
  #listener: (event: SourceEvent) => void = () => {};
  #answers: { requestId: bigint; verdict: Verdict }[] = [];
  #flushing = false;
  #stopped = false;
  #retry: NodeJS.Timeout | undefined;
  #lost = 0n;

  constructor(options: DriverSourceOptions) {
    this.#options = options;
    this.failPolicy = options.policy?.onDetach === 'permit' ? 'open' : 'closed';
  }

  /** Attaches as the decider. @throws DriverError or Error, one sentence: no driver, no rights, another decider, another version */
  async start(listener: (event: SourceEvent) => void): Promise<void> {
    this.#listener = listener;
    await this.#attach();
  }

  async #attach(): Promise<void> {
    const device = this.#options.open?.() ?? DriverDevice.open('decider', this.#options.devicePath);
    try {
      await device.attach('decider');
      const policy = encodePolicy(this.#options.policy ?? {});
      await device.control('setting the policy', SALLYPORT.IOCTL_SET_POLICY, policy, 0);
    } catch (error) {
      await device.close();
      throw error;
    }
    this.#device = device;
    this.#lost = 0n;
    for (let count = this.#options.outstanding ?? 8; count > 0; count--) this.#next(device);
  }

  /**
   * One inverted call, made again as soon as it has brought events. The driver fills waiting calls in the order in which they were made,
   * so their results are delivered in that order too, whichever is seen first.
   */
  #next(device: EventDevice): void {
    const call = device.control('waiting for events', SALLYPORT.IOCTL_NEXT_EVENTS, new Uint8Array(0), BUFFER);
    call.then(
      () => {
        if (device === this.#device) this.#next(device);
      },
      () => undefined,
    );
    this.#delivered = this.#delivered
      .then(() => call)
      .then(
        bytes => {
          if (device === this.#device) this.#deliver(bytes);
        },
        (error: unknown) => this.#ended(device, error),
      );
  }

  #deliver(bytes: Uint8Array): void {
    try {
      const { events, lost } = decodeBatch(bytes);
      for (const event of events) this.#event(event);
      if (lost > this.#lost) {
        this.#listener({
          type: 'warning',
          message: `${lost - this.#lost} events were lost, the screen was too slow; nothing held was lost`,
        });
        this.#lost = lost;
      }
    } catch (error) {
      this.#listener({ type: 'failed', message: (error as Error).message });
      void this.stop();
    }
  }

  #event(event: DriverEvent): void {
    if (event.type === 'pended') {
      if (this.#ids.has(event.requestId)) return;
      const id = this.#nextId++;
      this.#requests.set(id, event.requestId);
      this.#ids.set(event.requestId, id);
      this.#listener({ type: 'pended', attempt: this.#attempt(id, event) });
    } else if (event.type === 'decided') {
      const attempt = this.#attempt(this.#nextId++, event);
      this.#listener({ type: 'decided', attempt: { ...attempt, verdict: event.verdict ?? 'block', filterId: event.filterId } });
    } else if (event.type === 'completed') {
      const id = this.#ids.get(event.requestId);
      if (id === undefined) return;
      this.#forget(id, event.requestId);
      if (event.reason === 'answered')
        this.#listener({ type: 'completed', id, result: event.verdict === 'permit' ? 'ok' : 'EACCES' });
      else {
        this.#listener({ type: 'withdrawn', id, reason: event.reason === 'withdrawn' ? 'exited' : 'interrupted' });
        if (event.reason !== 'withdrawn') {
          this.#listener({
            type: 'warning',
            message: `the driver completed a request itself (${event.reason}): ${event.verdict}`,
          });
        }
      }
    }
  }

  #attempt(id: number, event: AttemptEvent): ConnectionAttempt {
    const name: readonly NameEvidence[] = event.peerName ? [{ name: event.peerName, kind: 'event', at: event.at }] : [];
    return {
      id,
      layer: event.layer,
      family: event.family,
      protocol: event.protocol,
      ...(event.local && { local: event.local }),
      remote: event.remote,
      identity: this.#options.identify(event),
      names: name,
      at: event.at,
    };
  }

  #forget(id: number, requestId: bigint): void {
    this.#requests.delete(id);
    this.#ids.delete(requestId);
  }

  /** Queues the verdict; verdicts of the same turn go to the driver in one call. */
  complete(id: number, verdict: Verdict): boolean {
    const requestId = this.#requests.get(id);
    if (requestId === undefined || !this.#device) return false;
    // The driver's COMPLETED event still finds its id; a second answer finds no request.
    this.#requests.delete(id);
    this.#answers.push({ requestId, verdict });
    if (!this.#flushing) {
      this.#flushing = true;
      queueMicrotask(() => void this.#flush());
    }
    return true;
  }

  async #flush(): Promise<void> {
    while (this.#answers.length > 0 && this.#device) {
      const batch = this.#answers.splice(0, SALLYPORT.MAX_VERDICTS);
      try {
        const size = verdictResultsSize(batch.length);
        // A request that was no longer held has been told by its COMPLETED event.
        decodeVerdictResults(await this.#device.control('answering', SALLYPORT.IOCTL_COMPLETE, encodeVerdicts(batch), size));
      } catch (error) {
        if (!(error instanceof DriverError) || !(GONE.has(error.code) || error.code === STATUS_CANCELLED)) {
          this.#listener({ type: 'warning', message: (error as Error).message });
        }
      }
    }
    this.#flushing = false;
  }

  /** An inverted call came back with an error: the driver goes, or we do. */
  #ended(device: EventDevice, error: unknown): void {
    if (device !== this.#device || this.#stopped) return;
    this.#device = undefined;
    void device.close();
    for (const [requestId, id] of [...this.#ids]) {
      this.#forget(id, requestId);
      this.#listener({ type: 'withdrawn', id, reason: 'interrupted' });
    }
    this.#answers = [];
    const gone = error instanceof DriverError && (GONE.has(error.code) || error.code === STATUS_CANCELLED);
    this.#listener({
      type: 'warning',
      message: gone
        ? 'the driver was stopped; nothing is held until it runs again'
        : `the driver's events ended: ${(error as Error).message}`,
    });
    this.#reattach();
  }

  #reattach(): void {
    this.#retry = setTimeout(() => {
      this.#attach().then(
        () => this.#listener({ type: 'warning', message: 'the driver runs again; connections are held' }),
        (error: Error) => {
          if (this.#stopped) return;
          if (error instanceof DriverError) this.#reattach();
          else this.#listener({ type: 'failed', message: error.message });
        },
      );
    }, this.#options.retryMs ?? 1000);
  }

  /** Counters of the driver. */
  async statistics(): Promise<ReadonlyMap<string, bigint>> {
    if (!this.#device) throw new Error('the driver is not attached');
    const size = sizeOf('STATISTICS');
    return decodeStatistics(
      await this.#device.control('reading the statistics', SALLYPORT.IOCTL_GET_STATISTICS, new Uint8Array(0), size),
    );
  }

  /** Detaches; the driver completes what is still held by its policy. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    const device = this.#device;
    this.#device = undefined;
    await device?.close();
    this.#requests.clear();
    this.#ids.clear();
  }
}

/** A source over the callout driver of this machine. */
export const createDriverSource = (options: DriverSourceOptions): DriverSource => new DriverSource(options);
