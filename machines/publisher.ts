import type { GuardSnapshot } from './guard-client.ts';
import { Listeners } from './guard-events.ts';
import type { GuardHost } from './guard-host.ts';

/** Shortest time between two snapshots, milliseconds: 20 a second. */
export const SNAPSHOT_MS = 50;

type Part = Exclude<keyof GuardSnapshot, 'revision'>;
type Makers = { readonly [P in Part]: () => GuardSnapshot[P] };

/**
 * Turns many changes into few snapshots. The first change after a quiet time is told at once (at the end of the running task, so a burst is
 * one snapshot), later ones when the shortest time has passed; nothing is told while nothing changes. Only the parts that were touched are
 * made anew, the others keep their identity.
 */
export class Publisher {
  readonly #clock: GuardHost['clock'];
  readonly #makers: Makers;
  readonly #listeners = new Listeners<GuardSnapshot>();
  readonly #touched = new Set<Part>();
  #current: GuardSnapshot;
  #lastAt = Number.NEGATIVE_INFINITY;
  #waiting = false;
  #timer: unknown;

  constructor(clock: GuardHost['clock'], makers: Makers) {
    this.#clock = clock;
    this.#makers = makers;
    const parts = Object.entries(makers).map(([part, make]) => [part, make()]);
    this.#current = { revision: 0, ...(Object.fromEntries(parts) as Omit<GuardSnapshot, 'revision'>) };
  }

  /** The state now, with every change. */
  snapshot(): GuardSnapshot {
    if (this.#touched.size === 0) return this.#current;
    const parts = Array.from(this.#touched, part => [part, this.#makers[part]()]);
    this.#touched.clear();
    this.#current = { ...this.#current, ...Object.fromEntries(parts), revision: this.#current.revision + 1 };
    return this.#current;
  }

  subscribe(listener: (snapshot: GuardSnapshot) => void): () => void {
    const end = this.#listeners.add(listener);
    listener(this.snapshot());
    return end;
  }

  touch(...parts: readonly Part[]): void {
    for (const part of parts) this.#touched.add(part);
    if (this.#waiting || this.#listeners.size === 0) return;
    this.#waiting = true;
    const wait = this.#lastAt + SNAPSHOT_MS - this.#clock.now();
    if (wait <= 0) queueMicrotask(() => this.#tell());
    else this.#timer = this.#clock.setTimeout(() => this.#tell(), Math.min(wait, SNAPSHOT_MS));
  }

  /** Tells what is left, now. For the end. */
  flush(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    if (this.#waiting) this.#tell();
  }

  #tell(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#timer = undefined;
    this.#lastAt = this.#clock.now();
    this.#listeners.tell(this.snapshot());
  }
}
