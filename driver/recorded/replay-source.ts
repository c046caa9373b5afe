import type { ConnectionAttempt, ConnectionSource, SourceEvent, Verdict } from '../../engine/model/attempt.ts';
import { type Clock, systemClock } from './clock.ts';
import { shiftAttempt, shiftName } from './recording-format.ts';
import type { Step } from './step.ts';

export interface ReplayOptions {
  readonly clock?: Clock;
  /** Decides a replayed attempt by the rules as they stand now; absent: what the recording says, else it is asked. */
  readonly decide?: (attempt: ConnectionAttempt) => { readonly action: Verdict | 'ask'; readonly filterId?: bigint };
  /** 2 plays twice as fast; Infinity without pauses. Default 1. */
  readonly speed?: number;
  /** The longest pause between two events after `speed`, milliseconds; default 1500. */
  readonly maxGap?: number;
  /** When this many attempts wait, the replay pauses until one is answered; default 1000. */
  readonly maxWaiting?: number;
}

/** What a replay plays. */
export interface Steps {
  readonly steps: AsyncGenerator<Step, void, void>;
  /** What to tell about unreadable lines once all are read. */
  summary(): string | undefined;
  /** Lets go of the file, also when nothing was played. */
  close(): Promise<unknown>;
}

/** How far a record may lie before the newest seen and still count as out of order; further back, another recording begins. */
const DISORDER = 60_000;
/** Decided attempts whose outcome may still follow in the recording. */
const MAX_OUTCOMES = 4096;

/**
 * Plays the steps of a recording as a source: its attempts are held and wait for `complete` like real ones, and nothing is enforced.
 * Times are moved so that an attempt happens now and everything known of it keeps its age. Attempts get ids of their own.
 * `exited` is told when the recording is over and nothing waits any more.
 */
export class ReplaySource implements ConnectionSource {
  readonly kind = 'recorded';
  readonly failPolicy = 'none';
  readonly title: string;
  #steps: AsyncGenerator<Step, void, void>;
  #summary: () => string | undefined;
  #close: () => Promise<unknown>;
  #clock: Clock;
  #options: ReplayOptions;
  #listener: (event: SourceEvent) => void = () => {};
  #stopped = false;
  #nextId = 1;
  /** Attempts that wait, by our id, with the id in the recording. */
  #waiting = new Map<number, number>();
  /** Ids in the recording → what is known of the attempt. Bounded: the oldest answered are forgotten. */
  #known = new Map<number, { id: number; answer?: Verdict; recorded?: Verdict; result?: string }>();
  #wake: (() => void) | undefined;
  #newest: number | undefined;
  #playing: Promise<void> | undefined;

  constructor(title: string, recording: Steps, options: ReplayOptions) {
    this.title = title;
    this.#steps = recording.steps;
    this.#summary = recording.summary;
    this.#close = recording.close;
    this.#clock = options.clock ?? systemClock;
    this.#options = options;
  }

