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
  /** Milliseconds after which a call that failed is made again for the first time. */
  readonly againMs?: number;
}

const BUFFER = 64 * 1024;
/** A call that fails while the driver lives is made again so often, after 50 ms, then twice as long each time: 6 s in all. */
const MOST_TRIES = 7;
const FIRST_WAIT_MS = 50;
/** Sharing violation, of the opening (Win32) and of the attaching (NTSTATUS): somebody else is the decider. */
const TAKEN: ReadonlySet<number> = new Set([32, 0xc0000043]);

/**
 * Connections that the callout driver holds. What happens when this program dies is the driver's policy: by default what the asking filter
 * says for a missing callout. When the driver restarts everything that it held is over, and the source attaches again, unless another
 * decider was faster: then it has failed.
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
  /** The device that is being attached, so that `stop` can end that too. */
  #attaching: EventDevice | undefined;
  #delivered: Promise<void> = Promise.resolve();
  #listener: (event: SourceEvent) => void = () => {};
  #answers: { requestId: bigint; verdict: Verdict }[] = [];
  #flushing: Promise<void> | undefined;
  /** Whether it was told that calls of this device had to be made again. */
  #strained = false;
  #stopped = false;
  #retry: NodeJS.Timeout | undefined;
  #lost = 0n;

  constructor(options: DriverSourceOptions) {
    this.#options = options;
    this.failPolicy = options.policy?.onDetach === 'permit' ? 'open' : 'closed';
  }

  /** True while this source is the decider: what no rule decides is held. False before `start`, after `stop`, while the driver is away. */
  get attached(): boolean {
    return this.#device !== undefined;
  }

  /**
   * Attaches as the decider. Resolves without being attached when `stop` came meanwhile.
   * @throws DriverError or Error, one sentence: no driver, no rights, another decider, another version
   */
  async start(listener: (event: SourceEvent) => void): Promise<void> {
    this.#listener = listener;
    await this.#attach();
  }

  /** False when the source was stopped before it was attached; nothing is open then. */
  async #attach(): Promise<boolean> {
    if (this.#stopped) return false;
    const device = this.#options.open?.() ?? DriverDevice.open('decider', this.#options.devicePath);
    this.#attaching = device;
    try {
      await device.attach('decider');
      const policy = encodePolicy(this.#options.policy ?? {});
      if (!this.#stopped) await device.control('setting the policy', SALLYPORT.IOCTL_SET_POLICY, policy, 0);
    } catch (error) {
      await device.close();
      // Stopping cancels the calls; that is no failure.
      if (this.#stopped) return false;
      throw error;
    } finally {
      this.#attaching = undefined;
    }
    if (this.#stopped) {
      await device.close();
      return false;
    }
    this.#device = device;
    this.#lost = 0n;
    this.#strained = false;
    for (let count = this.#options.outstanding ?? 8; count > 0; count--) this.#next(device);
    return true;
  }

  /**
   * One inverted call, made again as soon as it has brought events. The driver fills waiting calls in the order in which they were made,
   * so their results are delivered in that order too, whichever is seen first. One that fails while the driver lives costs nothing of
   * what is held: the others go on, and it is made again.
   */
  #next(device: EventDevice, tries = 0): void {
    const call = device.control('waiting for events', SALLYPORT.IOCTL_NEXT_EVENTS, new Uint8Array(0), BUFFER);
    let again = false;
    call.then(
      () => {
        if (device === this.#device) this.#next(device);
      },
      (error: unknown) => {
        again = device === this.#device && !isGone(error) && tries < MOST_TRIES;
        if (!again) return;
        this.#tellStrain(error);
        setTimeout(() => {
          if (device === this.#device) this.#next(device, tries + 1);
        }, this.#waitMs(tries)).unref();
      },
    );
    this.#delivered = this.#delivered
      .then(() => call)
      .then(
        bytes => {
          if (device === this.#device) this.#deliver(bytes);
        },
        (error: unknown) => {
          if (!again) this.#ended(device, error);
        },
      );
  }

  #waitMs(tries: number): number {
    return (this.#options.againMs ?? FIRST_WAIT_MS) * 2 ** tries;
  }

  #tellStrain(error: unknown): void {
    if (this.#strained) return;
    this.#strained = true;
    this.#listener({
      type: 'warning',
      message: `${(error as Error).message}; what is held stays held, and the call is made again`,
    });
  }

  #deliver(bytes: Uint8Array): void {
    try {
      const { events, lost } = decodeBatch(bytes);
      for (const event of events) this.#event(event);
      if (lost > this.#lost) {
        this.#listener({
          type: 'warning',
          message: `${lost - this.#lost} events were lost, the screen was too slow; no request was lost, but what waits may be over already`,
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
    if (requestId === undefined || !this.#device || this.#stopped) return false;
    // The driver's COMPLETED event still finds its id; a second answer finds no request.
    this.#requests.delete(id);
    this.#answers.push({ requestId, verdict });
    this.#flushing ??= Promise.resolve()
      .then(() => this.#flush())
      .finally(() => {
        this.#flushing = undefined;
      });
    return true;
  }

  async #flush(): Promise<void> {
    const device = this.#device;
    while (this.#answers.length > 0 && device && device === this.#device) {
      const batch = this.#answers.splice(0, SALLYPORT.MAX_VERDICTS);
      await this.#answer(device, batch);
    }
  }

  /**
   * Gives a batch of verdicts to the driver. Each verdict is taken once by the driver, so a batch of which nobody knows whether it arrived is
   * given again. One that is not taken in the end is told: the driver ends those requests by its policy.
   */
  async #answer(device: EventDevice, batch: readonly { requestId: bigint; verdict: Verdict }[]): Promise<void> {
    const size = verdictResultsSize(batch.length);
    for (let tries = 0; ; tries++) {
      try {
        const answered = await device.control('answering', SALLYPORT.IOCTL_COMPLETE, encodeVerdicts(batch), size);
        for (const requestId of decodeVerdictResults(answered)) this.#over(requestId);
        return;
      } catch (error) {
        if (device !== this.#device || isGone(error)) return;
        if (tries >= MOST_TRIES || this.#stopped) {
          const what = batch.length === 1 ? 'an answer' : `${batch.length} answers`;
          const message = `${(error as Error).message}; the driver did not take ${what} and ends those requests by its policy`;
          this.#listener({ type: 'warning', message });
          for (const { requestId } of batch) this.#over(requestId);
          return;
        }
        this.#tellStrain(error);
        await new Promise<void>(resolve => setTimeout(resolve, this.#waitMs(tries)));
        if (device !== this.#device) return;
      }
    }
  }

  /** An answer came too late. Its COMPLETED event has told so, unless it was lost or is still under way. */
  #over(requestId: bigint): void {
    const id = this.#ids.get(requestId);
    if (id === undefined) return;
    this.#forget(id, requestId);
    this.#listener({ type: 'withdrawn', id, reason: 'interrupted' });
  }

  /** An inverted call came back with an error: the driver goes, or we do. */
  #ended(device: EventDevice, error: unknown): void {
    if (device !== this.#device || this.#stopped) return;
    this.#device = undefined;
    for (const [requestId, id] of [...this.#ids]) {
      this.#forget(id, requestId);
      this.#listener({ type: 'withdrawn', id, reason: 'interrupted' });
    }
    this.#answers = [];
    const why = isGone(error) ? 'the driver was stopped' : `the driver's events ended (${(error as Error).message})`;
    this.#listener({ type: 'warning', message: `${why}; nothing is held until it runs again: ${this.#meanwhile()}` });
    // While our own handle is open the driver still has a decider.
    const reattach = () => this.#reattach();
    device.close().then(reattach, reattach);
  }

  /** What becomes of connections while nobody is attached: the asking filters' callout is missing, or has no decider. */
  #meanwhile(): string {
    return this.failPolicy === 'open' ? 'connections that no rule decides pass' : 'connections that no rule permits fail';
  }

  #reattach(): void {
    if (this.#stopped) return;
    this.#retry = setTimeout(() => {
      this.#attach().then(
        attached => {
          if (attached) this.#listener({ type: 'warning', message: 'the driver runs again; connections are held' });
        },
        (error: Error) => {
          if (this.#stopped) return;
          if (error instanceof DriverError && TAKEN.has(error.code))
            this.#listener({
              type: 'failed',
              message: 'another Sallyport has taken the driver meanwhile; this one holds nothing any more',
            });
          else if (error instanceof DriverError) this.#reattach();
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

  /**
   * Gives the answers that are under way to the driver and detaches; the driver completes what is still held by its policy. Ends an attaching
   * that is under way as well.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    await this.#flushing;
    const device = this.#device ?? this.#attaching;
    this.#device = undefined;
    await device?.close();
    this.#requests.clear();
    this.#ids.clear();
  }
}

/** The driver or our handle is gone: nothing is held for us any more. */
const isGone = (error: unknown): boolean =>
  error instanceof DriverError && (GONE.has(error.code) || error.code === STATUS_CANCELLED);

/** A source over the callout driver of this machine. */
export const createDriverSource = (options: DriverSourceOptions): DriverSource => new DriverSource(options);
