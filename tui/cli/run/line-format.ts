import type { ConnectionAttempt } from '../../../engine/model/attempt.ts';
import { describeRule, plain, programName, protocolName } from '../../../engine/rules/describe.ts';
import type { DecidedBy, GuardStatus } from '../../../machines/guard-client.ts';
import type { GuardEvent } from '../../../machines/guard-events.ts';
import { wordsOf } from '../../select/source-words.ts';

const two = (n: number) => String(n).padStart(2, '0');

/** Local wall-clock time, `12:04:31`. */
export function clockTime(at: number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

const hostPort = (host: string, port: number) => `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** `curl(4242) → telemetry.example:443/tcp`, `node(17) listens on 127.0.0.1:8080/tcp`. A name stands before its address. */
export function attemptText(attempt: ConnectionAttempt): string {
  const { identity, remote, local, layer } = attempt;
  // What has no process number has failed already: net events tell programs only.
  const who = `${identity.path ? programName(identity.path) : 'program not known'}${identity.pid ? `(${identity.pid})` : ''}`;
  const over = `/${protocolName(attempt.protocol)}`;
  const here = local ? hostPort(local.address, local.port) : 'an address not known';
  if (layer === 'ALE_AUTH_LISTEN') return `${who} listens on ${here}${over}`;
  if (layer === 'ALE_RESOURCE_ASSIGNMENT') return `${who} binds ${here}${over}`;
  if (!remote) return `${who} → an address not known${over}`;
  const names = [...new Set(attempt.names.map(n => plain(n.name)))];
  const target =
    names.length > 0
      ? `${hostPort(names.join(' or '), remote.port)}${over} (${remote.address})`
      : `${hostPort(remote.address, remote.port)}${over}`;
  return layer === 'ALE_AUTH_RECV_ACCEPT' ? `${who} is called by ${target}` : `${who} → ${target}`;
}

/** `by sh postinstall.sh`: the nearest parent's command line, bounded. */
function parentText(attempt: ConnectionAttempt): string {
  const parent = attempt.identity.parents[0];
  const words = parent?.commandLine?.length ? parent.commandLine.join(' ') : parent?.path;
  return words ? `  by ${plain(words).slice(0, 60)}` : '';
}

/** Why it was decided so, in words. */
export function byText(by: DecidedBy, waited: number): string {
  if (by.kind === 'person') return 'you';
  if (by.kind === 'rule') return `rule ${by.ruleId.slice(0, 8)}`;
  if (by.kind === 'filter') return `filter ${by.filterId}`;
  if (by.kind === 'no-match') return 'no filter matches';
  if (by.reason === 'timeout') return `nobody answered in ${Math.round(waited / 1000)} s`;
  return by.reason === 'no-person' ? 'default: nobody is asked' : 'default after an error';
}

/** One line per event for people and logs; undefined for events that have no line of their own. */
export function eventLine(event: GuardEvent, kind: GuardStatus['kind']): string | undefined {
  const line = (at: number, word: string, text: string) => `${clockTime(at)} ${word.padEnd(6)} ${text}`;
  switch (event.type) {
    case 'held':
      return line(event.at, wordsOf(kind).event, `${attemptText(event.attempt)}${parentText(event.attempt)}`);
    case 'decided':
      return line(event.at, event.verdict, `${attemptText(event.attempt)}  ${byText(event.by, event.waited)}`);
    case 'withdrawn':
      return line(event.at, 'gone', `${attemptText(event.attempt)}  the program ${event.reason}`);
    case 'rule':
      return line(event.at, 'rule', `${event.change}: ${describeRule(event.rule)}`);
    case 'notice':
      return line(event.at, event.level === 'info' ? 'note' : event.level === 'warning' ? 'warn' : 'error', plain(event.text));
    case 'failed':
      return line(event.at, 'error', plain(event.message));
    case 'exited':
      return line(
        event.at,
        'ended',
        event.signal ? `by signal ${event.signal}` : event.code === null ? 'nothing follows' : `with exit code ${event.code}`,
      );
    default:
      return undefined;
  }
}

/** The same as one line of JSON. A question is `held`, or `dropped` where nothing can be held, or `asked` by a recording. Times are ISO 8601; ids of filters are decimal strings; output is text with its stream. */
export function eventJson(event: GuardEvent, kind: GuardStatus['kind']): string {
  if (event.type === 'output')
    return JSON.stringify({ type: 'output', stream: event.stream, text: Buffer.from(event.data).toString('utf8') });
  const { at, ...rest } = event.type === 'held' ? { ...event, type: wordsOf(kind).event } : event;
  return JSON.stringify({ at: new Date(at).toISOString(), ...rest }, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}