  async start(listener: (event: SourceEvent) => void): Promise<void> {
    if (this.#playing) throw new Error('a replay starts once');
    this.#listener = listener;
    this.#playing = this.#play();
  }

  complete(id: number, verdict: Verdict): boolean {
    const recordedId = this.#waiting.get(id);
    if (recordedId === undefined) return false;
    this.#waiting.delete(id);
    const known = this.#known.get(recordedId);
    if (known?.id === id) {
      known.answer = verdict;
      this.#outcome(known);
    }
    this.#wake?.();
    return true;
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#waiting.clear();
    this.#wake?.();
    await this.#playing;
    await this.#close();
  }

  async #play(): Promise<void> {
    let exit: Extract<SourceEvent, { type: 'exited' }> = { type: 'exited', code: null, signal: null };
    try {
      for await (const step of this.#steps) {
        await this.#pause(step.at);
        while (!this.#stopped && this.#waiting.size >= (this.#options.maxWaiting ?? 1000)) await this.#sleep();
        if (this.#stopped) return;
        if (step.type === 'told' && step.event.type === 'exited') {
          exit = step.event;
          break;
        }
        this.#apply(step);
      }
    } catch (error) {
      if (!this.#stopped) this.#listener({ type: 'failed', message: (error as Error).message });
      return;
    }
    const message = this.#summary();
    if (message) this.#listener({ type: 'warning', message });
    while (!this.#stopped && this.#waiting.size > 0) await this.#sleep();
    if (!this.#stopped) this.#listener(exit);
  }

  #apply(step: Step): void {
    switch (step.type) {
      case 'attempt':
        this.#attempt(step.attempt, step.verdict);
        return;
      case 'verdict': {
        const known = this.#known.get(step.id);
        if (known) known.recorded = step.verdict;
        return;
      }
      case 'told':
        this.#tell(step.event, step.at);
    }
  }

  #attempt(recorded: ConnectionAttempt, verdict: Verdict | undefined): void {
    const id = this.#nextId++;
    const attempt: ConnectionAttempt = { ...shiftAttempt(recorded, this.#clock.now() - recorded.at), id };
    const { action, filterId } = this.#options.decide?.(attempt) ?? { action: verdict ?? 'ask', filterId: undefined };
    // Windows events carry no id of their own; they are told apart by ours, below zero.
    const recordedId = recorded.id === 0 ? -id : recorded.id;
    this.#remember(recordedId, {
      id,
      ...(action !== 'ask' && { answer: action }),
      ...(verdict && { recorded: verdict }),
    });
    if (action === 'ask') {
      this.#waiting.set(id, recordedId);
      this.#listener({ type: 'pended', attempt });
    } else {
      this.#listener({ type: 'decided', attempt: { ...attempt, verdict: action, ...(filterId !== undefined && { filterId }) } });
    }
  }

  #tell(event: Exclude<Step, { type: 'attempt' | 'verdict' }>['event'], at: number): void {
    switch (event.type) {
      case 'withdrawn': {
        const known = this.#known.get(event.id);
        if (!known || !this.#waiting.delete(known.id)) return;
        this.#known.delete(event.id);
        this.#listener({ ...event, id: known.id });
        return;
      }
      case 'completed': {
        const known = this.#known.get(event.id);
        if (!known) return;
        known.result = event.result;
        this.#outcome(known);
        return;
      }
      case 'named':
        this.#listener({ ...event, evidence: shiftName(event.evidence, this.#clock.now() - at) });
        return;
      default:
        this.#listener(event);
    }
  }

  /** Tells the recorded outcome once it is known and the answer is the one that led to it; another answer has no recorded outcome. */
  #outcome(known: { id: number; answer?: Verdict; recorded?: Verdict; result?: string }): void {
    const { id, answer, recorded, result } = known;
    if (answer === undefined || result === undefined) return;
    const then = recorded ?? (result === 'EACCES' ? 'block' : 'permit');
    if (answer === then) this.#listener({ type: 'completed', id, result });
  }

  #remember(recordedId: number, known: { id: number; answer?: Verdict; recorded?: Verdict }): void {
    this.#known.delete(recordedId);
    this.#known.set(recordedId, known);
    if (this.#known.size <= MAX_OUTCOMES + this.#waiting.size) return;
    for (const [key, { id }] of this.#known) {
      if (this.#waiting.has(id)) continue;
      this.#known.delete(key);
      return;
    }
  }

  /** Waits as long as the recording did between two events, compressed. Slightly older records follow at once. */
  async #pause(at: number): Promise<void> {
    const before = this.#newest ?? at;
    this.#newest = before - at > DISORDER ? at : Math.max(before, at);
    const gap = Math.min(Math.max(0, at - before) / (this.#options.speed ?? 1), this.#options.maxGap ?? 1500);
    if (gap >= 1 && !this.#stopped) {
      let over = false;
      const timer = this.#clock.setTimeout(() => {
        over = true;
        this.#wake?.();
      }, gap);
      while (!this.#stopped && !over) await this.#sleep();
      this.#clock.clearTimeout(timer);
    }
  }

  /** Until the timer, an answer or the end. */
  #sleep(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
