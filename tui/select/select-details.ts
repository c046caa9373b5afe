import type { ConnectionAttempt, NameEvidence } from '../../engine/model/attempt.ts';
import type { Line } from '../text/paint.ts';
import type { SourceWords } from './source-words.ts';
import { ageWords, ancestry, commandText, distinctNames, pidWords } from './words.ts';

const label = (text: string): Line[number] => [`   ${text.padEnd(9)}`, 'muted'];

const kinds: Readonly<Record<NameEvidence['kind'], string>> = {
  dns: 'DNS answer',
  hosts: 'hosts file',
  'command-line': 'command line',
  sni: 'TLS server name',
  event: 'recorded event',
};

/** What is known of the name: evidence with its age when it was asked; nobody looked it up; several names, all shown. */
export function nameLine(attempt: ConnectionAttempt, { unnamed }: Pick<SourceWords, 'unnamed'>): Line {
  const { names, remote } = attempt;
  if (!remote) return [label('name'), ['no remote side yet', 'muted']];
  const first = names[0];
  if (!first) return [label('name'), [`${unnamed[1]} (${remote.address})`, 'warning']];
  const distinct = distinctNames(names);
  const age = (evidence: NameEvidence) => `${kinds[evidence.kind]} ${ageWords(attempt.at - evidence.at)} before`;
  if (distinct.length === 1)
    return [label('name'), [`${age(first)}: `, 'muted'], [first.name], [` = ${remote.address}`, 'muted']];
  const kindsSeen = [...new Set(names.map(evidence => evidence.kind))].map(kind =>
    age(names.find(evidence => evidence.kind === kind)!),
  );
  return [
    [label('name')[0], 'muted'],
    ...distinct.flatMap((name, i): Line => [[i ? ' or ' : ''], [name, 'warning']]),
    [` = ${remote.address}`],
    [` (${kindsSeen.join(', ')})`, 'muted'],
  ];
}

function userText(attempt: ConnectionAttempt): string {
  const { user, uid, sid } = attempt.identity;
  const name = user ?? (uid === undefined ? undefined : `uid ${uid}`) ?? sid;
  return name ?? 'not known';
}

/** A process that runs several services asks for one of them, and it is not known for which. */
const serviceWords = (services: readonly string[]): string =>
  services.length === 1 ? `service ${services[0]}` : `one of the services ${services.join(', ')}`;

/** Details of the selected request under its sentence: program, command, name, user. */
export function detailLines(attempt: ConnectionAttempt, words: SourceWords): readonly Line[] {
  const { identity } = attempt;
  const where = identity.cwd ? `   in ${identity.cwd}` : '';
  const services = identity.services?.length ? `   ${serviceWords(identity.services)}` : '';
  const signer = identity.signer ? `   signed by ${identity.signer}` : '';
  return [
    [label('program'), [ancestry(identity)]],
    [label('command'), [commandText(identity)]],
    nameLine(attempt, words),
    [label('user'), [userText(attempt)], [`   ${pidWords(identity)}${where}${services}${signer}`, 'muted']],
  ];
}

/** The same folded to one line, for small screens. */
export function foldedDetail(attempt: ConnectionAttempt, { unnamed }: SourceWords): Line {
  const names = distinctNames(attempt.names);
  const name = !attempt.remote
    ? ''
    : names.length === 0
      ? unnamed[1]
      : names.length === 1
        ? `${names[0]} = ${attempt.remote.address}`
        : `${names.join(' or ')} = ${attempt.remote.address}`;
  return [
    ['   '],
    [name, names.length === 1 ? 'text' : 'warning'],
    [name ? '  ' : ''],
    [`by ${userText(attempt)}: ${commandText(attempt.identity)}`, 'muted'],
  ];
}
