import { SaxesParser } from 'saxes';
import type { Lifetime, RemoteScope, Scope } from '../rule.ts';
import { RuleError } from '../rule-error.ts';
import { Collector, type Imported, type Port } from './draft.ts';
import { expandPath, parsePlace, parsePortText, serviceSid } from './places.ts';

interface Item {
  readonly section: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly line: number;
}

const MAX_ITEMS = 100_000;

/** All items of a profile with their attributes. @throws RuleError when it is not well-formed or no profile */
function itemsOf(text: string, file: string): { version: number; items: Item[] } {
  const parser = new SaxesParser({ xmlns: false as const });
  const path: string[] = [];
  const items: Item[] = [];
  let version = 0;
  let failed: RuleError | undefined;
  parser.on('error', error => {
    failed ??= new RuleError(
      `${file}, line ${parser.line}: this is not well-formed XML (${error.message.replace(/^\d+:\d+: /, '').replace(/\.$/, '')}). Correct it and try again.`,
    );
  });
  parser.on('opentag', ({ name, attributes }) => {
    const plain = attributes as Record<string, string>;
    if (path.length === 0 && name === 'root') version = Number(plain['version'] ?? 0);
    if (path.length === 0 && name !== 'root')
      failed ??= new RuleError(`${file}: the root element is <${name}>, so this is no simplewall profile.`);
    if (path.length >= 1 && name === 'item' && items.length < MAX_ITEMS)
      items.push({ section: path.at(-1) ?? '', attributes: { ...plain }, line: parser.line });
    path.push(name);
  });
  parser.on('closetag', () => void path.pop());
  parser.write(text.replace(/^\uFEFF/, '')).close();
  if (failed) throw failed;
  return { version, items };
}

const isTrue = (value: string | undefined): boolean => value === 'true' || value === '1';

interface Entry {
  readonly port?: Port;
  readonly places?: readonly RemoteScope[];
}

/** One entry of a rule text: a port, a port range, an address, a network, an address range, or an address with a port. */
function parseEntry(text: string): Entry | undefined {
  const port = parsePortText(text);
  if (port) return { port };
  const places = parsePlace(text);
  if (places) return { places };
  const both = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5}(?:-\d{1,5})?)$/.exec(text);
  if (!both) return undefined;
  const [at, atPort] = [parsePlace(both[1] ?? both[2] ?? ''), parsePortText(both[3] ?? '')];
  return at && atPort ? { places: at, port: atPort } : undefined;
}

/** Entries of the user's own rules, old and new forms of the attributes. */
function ruleTexts(attributes: Readonly<Record<string, string>>): { remote: string[]; local: string[] } {
  const split = (text: string | undefined) =>
    (text ?? '')
      .split(/[;,]/)
      .map(part => part.trim())
      .filter(part => part !== '');
  return { remote: split(attributes['rule'] ?? attributes['ip']), local: split(attributes['rule_local']) };
}

const DIRECTIONS: Readonly<Record<string, readonly Scope['direction'][]>> = { '0': ['out'], '1': ['in'], '2': ['out', 'in'] };

interface Apps {
  readonly paths: readonly string[];
  readonly services: readonly string[];
}

function appsOf(text: string, version: number, subject: string, into: Collector): Apps | undefined {
  const names = text
    .split(version > 0 && version < 3 ? /[;|]/ : '|')
    .map(name => name.trim())
    .filter(name => name !== '');
  const paths: string[] = [];
  const services: string[] = [];
  for (const name of names) {
    if (/^S-1-15-/i.test(name)) {
      into.skip(`${subject}, app package ${name}`, 'app packages cannot be named in a rule here');
    } else if (/[\\/%]/.test(name) || name.toLowerCase() === 'system') {
      const path = expandPath(name);
      if (path) paths.push(path);
      else into.skip(`${subject}, program ${name}`, 'its path depends on who is logged on');
    } else services.push(name);
  }
  return names.length > 0 && paths.length + services.length === 0 ? undefined : { paths, services };
}

const protocolOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,3}$/.test(text) && text !== '0' ? Number(text) : undefined;

