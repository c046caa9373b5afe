import type { GuardStatus, Request } from '../../machines/guard-client.ts';
import { clockSpan, countOf } from './words.ts';

export type SourceKind = GuardStatus['kind'];

/**
 * How one kind of source is spoken of. A held connection waits for the answer; one that net events tell of has failed already and is asked
 * about afterwards; a recorded one happened another day. Whatever would be untrue of one of them stands here and nowhere else.
 */
export interface SourceWords {
  /** `held`, `dropped`, `asked`: what happened to an attempt about which somebody is asked. One word, at most 7 cells. */
  readonly event: string;
  /** `2 requests`. */
  readonly count: (n: number) => string;
  /** `7 waiting`: of the status line. */
  readonly open: (n: number) => string;
  /** What becomes of what nobody answers. `left` is the time to the first deadline, milliseconds; without `wide` in few words. */
  readonly unanswered: (status: GuardStatus, left: number | undefined, wide: boolean) => string;
  /** False where the age of a question is not a wait: then the time of day is shown. */
  readonly countsAge: boolean;
  readonly nothingOpen: string;
  /** Said under the empty inbox when the source has ended. */
  readonly ended: string;
  readonly noOutput: string;
  /** No name is known for a remote address: in a list, and in the details. */
  readonly unnamed: readonly [short: string, long: string];
  /** `wants to` connect to …, and what the sentence ends with. */
  readonly asks: readonly [verb: string, end: string];
  /** Names of states of a request beside `asking`. */
  readonly states: Readonly<Record<Exclude<Request['state'], 'asking'>, string>>;
  /** What an answer does to the `n` requests that it covers. */
  readonly covers: (n: number) => string;
  /** What an answer without a rule does. */
  readonly once: (n: number) => string;
  /** What an answer to `n` of them came to. */
  readonly answered: (verdict: 'permit' | 'block', n: number, ruleSaved: boolean) => string;
  readonly undone: string;
  readonly gone: string;
  /** Leaving while `n` are open: what becomes of them; empty: nothing is lost, so nobody is asked. */
  readonly leaving: (n: number, status: GuardStatus) => string;
  readonly deleting: string;
  /** True where an answer is for the next try, so that it is worth telling which came. */
  readonly tellsRetries: boolean;
}

const rule = (saved: boolean) => (saved ? ', rule saved.' : ', once.');
const nobody = ({ defaultVerdict, timeout }: GuardStatus, left: number | undefined, wide: boolean) =>
  `${wide ? 'nobody answers: ' : ''}${defaultVerdict} ${left === undefined ? `in ${timeout} s` : `in ${clockSpan(left + 999)}`}`;

const held: SourceWords = {
  event: 'held',
  count: n => countOf(n, 'request'),
  open: n => `${n} waiting`,
  unanswered: (status, left, wide) => (status.timeout === undefined ? 'waits for ever' : nobody(status, left, wide)),
  countsAge: true,
  nothingOpen: 'Nothing waits.',
  ended: 'The command has ended.',
  noOutput: 'The command has written nothing yet.',
  unnamed: ['name not seen', 'nobody looked this address up'],
  asks: ['wants to', ''],
  states: {
    identifying: 'identifying',
    deciding: 'deciding',
    recording: 'recording',
    completing: 'completing',
    done: 'done',
  },
  covers: n => `settles ${countOf(n, 'waiting request')}`,
  once: n => `settles ${countOf(n, 'waiting request')}; makes no rule`,
  answered: (verdict, n, saved) =>
    `${verdict === 'permit' ? 'Permitted' : 'Blocked'}: ${countOf(n, 'waiting request')} settled${rule(saved)}`,
  undone: 'The last decision was taken back. Calls that have their verdict keep it.',
  gone: 'What you were answering is gone: its program ended or it was settled.',
  leaving: (n, { failPolicy }) =>
    `${countOf(n, 'request')} ${n === 1 ? 'waits' : 'wait'} and will be ${failPolicy === 'open' ? 'permitted' : 'blocked'}.`,
  deleting: 'What it decided is asked again from then on.',
  tellsRetries: false,
};

/** A whole machine is guarded, and nothing is run. */
const machine = {
  ended: 'The guard has ended.',
  noOutput: 'No command is run here, so there is no output.',
  unnamed: ['name not known', 'no name is known for this address'],
} as const;

const dropped: SourceWords = {
  ...machine,
  event: 'dropped',
  count: n => countOf(n, 'question'),
  open: n => `${n} to answer`,
  unanswered: (_, left, wide) =>
    `${left === undefined && wide ? 'unanswered: ' : ''}stays dropped${left === undefined ? '' : `${wide ? '; question' : ','} closes in ${clockSpan(left + 999)}`}`,
  countsAge: false,
  nothingOpen: 'Nothing to answer. What no rule decides is dropped, and asked about afterwards.',
  asks: ['tried to', ': dropped'],
  states: { identifying: 'identifying', deciding: 'answering', recording: 'saving', completing: 'closing', done: 'closed' },
  covers: n => `answers ${countOf(n, 'question')} for the next try`,
  once: n => `answers ${countOf(n, 'question')}; makes no rule: the next try is dropped, then asked`,
  answered: (verdict, n, saved) =>
    `${countOf(n, 'question')} answered${
      saved
        ? `, rule saved: ${verdict === 'permit' ? 'the next try will pass.' : 'it stays blocked.'}`
        : ' without a rule: the next try is dropped, then asked.'
    }`,
  undone: 'The last decision was taken back. What passed meanwhile has passed.',
  gone: 'What you were answering is gone: a rule decides it, or it was closed.',
  leaving: n => `${countOf(n, 'question')} left unanswered: what was dropped stays dropped.`,
  deleting: 'What it decided is dropped and asked about again from then on.',
  tellsRetries: true,
};

const recorded: SourceWords = {
  ...held,
  event: 'asked',
  open: n => `${n} to answer`,
  unanswered: (status, left, wide) => (status.timeout === undefined ? 'stays open' : nobody(status, left, wide)),
  nothingOpen: 'Nothing to answer.',
  ended: 'The recording is over.',
  noOutput: 'The recording holds no output.',
  asks: ['wanted to', ''],
  states: { ...held.states, completing: 'closing' },
  covers: n => `answers ${countOf(n, 'recorded request')}`,
  once: n => `answers ${countOf(n, 'recorded request')}; makes no rule`,
  answered: (verdict, n, saved) =>
    `${verdict === 'permit' ? 'Permitted' : 'Blocked'}: ${countOf(n, 'recorded request')} answered${rule(saved)}`,
  undone: 'The last decision was taken back.',
  gone: 'What you were answering is gone: it was settled, or the recording says that it ended.',
  leaving: () => '',
};

const KINDS: Readonly<Record<SourceKind, SourceWords>> = {
  run: held,
  'windows-driver': { ...held, ...machine },
  'net-events': dropped,
  recorded,
  idle: recorded,
};

export const wordsOf = (kind: SourceKind): SourceWords => KINDS[kind];
