import type { Lifetime, RemoteScope } from '../rule.ts';
import { RuleError } from '../rule-error.ts';
import { canonicalName } from '../scope.ts';
import { Collector, type Imported, type Port } from './draft.ts';
import { LAN, parsePlace, parsePortText } from './places.ts';

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '');

interface Parts {
  apps: string[];
  remotes: RemoteScope[];
  ports: Port[];
  protocols: number[];
  user?: string;
}

const NETWORKS: Readonly<Record<string, readonly RemoteScope[]>> = {
  LAN,
  MULTICAST: [
    { kind: 'network', address: '224.0.0.0', prefix: 4 },
    { kind: 'network', address: 'ff00::', prefix: 8 },
  ],
};
const PROTOCOLS: Readonly<Record<string, number>> = {
  tcp: 6,
  tcp6: 6,
  udp: 17,
  udp6: 17,
  icmp: 1,
  icmp6: 58,
  sctp: 132,
  sctp6: 132,
};
const TRIVIAL = new Set(['true']);

/** Patterns that mean a plain list: `^(80|443)$`, `^(|.*\.)example\.com$`. Undefined for a real expression. */
function plainPattern(data: string): { values: string[]; subdomains: boolean } | undefined {
  const body = /^\^?(.*?)\$?$/.exec(data)?.[1] ?? '';
  const below = /^(?:\(\|?\.\*\\\.\|?\)\??|\(\.\*\\\.\)\??|\.\*\\\.)(.*)$/.exec(body);
  const rest = below ? (below[1] ?? '') : body;
  const list = /^\(([^()]*)\)$/.exec(rest);
  const values = (list ? (list[1] ?? '') : rest).split('|').map(value => value.replaceAll('\\.', '.').replaceAll('\\-', '-'));
  return values.every(value => /^[\w./:-]+$/.test(value)) && anchored(data) ? { values, subdomains: below !== null } : undefined;
}
const anchored = (data: string): boolean => data.startsWith('^') && data.endsWith('$');

/** Takes over one condition. Returns why it cannot be carried, or nothing. */
function take(operator: Json, parts: Parts): string | undefined {
  const type = textOf(operator['type']);
  const operand = textOf(operator['operand']);
  const data = textOf(operator['data']);
  if (type === 'lists' || operand.startsWith('lists.')) return `its list in ${data || 'a file'} is not part of the rule file`;
  let values = [data];
  let subdomains = false;
  if (type === 'regexp') {
    try {
      new RegExp(data);
    } catch {
      return `its expression ${data.slice(0, 60)} on ${operand} is not a valid one`;
    }
    const plain = plainPattern(data);
    if (!plain) return `its expression ${data.slice(0, 60)} on ${operand} cannot be said in a rule here`;
    ({ values, subdomains } = plain);
  } else if (type !== 'simple' && type !== 'network') return `its condition type ${type || '(none)'} is not known`;
  if (TRIVIAL.has(operand)) return undefined;
  switch (operand) {
    case 'process.path':
      parts.apps.push(...values);
      return undefined;
    case 'dest.ip':
    case 'dest.network': {
      for (const value of values) {
        const places = NETWORKS[value] ?? parsePlace(value);
        if (!places) return `its address ${value} is none`;
        parts.remotes.push(...places);
      }
      return undefined;
    }
    case 'dest.host':
      for (const value of values) {
        const name = canonicalName(value);
        if (name === undefined) return `its host name ${value} is none`;
        parts.remotes.push({ kind: 'name', name, subdomains: false });
        if (subdomains) parts.remotes.push({ kind: 'name', name, subdomains: true });
      }
      return undefined;
    case 'dest.port':
      for (const value of values) {
        const port = parsePortText(value);
        if (!port) return `its port ${value} is none`;
        parts.ports.push(port);
      }
      return undefined;
    case 'user.id':
      if (!/^\d{1,10}$/.test(data)) return `its user ${data} is no number`;
      parts.user = `S-1-22-1-${data}`;
      return undefined;
    case 'protocol':
      for (const value of values) {
        const protocol = PROTOCOLS[value.toLowerCase()];
        if (protocol === undefined) return `its protocol ${value} is not known`;
        if (!parts.protocols.includes(protocol)) parts.protocols.push(protocol);
      }
      return undefined;
    default:
      return `its condition on ${operand || '(nothing)'} cannot be said in a rule here`;
  }
}

