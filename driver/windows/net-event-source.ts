import type {
  AttemptLayer,
  ConnectionAttempt,
  ConnectionSource,
  Endpoint,
  FailPolicy,
  Identity,
  SourceEvent,
  Verdict,
} from '../../engine/model/attempt.ts';

/** One net event, as engine/windows tells it (NetEvent there has these members). */
export interface TrafficEvent {
  readonly type: 'classify-drop' | 'classify-allow' | 'other';
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly family?: 'v4' | 'v6';
  readonly protocol?: number;
  readonly local?: Endpoint;
  readonly remote?: Endpoint;
  /** `\device\harddiskvolume3\…` */
  readonly appId?: string;
  readonly userSid?: string;
  readonly filterId?: bigint;
  readonly layerId?: number;
  readonly direction?: 'in' | 'out';
  readonly loopback?: boolean;
}

export interface NetEventSourceOptions {
  /** Subscribes to drops and permits (WindowsFilterEngine.netEvents with `allowed`); resolves with what ends it. */
  readonly subscribe: (listener: (event: TrafficEvent) => void) => Promise<() => Promise<void>>;
  /** Whether a filter is one of those that block until somebody was asked. Drops by other filters were decided and are shown so. */
  readonly isAsking: (filterId: bigint) => boolean;
  readonly identify?: (event: TrafficEvent) => Identity;
  /**
   * `questions`: drops by asking filters are asked about, of permits only retries of what was answered are told. `decisions`: nothing is
   * asked, for somebody else holds; every connection that another filter decided is told. Default `questions`.
   */
  readonly watches?: 'questions' | 'decisions';
  /**
   * For `decisions`: whether the other source holds at this moment. While it answers false (the driver is away) what asking filters drop, or
   * let pass because their callout is missing, was decided like that and is told so. Default: it always holds.
   */
  readonly holds?: () => boolean;
  /** What becomes of the blocking filters when this program dies: `closed` when they stay. Default `open`. */
  readonly failPolicy?: FailPolicy;
  /** Milliseconds since the epoch, by the clock that stamps events. Default Date.now. */
  readonly now?: () => number;
}

/** Outgoing attempts that wait for an answer; further ones are not asked about. */
const MOST_WAITING = 1000;
/** Incoming ones, counted apart: anybody in the world can make as many as he likes. The oldest makes room for the newest. */
const MOST_INBOUND = 200;
/** Answered connections whose retry is recognised. */
const MOST_ANSWERED = 1000;

/** FWPS_LAYER_ALE_AUTH_*_V4 and _V6. At other layers the same packet is seen once more, or something that is no connection. */
const LAYERS: { readonly [id: number]: AttemptLayer } = {
  44: 'ALE_AUTH_RECV_ACCEPT',
  46: 'ALE_AUTH_RECV_ACCEPT',
  48: 'ALE_AUTH_CONNECT',
  50: 'ALE_AUTH_CONNECT',
};

/**
 * Without a driver nothing can be held: the asking filters block, the drop is told afterwards, and the answer is for the next time. Every
 * `pended` of this source is a question about a connection that has failed already; completing it changes nothing on the wire.
 */
export class NetEventSource implements ConnectionSource {
  readonly kind = 'net-events';
  readonly title = 'this machine, without a driver';
  readonly failPolicy: FailPolicy;
  readonly #options: NetEventSourceOptions;
  /** The same program to the same place is one question until it is answered. */
  readonly #waiting = new Map<string, number>();
  readonly #keys = new Map<number, string>();
  /** Ids of the incoming ones among them, oldest first. */
  readonly #inbound = new Set<number>();
  readonly #answered = new Map<string, { readonly verdict: Verdict; readonly at: number }>();
  #listener: (event: SourceEvent) => void = () => {};
  #end: (() => Promise<void>) | undefined;
  #nextId = 1;
  #overflowed = false;
  #inboundOverflowed = false;
  #stopped = false;

  constructor(options: NetEventSourceOptions) {
    this.#options = options;
    this.failPolicy = options.failPolicy ?? 'open';
  }

