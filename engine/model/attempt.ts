import type { Guid } from './guid.ts';

/** One vocabulary for a decision everywhere; translated at the edge of each platform. */
export type Verdict = 'permit' | 'block';

/** The ALE layer family at which something is attempted, without the V4/V6 suffix. */
export type AttemptLayer = 'ALE_AUTH_CONNECT' | 'ALE_RESOURCE_ASSIGNMENT' | 'ALE_AUTH_LISTEN' | 'ALE_AUTH_RECV_ACCEPT';

/** How a name came to be connected with an address, and when. */
export interface NameEvidence {
  readonly name: string;
  /** `dns`: an answer seen to a question that the program asked; `hosts`: /etc/hosts; `command-line`: the name stands there; `sni`; `event`: a recorded event says so. */
  readonly kind: 'dns' | 'hosts' | 'command-line' | 'sni' | 'event';
  /** Milliseconds since the epoch when it was learned. */
  readonly at: number;
  /** The process that asked, where known. */
  readonly pid?: number;
  /** Seconds the answer may be kept, where the answer said so. */
  readonly ttl?: number;
}

/** One process as it was when it asked. Every field but pid may be missing: then it is "not known", never a guess. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Program file, resolved (/proc/PID/exe). Interpreted scripts show the interpreter; see `commandLine`. */
  readonly path?: string;
  readonly commandLine?: readonly string[];
  readonly cwd?: string;
  readonly uid?: number;
  readonly user?: string;
  readonly gids?: readonly number[];
  /** SID as text: on Linux S-1-22-1-UID. */
  readonly sid?: string;
  /** Milliseconds since the epoch. */
  readonly startTime?: number;
}

/** Who asks: the process and its parents, nearest first, up to the supervised command and the one that started it. */
export interface Identity extends ProcessIdentity {
  readonly parents: readonly ProcessIdentity[];
  /**
   * ALE_APP_ID as text where it is not the path itself: on Windows the device path in lower case (`\\device\\harddiskvolume3\\curl.exe`), by
   * which filters match. It is this machine's of today; `path` is what rules and people go by.
   */
  readonly appId?: string;
  /** Windows service names in a svchost process. More than one: it asks for one of them, nobody knows which. */
  readonly services?: readonly string[];
  readonly signer?: string;
}

/** An address with its port. `address` is canonical text (`203.0.113.9`, `2001:db8::1`); IPv4-mapped IPv6 is written as IPv4. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A call that a source saw and holds. It knows nothing of rules. */
export interface ConnectionAttempt {
  /** Unique within the source's life. */
  readonly id: number;
  readonly layer: AttemptLayer;
  readonly family: 'v4' | 'v6';
  /** IANA protocol number: 6 TCP, 17 UDP. */
  readonly protocol: number;
  readonly local?: Endpoint;
  /** Absent at bind and listen. */
  readonly remote?: Endpoint;
  readonly identity: Identity;
  /** Names known for the remote address when it was asked, most recent first; empty: nobody looked it up. */
  readonly names: readonly NameEvidence[];
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** How a decision that needed no person was made, told by the source's decision path. */
export interface DecidedAttempt extends ConnectionAttempt {
  readonly verdict: Verdict;
  /** Deciding filter's run-time id and key; absent when no filter matched. */
  readonly filterId?: bigint;
  readonly filterKey?: Guid;
}

export type SourceEvent =
  /** Held now; waits for `complete`. */
  | { readonly type: 'pended'; readonly attempt: ConnectionAttempt }
  /** Decided at once by a filter. */
  | { readonly type: 'decided'; readonly attempt: DecidedAttempt }
  /** The caller died or was interrupted: the request is gone, `complete` will do nothing. */
  | { readonly type: 'withdrawn'; readonly id: number; readonly reason: 'exited' | 'interrupted' }
  /** What came of a permitted or blocked call: errno name or `ok` (`EINPROGRESS` counts as ok for non-blocking). */
  | { readonly type: 'completed'; readonly id: number; readonly result: string }
  /** A name was learned after an attempt was pended. */
  | { readonly type: 'named'; readonly address: string; readonly evidence: NameEvidence }
  | { readonly type: 'output'; readonly stream: 'stdout' | 'stderr'; readonly data: Uint8Array }
  /** The supervised command ended. */
  | { readonly type: 'exited'; readonly code: number | null; readonly signal: string | null }
  | { readonly type: 'warning'; readonly message: string }
  | { readonly type: 'failed'; readonly message: string };

/**
 * What happens to held and later attempts when the guard dies. Written down per source and tested by killing it.
 * `closed`: they fail; `open`: they pass; `none`: nothing is enforced (a recording).
 */
export type FailPolicy = 'closed' | 'open' | 'none';

/** Something that holds connections (or replays some that were held). */
export interface ConnectionSource {
  readonly kind: 'run' | 'recorded' | 'windows-driver' | 'net-events' | 'idle';
  readonly failPolicy: FailPolicy;
  /** One line for the status: `run: npm ci`. */
  readonly title: string;
  /** Once. Ids of attempts are never used again; each attempt that was pended ends once, completed or withdrawn, or with the source. */
  start(listener: (event: SourceEvent) => void): Promise<void>;
  /** Completes a pended attempt, once. False when it was withdrawn, completed or unknown, and while or after the source stops. */
  complete(id: number, verdict: Verdict): boolean;
  /** Sends a signal to the supervised command, where there is one. */
  signal?(name: NodeJS.Signals): void;
  /**
   * Ends: the command is terminated, held attempts are completed by the fail policy. Any number of times, also before `start`; nothing is told
   * once it has resolved.
   */
  stop(): Promise<void>;
}