/** The conditions of a list, nested or as JSON in `data`; all must hold. */
function conditionsOf(operator: Json): Json[] | string {
  if (operator['type'] !== 'list') return [operator];
  let list = operator['list'];
  if (!Array.isArray(list) || list.length === 0) {
    try {
      list = JSON.parse(textOf(operator['data']) || '[]');
    } catch {
      return 'its list of conditions is not valid JSON';
    }
  }
  if (!Array.isArray(list) || list.length === 0) return 'its list of conditions is empty';
  const all: Json[] = [];
  for (const each of list) {
    if (!isObject(each)) return 'its list holds something that is no condition';
    const nested = conditionsOf(each);
    if (typeof nested === 'string') return nested;
    all.push(...nested);
  }
  return all;
}

const UNIT: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function lifetimeOf(duration: string, created: number, now: number): Lifetime | string {
  if (duration === 'always' || duration === '') return { kind: 'permanent' };
  if (duration === 'until restart') return { kind: 'restart' };
  if (duration === 'once') return 'it was for one connection';
  const parts = [...duration.matchAll(/(\d{1,9})([smhd])/g)];
  if (parts.length === 0 || parts.map(part => part[0]).join('') !== duration)
    return `its duration ${duration.slice(0, 40)} is not known`;
  const at = created + parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNIT[unit ?? ''] ?? 0), 0);
  return at > now ? { kind: 'until', at } : 'it was for a time that is over';
}

function one(rule: Json, at: number, into: Collector, now: number): undefined {
  const name = textOf(rule['name']) || `rule ${at + 1}`;
  const action = textOf(rule['action']);
  if (!['allow', 'deny', 'reject'].includes(action)) return into.skip(name, `its action ${action || '(none)'} is not known`);
  if (!isObject(rule['operator'])) return into.skip(name, 'it has no condition');
  const conditions = conditionsOf(rule['operator']);
  if (typeof conditions === 'string') return into.skip(name, conditions);
  const parts: Parts = { apps: [], remotes: [], ports: [], protocols: [] };
  const seen = new Set<string>();
  for (const condition of conditions) {
    const operand = textOf(condition['operand']).replace('dest.network', 'dest.ip').replace('dest.host', 'dest.ip');
    // Two conditions on one thing must both hold; as alternatives they would cover more.
    if (seen.has(operand)) return into.skip(name, `it has two conditions on ${operand}, which must hold together`);
    seen.add(operand);
    const reason = take(condition, parts);
    if (reason) return into.skip(name, reason);
  }
  const created = Date.parse(textOf(rule['created']));
  const lifetime = lifetimeOf(textOf(rule['duration']), Number.isNaN(created) ? now : created, now);
  if (typeof lifetime === 'string') return into.skip(name, lifetime);
  if (action === 'reject') into.skip(name, 'it rejects; carried as a block, which does not answer the program');
  if (rule['precedence'] === true)
    into.skip(name, 'its precedence over other rules is not carried: here a more specific rule goes first');
  const { user, ...lists } = parts;
  into.add({
    subject: name,
    key: name,
    verdict: action === 'allow' ? 'permit' : 'block',
    ...lists,
    ...(user === undefined ? undefined : { user }),
    directions: ['out'],
    lifetime,
    enabled: rule['enabled'] !== false,
    note: [name, textOf(rule['description'])].filter(part => part !== '').join(': '),
  });
}

/** Reads OpenSnitch rules: one JSON object, or a list of them. @throws RuleError when it is no JSON */
export function importOpenSnitch(text: string, file: string, now: number): Imported {
  const into = new Collector('opensnitch', now);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RuleError(`${file} is not JSON: ${(error as Error).message}. Correct it and try again.`);
  }
  const list = Array.isArray(value) ? value : isObject(value) && Array.isArray(value['rules']) ? value['rules'] : [value];
  list.forEach((rule, at) => {
    if (isObject(rule)) one(rule, at, into, now);
    else into.skip(`rule ${at + 1}`, 'it is no JSON object');
  });
  return into.result;
}
