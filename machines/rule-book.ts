import { newGuid } from '../engine/model/guid.ts';
import type { Filter } from '../engine/model/objects.ts';
import { describeRule } from '../engine/rules/describe.ts';
import { readRules } from '../engine/rules/read-rules.ts';
import type { Rule } from '../engine/rules/rule.ts';
import { toRule } from '../engine/rules/rule-schema.ts';
import { scopeKey } from '../engine/rules/scope.ts';
import { type RuleChange, type RuleStore, writeRules } from '../engine/rules/write-rules.ts';

export type RuleNews = { readonly change: 'added' | 'changed' | 'removed' | 'expired'; readonly rule: Rule };

/** One step back: what to do to take a change back, and what the change was, in words. */
interface Step {
  readonly inverse?: RuleChange;
  readonly what: string;
}

const UNDO_MAX = 100;

/**
 * The rules of a running guard: the engine's own, read from its filters, and the one way to change them. Changes run one after another,
 * each wholly or not at all, and each can be taken back.
 */
export class RuleBook {
  readonly #store: RuleStore;
  readonly #tell: (news: readonly RuleNews[]) => void;
  readonly #written: (filters: readonly Filter[]) => void;
  readonly #rules = new Map<string, Rule>();
  readonly #undo: Step[] = [];
  #queue: Promise<unknown> = Promise.resolve();
  #list: readonly Rule[] | undefined = [];

  /**
   * @param tell hears of each change, after the engine has it
   * @param written hears of the filters that a change added
   */
  constructor(store: RuleStore, tell: (news: readonly RuleNews[]) => void, written: (filters: readonly Filter[]) => void) {
    this.#store = store;
    this.#tell = tell;
    this.#written = written;
  }

  /** Oldest first; the same array until something changes. */
  list(): readonly Rule[] {
    this.#list ??= [...this.#rules.values()];
    return this.#list;
  }

  get(id: string): Rule | undefined {
    return this.#rules.get(id);
  }

  get canUndo(): boolean {
    return this.#undo.at(-1)?.inverse !== undefined;
  }

  /** Remembers a decision that made no rule, so that `undo` does not take back another one in its place. */
  noteOnce(what: string): void {
    if (this.#undo.at(-1)?.inverse || this.#undo.length === 0) this.#remember({ what });
  }

  /** Reads everything anew from the engine. True when the rules are others than before. */
  async load(): Promise<{ readonly changed: boolean; readonly problems: readonly string[] }> {
    return this.#inTurn(async () => {
      const { rules, problems } = await readRules(this.#store.engine);
      const before = JSON.stringify(this.list());
      this.#rules.clear();
      for (const rule of rules) this.#rules.set(rule.id, rule);
      this.#list = undefined;
      return { changed: JSON.stringify(this.list()) !== before, problems };
    });
  }

  /**
   * Adds a rule. One with the same scope is replaced, not doubled.
   * @returns the rule as it is kept
   * @throws RuleError when it is impossible, WfpError when the engine refuses; nothing is changed then
   */
  add(draft: Omit<Rule, 'id' | 'createdAt'>, now: number): Promise<Rule> {
    return this.#inTurn(async () => {
      const rule = toRule({ ...draft, id: newGuid(), createdAt: now });
      await this.#change({ put: [rule], remove: this.#sameScope(rule) }, describeRule(rule));
      return rule;
    });
  }

  /** Changes members of a rule; `undefined` when there is none with this id. Throws as `add` does. */
  edit(id: string, changes: Partial<Omit<Rule, 'id' | 'createdAt'>>): Promise<Rule | undefined> {
    return this.#inTurn(async () => {
      const before = this.#rules.get(id);
      if (!before) return undefined;
      const rule = toRule({ ...before, ...changes });
      await this.#change({ put: [rule], remove: this.#sameScope(rule) }, `change of: ${describeRule(before)}`);
      return rule;
    });
  }

  /** Deletes rules by id; those that are gone already are passed over. Gives what was deleted. */
  remove(ids: readonly string[]): Promise<readonly Rule[]> {
    return this.#inTurn(async () => {
      const rules = this.#existing(ids);
      if (rules.length > 0) await this.#change({ remove: rules }, `deletion of: ${rules.map(describeRule).join('; ')}`);
      return rules;
    });
  }

  /** Deletes rules whose time is over. Not something to undo. */
  expire(isOver: (rule: Rule) => boolean): Promise<readonly Rule[]> {
    return this.#inTurn(async () => {
      const rules = this.list().filter(isOver);
      if (rules.length === 0) return rules;
      await this.#write({ remove: rules });
      this.#tell(rules.map(rule => ({ change: 'expired', rule })));
      return rules;
    });
  }

  /** Takes the last change back. Gives a sentence about what was, or undefined when there is nothing. */
  undo(): Promise<{ readonly undone: boolean; readonly what: string } | undefined> {
    return this.#inTurn(async () => {
      const step = this.#undo.pop();
      if (!step) return undefined;
      try {
        // Gone before the news is told: whoever hears it asks `canUndo`.
        if (step.inverse) await this.#apply(step.inverse);
      } catch (error) {
        this.#undo.push(step);
        throw error;
      }
      return { undone: step.inverse !== undefined, what: step.what };
    });
  }

  #existing(ids: readonly string[]): Rule[] {
    return ids.flatMap(id => this.#rules.get(id) ?? []);
  }

  #sameScope(rule: Rule): Rule[] {
    const key = scopeKey(rule.scope);
    return this.list().filter(each => each.id !== rule.id && each.origin !== 'builtin' && scopeKey(each.scope) === key);
  }

  #remember(step: Step): void {
    this.#undo.push(step);
    if (this.#undo.length > UNDO_MAX) this.#undo.shift();
  }

  async #change(change: RuleChange, what: string): Promise<void> {
    const put = change.put ?? [];
    const before = this.#existing([...put, ...(change.remove ?? [])].map(rule => rule.id));
    const fresh = put.filter(rule => !this.#rules.has(rule.id));
    await this.#apply(change);
    this.#remember({ inverse: { put: before, remove: fresh }, what });
  }

  async #apply(change: RuleChange): Promise<void> {
    const put = change.put ?? [];
    const known = new Set(put.flatMap(({ id }) => (this.#rules.has(id) ? id : [])));
    const gone = this.#existing((change.remove ?? []).map(rule => rule.id));
    await this.#write(change);
    this.#tell([
      ...gone.map(rule => ({ change: 'removed' as const, rule })),
      ...put.map(rule => ({ change: known.has(rule.id) ? ('changed' as const) : ('added' as const), rule })),
    ]);
  }

  async #write(change: RuleChange): Promise<void> {
    const added = await writeRules(this.#store, this.list(), change);
    for (const rule of change.remove ?? []) this.#rules.delete(rule.id);
    for (const rule of change.put ?? []) this.#rules.set(rule.id, rule);
    for (const filters of added.values()) this.#written(filters);
    this.#list = undefined;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

/** When the next rule of these ends by its time, milliseconds since the epoch. */
export function nextExpiry(rules: readonly Rule[]): number | undefined {
  const times = rules.flatMap(({ lifetime }) => (lifetime.kind === 'until' ? lifetime.at : []));
  return times.length === 0 ? undefined : Math.min(...times);
}
