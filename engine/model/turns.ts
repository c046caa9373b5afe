import { AsyncLocalStorage } from 'node:async_hooks';

/** Lets pieces of work run one after the other, in the order in which they were asked for. */
export class Turns {
  /** What a piece of work started may go on after it: by then it is inside no longer. */
  readonly #inside = new AsyncLocalStorage<{ running: boolean }>();
  #last: Promise<unknown> | undefined;

  /** Whether the caller runs inside a piece of work of this object: waiting for a turn there would wait for itself. */
  get mine(): boolean {
    return this.#inside.getStore()?.running === true;
  }

  /** Part of the piece of work that the caller is inside of, else a turn of its own. */
  join<T>(work: () => Promise<T>): Promise<T> {
    return this.mine ? work() : this.run(work);
  }

  /** Begins at once when nothing runs or waits. What an earlier piece threw concerns only who asked for that one. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const state = { running: true };
    const turn = () => this.#inside.run(state, work);
    const result = (this.#last ? this.#last.then(turn) : turn()).finally(() => {
      state.running = false;
    });
    const done: Promise<unknown> = result
      .catch(() => undefined)
      .then(() => {
        if (this.#last === done) this.#last = undefined;
      });
    this.#last = done;
    return result;
  }
}