  /** Resolves without a subscription when `stop` came meanwhile. */
  async start(listener: (event: SourceEvent) => void): Promise<void> {
    if (this.#stopped) return;
    this.#listener = listener;
    const end = await this.#options.subscribe(event => this.#event(event));
    if (this.#stopped) await end();
    else this.#end = end;
  }

  #event(event: TrafficEvent): void {
    const { filterId } = event;
    if (this.#stopped || event.type === 'other' || filterId === undefined || !event.family || event.loopback) return;
    const decisions = this.#options.watches === 'decisions';
    const asking = this.#options.isAsking(filterId);
    if (decisions && asking && (this.#options.holds?.() ?? true)) return;
    const attempt = this.#attempt(event);
    if (!attempt) return;
    const key = keyOf(event, attempt.layer);
    if (event.type === 'classify-drop' && asking && !decisions) this.#ask(key, attempt);
    else if (event.type === 'classify-drop')
      this.#listener({ type: 'decided', attempt: { ...attempt, verdict: 'block', filterId } });
    else if (decisions || this.#answered.get(key)?.verdict === 'permit') {
      this.#listener({ type: 'decided', attempt: { ...attempt, verdict: 'permit', filterId } });
    }
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #ask(key: string, attempt: ConnectionAttempt): void {
    const answered = this.#answered.get(key);
    // An answer from the future: the clock was set back, and its time says nothing about this drop.
    if (answered && this.#now() < answered.at) this.#answered.delete(key);
    // A drop that was under way while the answer became a filter is no new question; a later one is: no filter covers it.
    else if (answered && attempt.at <= answered.at) return;
    if (this.#waiting.has(key)) return;
    const inbound = attempt.layer === 'ALE_AUTH_RECV_ACCEPT';
    if (!(inbound ? this.#roomInbound() : this.#room())) return;
    this.#waiting.set(key, attempt.id);
    this.#keys.set(attempt.id, key);
    if (inbound) this.#inbound.add(attempt.id);
    this.#listener({ type: 'pended', attempt });
  }

  #room(): boolean {
    const full = this.#waiting.size - this.#inbound.size >= MOST_WAITING;
    if (full && !this.#overflowed)
      this.#listener({
        type: 'warning',
        message: `more than ${MOST_WAITING} dropped connections are to be answered; further ones are not asked about`,
      });
    this.#overflowed = full;
    return !full;
  }

  #roomInbound(): boolean {
    const full = this.#inbound.size >= MOST_INBOUND;
    if (full && !this.#inboundOverflowed)
      this.#listener({
        type: 'warning',
        message: `more than ${MOST_INBOUND} incoming connections are to be answered; the oldest are no longer asked about`,
      });
    this.#inboundOverflowed = full;
    if (full) {
      const oldest = this.#inbound.values().next().value as number;
      this.#take(oldest);
      this.#listener({ type: 'withdrawn', id: oldest, reason: 'exited' });
    }
    return true;
  }

  /** Takes a question away; gives its key. */
  #take(id: number): string | undefined {
    const key = this.#keys.get(id);
    if (key === undefined) return undefined;
    this.#keys.delete(id);
    this.#inbound.delete(id);
    this.#waiting.delete(key);
    return key;
  }

  #attempt(event: TrafficEvent): ConnectionAttempt | undefined {
    const layer = event.layerId === undefined ? byDirection(event.direction) : LAYERS[event.layerId];
    if (!layer || !event.family) return undefined;
    return {
      id: this.#nextId++,
      layer,
      family: event.family,
      protocol: event.protocol ?? 0,
      ...(event.local && { local: event.local }),
      ...(event.remote && { remote: event.remote }),
      identity: this.#options.identify?.(event) ?? identityOf(event),
      names: [],
      at: event.at,
    };
  }

  /** Remembers the answer, so that the retry is recognised. The connection that was asked about is over: its result is told at once. */
  complete(id: number, verdict: Verdict): boolean {
    const key = this.#take(id);
    if (key === undefined) return false;
    if (this.#answered.size >= MOST_ANSWERED) this.#answered.delete(this.#answered.keys().next().value as string);
    this.#answered.set(key, { verdict, at: this.#now() });
    queueMicrotask(() => this.#listener({ type: 'completed', id, result: 'EACCES' }));
    return true;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const end = this.#end;
    this.#end = undefined;
    this.#waiting.clear();
    this.#keys.clear();
    this.#inbound.clear();
    await end?.();
  }
}

const byDirection = (direction: 'in' | 'out' | undefined): AttemptLayer | undefined =>
  direction === 'out' ? 'ALE_AUTH_CONNECT' : direction === 'in' ? 'ALE_AUTH_RECV_ACCEPT' : undefined;

/** A retry has another local port; program, user and remote side are the same. */
function keyOf(event: TrafficEvent, layer: AttemptLayer): string {
  const there =
    layer === 'ALE_AUTH_RECV_ACCEPT'
      ? `in ${event.local?.port ?? ''} ${event.remote?.address ?? ''}`
      : `${event.remote?.address ?? ''} ${event.remote?.port ?? ''}`;
  return [event.appId ?? '', event.userSid ?? '', event.protocol ?? '', there].join(' ');
}

/** Net events carry no process number. */
const identityOf = (event: TrafficEvent): Identity => ({
  pid: 0,
  ...(event.appId !== undefined && { path: event.appId }),
  ...(event.userSid !== undefined && { sid: event.userSid }),
  parents: [],
});

export const createNetEventSource = (options: NetEventSourceOptions): NetEventSource => new NetEventSource(options);
