import { AsyncLocalStorage } from 'node:async_hooks';

/** Lets pieces of work run one after the other, in the order in which they were asked for. */
export class Turns {
  readonly #inside = new AsyncLocalStorage<true>();
  #last: Promise<unknown> | undefined;

  /** Whether the caller runs inside a piece of work of this object: waiting for a turn there would wait for itself. */
  get mine(): boolean {
    return this.#inside.getStore() === true;
  }

  /** Begins at once when nothing runs or waits. What an earlier piece threw concerns only who asked for that one. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = () => this.#inside.run(true, work);
    const result = this.#last ? this.#last.then(turn) : turn();
    const done: Promise<unknown> = result
      .catch(() => undefined)
      .then(() => {
        if (this.#last === done) this.#last = undefined;
      });
    this.#last = done;
    return result;
  }
}
