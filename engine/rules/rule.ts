import type { Verdict } from '../model/attempt.ts';
import type { Guid } from '../model/guid.ts';

/** Which remote side a rule covers. */
export type RemoteScope =
  | { readonly kind: 'any' }
  | { readonly kind: 'address'; readonly address: string }
  /** `prefix` counts bits. */
  | { readonly kind: 'network'; readonly address: string; readonly prefix: number }
  /** A name that the program looked up; with `subdomains`, every name below it (`*.example.com`), not the name itself. */
  | { readonly kind: 'name'; readonly name: string; readonly subdomains: boolean };

/** Which later requests a rule covers. What is absent covers everything. */
export interface Scope {
  /** Program path, exact; on Windows a drive path in any case, or a device path for what has no drive. */
  readonly app?: string;
  /** User, as SID text. */
  readonly user?: string;
  readonly remote: RemoteScope;
  /** Remote port for `out`, local port for `in`; both ends included. */
  readonly port?: { readonly from: number; readonly to: number };
  /** IANA protocol number. */
  readonly protocol?: number;
  readonly direction: 'out' | 'in';
}

/** How long a rule lives. `process`, `restart` rules are dynamic objects; `until` is swept at its time, in or after this run. */
export type Lifetime =
  | { readonly kind: 'once' }
  /** Milliseconds since the epoch. */
  | { readonly kind: 'until'; readonly at: number }
  | { readonly kind: 'process'; readonly pid: number; readonly startTime?: number }
  | { readonly kind: 'restart' }
  | { readonly kind: 'permanent' };

/** What a person decided. Compiles to one or more filters, which carry this record in `providerData`. */
export interface Rule {
  readonly id: Guid;
  readonly verdict: Verdict;
  readonly scope: Scope;
  readonly lifetime: Lifetime;
  readonly enabled: boolean;
  readonly note?: string;
  readonly origin: 'prompt' | 'command' | 'import' | 'builtin';
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}