function addRule(
  item: Item,
  version: number,
  into: Collector,
  override: Readonly<Record<string, string>> | undefined,
): undefined {
  const { attributes, section } = item;
  const name = attributes['name'] ?? `line ${item.line}`;
  const subject = `${section.replace('rules_', '')} rule ${name}`;
  for (const key of ['rule_remote']) {
    if (attributes[key] !== undefined)
      into.skip(
        subject,
        `simplewall itself ignores its attribute ${key}="${attributes[key].slice(0, 60)}" (it reads "rule"), so it is not taken either`,
      );
  }
  const blocklist = section === 'rules_blocklist';
  const directions = DIRECTIONS[attributes['dir'] ?? attributes['direction'] ?? (blocklist ? '2' : '0')];
  if (!directions) return into.skip(subject, `its direction ${attributes['dir'] ?? attributes['direction']} is not known`);
  const texts = ruleTexts(attributes);
  const apps = appsOf(override?.['apps'] ?? attributes['apps'] ?? '', version, subject, into);
  if (!apps) return into.skip(subject, 'none of its programs can be carried');
  const protocol = protocolOf(attributes['protocol']);
  if (
    texts.remote.length === 0 &&
    texts.local.length === 0 &&
    apps.paths.length === 0 &&
    apps.services.length === 0 &&
    protocol === undefined
  ) {
    return into.skip(subject, 'it names no address, port, protocol or program');
  }
  const lines = (override?.['is_enabled'] ?? attributes['is_enabled']) as string | undefined;
  const base = {
    subject,
    verdict: blocklist || isTrue(attributes['is_block']) ? ('block' as const) : ('permit' as const),
    enabled: lines === undefined ? blocklist : isTrue(lines),
    ...(protocol === undefined ? undefined : { protocols: [protocol] }),
    note: [name, attributes['comment'] ?? ''].filter(part => part !== '').join(': '),
  };
  for (const direction of directions) {
    // The port of a rule here is the remote one going out and the local one coming in.
    const remote = entries(texts.remote, subject, into);
    const local = entries(texts.local, subject, into);
    if (!remote || !local) return;
    if (local.some(entry => entry.places))
      return into.skip(subject, 'it is restricted to a local address, which a rule here cannot say');
    const foreign = direction === 'out' ? local : remote;
    if (foreign.some(entry => entry.port)) {
      into.skip(
        `${subject}, ${direction}`,
        `it is restricted to a ${direction === 'out' ? 'local' : 'remote'} port, which a rule here cannot say for this direction`,
      );
      continue;
    }
    const places = remote.filter(entry => entry.places);
    const portsAlone = (direction === 'out' ? remote : local).filter(entry => entry.port && !entry.places);
    const drafts: { remotes?: readonly RemoteScope[]; ports?: readonly Port[] }[] = [];
    const plain = places.filter(entry => !entry.port).flatMap(entry => entry.places ?? []);
    const localPorts = direction === 'in' ? portsAlone.flatMap(entry => entry.port ?? []) : [];
    if (plain.length > 0) drafts.push({ remotes: plain, ports: localPorts });
    for (const entry of places) if (entry.port) drafts.push({ remotes: entry.places ?? [], ports: [entry.port] });
    if (direction === 'out' && portsAlone.length > 0) drafts.push({ ports: portsAlone.flatMap(entry => entry.port ?? []) });
    if (direction === 'in' && plain.length === 0 && localPorts.length > 0) drafts.push({ ports: localPorts });
    if (drafts.length === 0) drafts.push({});
    drafts.forEach((draft, at) => {
      const key = `${section} ${name} ${item.line} ${direction} ${at}`;
      if (apps.paths.length > 0 || apps.services.length === 0)
        into.add({ ...base, ...draft, key, apps: apps.paths, directions: [direction] });
      for (const service of apps.services)
        into.add({
          ...base,
          ...draft,
          key: `${key} ${service}`,
          user: serviceSid(service),
          directions: [direction],
          note: `${base.note} (service ${service})`,
        });
    });
  }
}

function entries(texts: readonly string[], subject: string, into: Collector): Entry[] | undefined {
  const parsed = texts.map(text => ({ text, entry: parseEntry(text) }));
  const bad = parsed.filter(each => !each.entry);
  for (const { text } of bad) into.skip(subject, `"${text.slice(0, 60)}" is neither a port nor an address`);
  const good = parsed.flatMap(each => each.entry ?? []);
  return texts.length > 0 && good.length === 0 ? undefined : good;
}

function addApp(item: Item, into: Collector, now: number): undefined {
  const { attributes } = item;
  const raw = attributes['path'] ?? '';
  const subject = `program ${raw || `in line ${item.line}`}`;
  if (raw === '') return into.skip(subject, 'it has no path');
  if (!isTrue(attributes['is_enabled']))
    return into.skip(subject, 'it is known to simplewall but not allowed, so there is no rule');
  if (/^S-1-15-/i.test(raw)) return into.skip(subject, 'app packages cannot be named in a rule here');
  const until = Number(attributes['timer'] ?? 0) * 1000;
  if (until > 0 && until <= now) return into.skip(subject, 'it was allowed for a time that is over');
  const lifetime: Lifetime = until > 0 ? { kind: 'until', at: until } : { kind: 'permanent' };
  const service = !/[\\/%]/.test(raw) && raw.toLowerCase() !== 'system';
  const path = expandPath(raw);
  if (!service && path === undefined) return into.skip(subject, 'its path depends on who is logged on');
  into.add({
    subject,
    key: `app ${raw}`,
    verdict: 'permit',
    ...(service ? { user: serviceSid(raw) } : { apps: [path ?? raw] }),
    directions: ['out', 'in'],
    lifetime,
    enabled: true,
    note: [service ? `service ${raw}` : '', attributes['comment'] ?? ''].filter(part => part !== '').join(': '),
  });
}

/**
 * Reads a simplewall profile, the user's (type 3) or the internal one (type 4), of any version. Allowed programs become permits in both
 * directions. @throws RuleError when it is no profile
 */
export function importSimplewall(text: string, file: string, now: number): Imported {
  const { version, items } = itemsOf(text, file);
  const into = new Collector('simplewall', now);
  const overrides = new Map(
    items.filter(item => item.section === 'rules_config').map(item => [item.attributes['name'] ?? '', item]),
  );
  const used = new Set<string>();
  for (const item of items) {
    const name = item.attributes['name'] ?? '';
    if (item.section === 'apps') addApp(item, into, now);
    else if (['rules_custom', 'rules_system', 'rules_blocklist', 'rules'].includes(item.section)) {
      const override = overrides.get(name);
      if (override) used.add(name);
      addRule(item, version, into, override?.attributes);
    } else if (item.section !== 'rules_config')
      into.skip(`line ${item.line}, section ${item.section}`, 'this section is not known');
  }
  for (const [name, { attributes }] of overrides) {
    if (!used.has(name))
      into.skip(
        `setting of rule ${name}`,
        `it turns ${isTrue(attributes['is_enabled']) ? 'on' : 'off'} a rule that simplewall brings along and this file does not hold`,
      );
  }
  return into.result;
}
