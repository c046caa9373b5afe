import { createHash } from 'node:crypto';
import type { Guid } from '../../model/guid.ts';
import type { Lifetime, RemoteScope, Rule, Scope } from '../rule.ts';
import { RuleError } from '../rule-error.ts';
import { toRule } from '../rule-schema.ts';

export type Port = NonNullable<Scope['port']>;

/**
 * What one foreign rule says, alternatives listed. An empty list means any; each combination becomes a rule of its own, since a rule here
 * has one program, one remote side, one port range and one protocol.
 */
export interface Draft {
  /** What it is called where it comes from, for the report. */
  readonly subject: string;
  /** The same each time for the same foreign rule: makes its ids. */
  readonly key: string;
  readonly verdict: Rule['verdict'];
  readonly apps?: readonly string[];
  readonly user?: string;
  readonly remotes?: readonly RemoteScope[];
  readonly ports?: readonly Port[];
  readonly protocols?: readonly number[];
  readonly directions: readonly Scope['direction'][];
  readonly lifetime?: Lifetime;
  readonly enabled: boolean;
  readonly note?: string;
}

/** Rules, and a line for everything that could not be carried. */
export interface Imported {
  readonly rules: readonly Rule[];
  readonly report: readonly string[];
}

/** The most rules that one foreign rule may become. */
const MAX_EXPANSION = 5000;
const MAX_RULES = 200_000;

function fixedId(text: string): Guid {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Gathers rules and the report of an import. */
export class Collector {
  readonly rules: Rule[] = [];
  readonly report: string[] = [];
  private readonly kind: string;
  private readonly now: number;
  private readonly ids = new Set<Guid>();

  constructor(kind: string, now: number) {
    this.kind = kind;
    this.now = now;
  }

  /** Something that was not carried, and why. */
  skip(subject: string, reason: string): undefined {
    this.report.push(`${subject}: ${reason}`);
  }

  /** Adds the rules that a draft stands for. */
  add(draft: Draft): undefined {
    const apps = orAny(draft.apps);
    const remotes = draft.remotes?.length ? draft.remotes : [{ kind: 'any' } as const];
    const ports = orAny(draft.ports);
    const protocols = orAny(draft.protocols);
    const count = apps.length * remotes.length * ports.length * protocols.length * draft.directions.length;
    if (count > MAX_EXPANSION || this.rules.length + count > MAX_RULES) {
      this.skip(draft.subject, `it would become ${count} rules, more than the ${MAX_EXPANSION} that one may: split it`);
      return;
    }
    for (const direction of draft.directions)
      for (const app of apps)
        for (const protocol of protocols)
          for (const port of ports)
            for (const remote of remotes) {
              this.one(draft, {
                ...(app === undefined ? undefined : { app }),
                ...(draft.user === undefined ? undefined : { user: draft.user }),
                remote,
                ...(port === undefined ? undefined : { port }),
                ...(protocol === undefined ? undefined : { protocol }),
                direction,
              });
            }
  }

  private one(draft: Draft, scope: Scope): undefined {
    const id = fixedId(`${this.kind}\n${draft.key}\n${draft.verdict}\n${JSON.stringify(scope)}`);
    if (this.ids.has(id)) {
      this.skip(draft.subject, 'it says the same twice; taken once');
      return;
    }
    try {
      const rule = toRule({
        id,
        verdict: draft.verdict,
        scope,
        lifetime: draft.lifetime ?? { kind: 'permanent' },
        enabled: draft.enabled,
        ...(draft.note ? { note: draft.note.slice(0, 1000) } : undefined),
        origin: 'import',
        createdAt: this.now,
      });
      this.ids.add(id);
      this.rules.push(rule);
    } catch (error) {
      this.skip(
        draft.subject,
        error instanceof RuleError ? error.message : `it does not fit: ${(error as Error).message.split('\n')[0]}`,
      );
    }
  }

  get result(): Imported {
    return { rules: this.rules, report: this.report };
  }
}

const orAny = <T>(list: readonly T[] | undefined): readonly (T | undefined)[] => (list?.length ? list : [undefined]);
