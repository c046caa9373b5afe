import * as v from 'valibot';
import type { ConnectionAttempt, NameEvidence, ProcessIdentity, SourceEvent, Verdict } from '../../engine/model/attempt.ts';
import { canonicalAddress } from './address.ts';
import type { Parsed } from './step.ts';

/**
 * A recording is JSON Lines, UTF-8. First line: the header. Each further line: `t`, milliseconds since the start, and either a source event
 * (`type` and its members, named as in `SourceEvent`) or `{"type":"verdict","id":…,"verdict":…}`, an answer that was given.
 * All times in it are relative to the start (older ones negative), bytes of output are base64. Filter ids are left out: they mean nothing
 * to another engine.
 */
export const VERSION = 1;

/** First line of a recording. */
export interface RecordingHeader {
  readonly 'sallyport-recording': number;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Title of the source that was recorded: `run: npm ci`. */
  readonly title: string;
  readonly platform: string;
}

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const int = v.pipe(v.number(), v.safeInteger());
const id = v.pipe(int, v.minValue(0));
const time = v.pipe(v.number(), v.finite());
const verdict = v.picklist(['permit', 'block']);
const address = v.pipe(
  text(64),
  v.check(value => canonicalAddress(value) !== undefined, 'no address'),
  v.transform(value => canonicalAddress(value) as string),
);
const endpoint = v.object({ address, port: v.pipe(int, v.minValue(0), v.maxValue(65535)) });
const evidence = v.object({
  name: text(1024),
  kind: v.picklist(['dns', 'hosts', 'command-line', 'sni', 'event']),
  at: time,
  pid: v.optional(id),
  ttl: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0))),
});
const process = {
  pid: id,
  path: v.optional(text(4096)),
  commandLine: v.optional(v.pipe(v.array(text(65536)), v.maxLength(4096))),
  cwd: v.optional(text(4096)),
  uid: v.optional(id),
  user: v.optional(text(256)),
  gids: v.optional(v.pipe(v.array(id), v.maxLength(4096))),
  sid: v.optional(text(256)),
  startTime: v.optional(time),
};
const identity = v.object({
  ...process,
  parents: v.pipe(v.array(v.object(process)), v.maxLength(256)),
  services: v.optional(v.pipe(v.array(text(256)), v.maxLength(256))),
  signer: v.optional(text(1024)),
});
const attempt = v.object({
  id,
  layer: v.picklist(['ALE_AUTH_CONNECT', 'ALE_RESOURCE_ASSIGNMENT', 'ALE_AUTH_LISTEN', 'ALE_AUTH_RECV_ACCEPT']),
  family: v.picklist(['v4', 'v6']),
  protocol: v.pipe(int, v.minValue(0), v.maxValue(255)),
  local: v.optional(endpoint),
  remote: v.optional(endpoint),
  identity,
  names: v.pipe(v.array(evidence), v.maxLength(256)),
  at: time,
});
const t = time;
const line = v.variant('type', [
  v.object({ t, type: v.literal('pended'), attempt }),
  v.object({ t, type: v.literal('decided'), attempt: v.object({ ...attempt.entries, verdict }) }),
  v.object({ t, type: v.literal('verdict'), id, verdict }),
  v.object({ t, type: v.literal('withdrawn'), id, reason: v.picklist(['exited', 'interrupted']) }),
  v.object({ t, type: v.literal('completed'), id, result: text(64) }),
  v.object({ t, type: v.literal('named'), address, evidence }),
  v.object({ t, type: v.literal('output'), stream: v.picklist(['stdout', 'stderr']), data: v.pipe(text(1 << 20), v.base64()) }),
  v.object({ t, type: v.literal('exited'), code: v.nullable(int), signal: v.nullable(text(32)) }),
  v.object({ t, type: v.literal('warning'), message: text(4096) }),
  v.object({ t, type: v.literal('failed'), message: text(4096) }),
]);
const header = v.object({
  'sallyport-recording': int,
  startedAt: v.pipe(text(64), v.isoTimestamp()),
  title: text(1024),
  platform: text(64),
});

/** The header, when the object is one; version and times still to be judged by the caller. */
export function parseHeader(record: unknown): RecordingHeader | undefined {
  const result = v.safeParse(header, record);
  return result.success ? result.output : undefined;
}

/** Moves every time of an attempt by `by` milliseconds. */
export function shiftAttempt<A extends ConnectionAttempt>(attempt: A, by: number): A {
  const process = <P extends ProcessIdentity>(p: P): P => (p.startTime === undefined ? p : { ...p, startTime: p.startTime + by });
  return {
    ...attempt,
    at: attempt.at + by,
    names: attempt.names.map(name => shiftName(name, by)),
    identity: { ...process(attempt.identity), parents: attempt.identity.parents.map(process) },
  };
}

/** Moves the time of a piece of evidence. */
export const shiftName = (evidence: NameEvidence, by: number): NameEvidence => ({ ...evidence, at: evidence.at + by });

/** What a recorder is told: an event of the source, or an answer given to it. */
export type Recordable = SourceEvent | { readonly type: 'verdict'; readonly id: number; readonly verdict: Verdict };

/** One line of a recording, without its newline. */
export function encodeLine(event: Recordable, now: number, startedAt: number): string {
  const t = now - startedAt;
  switch (event.type) {
    case 'pended':
      return JSON.stringify({ t, type: event.type, attempt: shiftAttempt(event.attempt, -startedAt) });
    case 'decided': {
      const { filterId: _, filterKey: __, ...attempt } = shiftAttempt(event.attempt, -startedAt);
      return JSON.stringify({ t, type: event.type, attempt });
    }
    case 'named':
      return JSON.stringify({ t, ...event, evidence: shiftName(event.evidence, -startedAt) });
    case 'output':
      return JSON.stringify({ t, ...event, data: Buffer.from(event.data).toString('base64') });
    default:
      return JSON.stringify({ t, ...event });
  }
}

/** Reads one line after the header; times become milliseconds since the epoch again. */
export function parseLine(record: unknown, startedAt: number): Parsed {
  const parsed = v.safeParse(line, record);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    return { bad: `${v.getDotPath(issue) ?? 'the line'}: ${issue.message}` };
  }
  const event = parsed.output;
  const at = startedAt + event.t;
  switch (event.type) {
    case 'pended':
      return { steps: [{ type: 'attempt', at, attempt: shiftAttempt(event.attempt as ConnectionAttempt, startedAt) }] };
    case 'decided': {
      const { verdict, ...attempt } = event.attempt;
      return { steps: [{ type: 'attempt', at, attempt: shiftAttempt(attempt as ConnectionAttempt, startedAt), verdict }] };
    }
    case 'verdict':
      return { steps: [{ type: 'verdict', at, id: event.id, verdict: event.verdict }] };
    case 'named': {
      const evidence = shiftName(event.evidence as NameEvidence, startedAt);
      return { steps: [{ type: 'told', at, event: { type: 'named', address: event.address, evidence } }] };
    }
    case 'output':
      return {
        steps: [{ type: 'told', at, event: { type: 'output', stream: event.stream, data: Buffer.from(event.data, 'base64') } }],
      };
    default: {
      const { t: _, ...told } = event;
      return { steps: [{ type: 'told', at, event: told }] };
    }
  }
}
