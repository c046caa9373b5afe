interface Waiter {
  readonly readOnly: boolean;
  readonly grant: () => void;
}

/**
 * The lock of the engine: one writer, or any number of readers. First come, first served, so a writer is not starved.
 */
export class TransactionLock {
  #readers = 0;
  #writing = false;
  #queue: Waiter[] = [];

  /** Resolves to true once the lock is held, to false when `timeoutMSec` has passed first (Infinity waits for ever). */
  async acquire(readOnly: boolean, timeoutMSec: number): Promise<boolean> {
    if (this.#queue.length === 0 && this.#free(readOnly)) {
      this.#take(readOnly);
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter: Waiter = { readOnly, grant: () => resolve(true) };
    this.#queue.push(waiter);
    const timer =
      timeoutMSec > 0x7fffffff
        ? undefined
        : setTimeout(() => {
            this.#queue = this.#queue.filter(other => other !== waiter);
            resolve(false);
            this.#serve();
          }, timeoutMSec);
    const held = await promise;
    clearTimeout(timer);
    return held;
  }

  /** Readers that hold it now. */
  get readers(): number {
    return this.#readers;
  }

  release(readOnly: boolean): void {
    if (readOnly) this.#readers--;
    else this.#writing = false;
    this.#serve();
  }

  #free(readOnly: boolean): boolean {
    return !this.#writing && (readOnly || this.#readers === 0);
  }

  #take(readOnly: boolean): void {
    if (readOnly) this.#readers++;
    else this.#writing = true;
  }

  #serve(): void {
    for (let next = this.#queue[0]; next !== undefined && this.#free(next.readOnly); next = this.#queue[0]) {
      this.#queue.shift();
      this.#take(next.readOnly);
      next.grant();
    }
  }
}
