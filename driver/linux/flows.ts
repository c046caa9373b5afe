import type { Verdict } from '../../engine/model/attempt.ts';

/** Life of an idle datagram flow, as of ALE flows in WFP. */
const IDLE_MS = 60_000;
const MAX_FLOWS = 4096;

/**
 * Verdicts of datagram flows: the first datagram of a socket to a remote is decided, later ones follow it until 60 s pass
 * without one or the filters change. Bounded: the flow that was idle longest goes first (it is asked again).
 */
export class FlowTable {
  readonly #flows = new Map<string, { verdict: Verdict; last: number }>();

  /** @param now milliseconds of a monotonic clock */
  get(key: string, now: number): Verdict | undefined {
    const flow = this.#flows.get(key);
    if (!flow) return undefined;
    if (now - flow.last > IDLE_MS) {
      this.#flows.delete(key);
      return undefined;
    }
    // A blocked program that keeps trying is asked about again after a minute all the same.
    if (flow.verdict === 'permit') this.set(key, 'permit', now);
    return flow.verdict;
  }

  set(key: string, verdict: Verdict, now: number): void {
    this.#flows.delete(key);
    this.#flows.set(key, { verdict, last: now });
    if (this.#flows.size > MAX_FLOWS) for (const oldest of this.#flows.keys()) return void this.#flows.delete(oldest);
  }

  clear(): void {
    this.#flows.clear();
  }
}
