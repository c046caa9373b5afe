import type { Rule } from '../engine/rules/rule.ts';
import type { GuardHost } from './guard-host.ts';
import { nextExpiry, type RuleBook } from './rule-book.ts';

/** How often processes are looked after while rules live as long as they do, milliseconds. */
const PROCESS_SWEEP_MS = 2000;
const SWEEP_RETRY_MS = 5000;
/** How long changes by others are gathered before the rules are read anew. */
const GATHER_MS = 20;

export interface RuleCareListener {
  /** Look again after this time; undefined: nothing can expire. */
  sweepIn(ms: number | undefined): void;
  warning(text: string): void;
  error(text: string): void;
  /** Others changed objects of the engine. */
  engineChanged(): void;
  /** Others changed rules, and the source's decision path knows. */
  rulesChanged(): void;
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Keeps the rule book true: rules whose time is over go, rules that other sessions change are taken over. */
export class RuleCare {
  readonly #host: GuardHost;
  readonly #book: RuleBook;
  readonly #listener: RuleCareListener;
  #gathering = false;

  constructor(host: GuardHost, book: RuleBook, listener: RuleCareListener) {
    this.#host = host;
    this.#book = book;
    this.#listener = listener;
  }

  /** Reads the rules and removes those that ended while nobody looked. Throws what the engine throws. */
  async begin(): Promise<void> {
    for (const problem of (await this.#book.load()).problems) this.#listener.warning(problem);
    await this.#book.expire(rule => this.#isOver(rule));
  }

  /** Removes rules whose time is over and says when to look again. */
  async sweep(): Promise<void> {
    try {
      await this.#book.expire(rule => this.#isOver(rule));
      this.plan();
    } catch (error) {
      this.#listener.error(`Rules whose time is over could not be removed: ${messageOf(error)}`);
      this.#listener.sweepIn(SWEEP_RETRY_MS);
    }
  }

  plan(): void {
    const rules = this.#book.list();
    const expiry = nextExpiry(rules);
    const waits = [
      ...(rules.some(rule => rule.lifetime.kind === 'process') ? [PROCESS_SWEEP_MS] : []),
      ...(expiry === undefined ? [] : [Math.max(0, expiry - this.#host.clock.now())]),
    ];
    this.#listener.sweepIn(waits.length === 0 ? undefined : Math.min(...waits));
  }

  /** For the engine's change notifications: many of them make one reading. */
  readonly onEngineChange = (): void => {
    if (this.#gathering) return;
    this.#gathering = true;
    this.#host.clock.setTimeout(() => {
      this.#gathering = false;
      this.#listener.engineChanged();
      this.#reload().catch(error => this.#listener.error(`The rules could not be read: ${messageOf(error)}`));
    }, GATHER_MS);
  };

  async #reload(): Promise<void> {
    const { changed, problems } = await this.#book.load();
    if (!changed) return;
    for (const problem of problems) this.#listener.warning(problem);
    this.plan();
    await this.#host.published();
    this.#listener.rulesChanged();
  }

  #isOver({ lifetime }: Rule): boolean {
    if (lifetime.kind === 'until') return lifetime.at <= this.#host.clock.now();
    return lifetime.kind === 'process' && !(this.#host.processAlive ?? runs)(lifetime.pid, lifetime.startTime);
  }
}
