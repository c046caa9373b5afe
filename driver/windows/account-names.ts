/** How long a look-up that failed is not made again, milliseconds: the domain controller may be reachable by then. */
const RETRY_MS = 60_000;
const MOST_ACCOUNTS = 1000;

/** Asks for the account of one SID; undefined: there is none, or nobody could be asked. Never on the main thread. */
export type AccountLookup = (sid: Uint8Array) => Promise<string | undefined>;

/**
 * Names of accounts by SID. A look-up may ask a domain controller over the very network that is being held, so nobody waits for one: the
 * name is not known until it has come. One look-up runs at a time, because each takes a thread of the few that all native calls share.
 */
export class AccountNames {
  readonly #lookup: AccountLookup;
  readonly #now: () => number;
  /** `name` absent: pending, or failed at `at`. */
  readonly #known = new Map<string, { readonly name?: string; readonly at: number }>();
  readonly #queue: { readonly sid: Uint8Array; readonly text: string }[] = [];
  #running = false;

  /** @param now milliseconds of a clock, default Date.now */
  constructor(lookup: AccountLookup, now: () => number = Date.now) {
    this.#lookup = lookup;
    this.#now = now;
  }

  /** `DOMAIN\name` of a SID (its bytes and its text) as far as it is known by now; otherwise it is looked up for the next time. */
  of(sid: Uint8Array, text: string): string | undefined {
    const known = this.#known.get(text);
    if (known?.name !== undefined) return known.name;
    const failedLongAgo = known !== undefined && known.at + RETRY_MS <= this.#now();
    if (known !== undefined && !failedLongAgo) return undefined;
    if (this.#known.size >= MOST_ACCOUNTS) this.#known.clear();
    // Pending: no time will be late enough to ask twice.
    this.#known.set(text, { at: Number.POSITIVE_INFINITY });
    if (this.#queue.length < MOST_ACCOUNTS) this.#queue.push({ sid: sid.slice(), text });
    if (!this.#running) void this.#work();
    return undefined;
  }

  async #work(): Promise<void> {
    this.#running = true;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      const name = await this.#lookup(next.sid).catch(() => undefined);
      this.#known.set(next.text, { at: this.#now(), ...(name !== undefined && { name }) });
    }
    this.#running = false;
  }
}
