import type { RemoteScope } from '../rule.ts';
import { Collector, type Imported, type Port } from './draft.ts';
import { expandPath, parsePlace, parsePortList, serviceSid } from './places.ts';

/** Restrictions that a rule here cannot say; a rule with one of them is left out rather than widened. */
const NARROWER: Readonly<Record<string, string>> = {
  LA4: 'a local address',
  LA6: 'a local address',
  LA42: 'a local address',
  LA62: 'a local address',
  ICMP4: 'ICMP types',
  ICMP6: 'ICMP types',
  PFN: 'an app package',
  AppPkgId: 'an app package',
  IF: 'an interface',
  IFType: 'an interface type',
  LUAuth: 'authorised local users',
  LUOwn: 'the owner of the program',
  RUAuth: 'authorised remote users',
  RMauth: 'authorised remote machines',
  LOM: 'local-only mapping',
  Auth1Set: 'authentication',
  Auth2Set: 'authentication',
  Security: 'IPsec security',
  Security2: 'IPsec security',
  Security2_9: 'IPsec security',
  SkipVer: 'a Windows version',
  TTK: 'a trust tuple keyword',
  TTK2_22: 'a trust tuple keyword',
  TTK2_27: 'a trust tuple keyword',
  TTK2_28: 'a trust tuple keyword',
  PSecure: 'secure packets',
  RA4Keyword: 'a dynamic keyword address',
};
/** Keys that say nothing about what is matched. */
const HARMLESS = new Set([
  'Name',
  'Desc',
  'EmbedCtxt',
  'Edge',
  'Defer',
  'Platform',
  'Platform2',
  'NNm',
  'SecurityRealmId',
  'Compartment',
  'CandidateForAutoReset',
]);
const READ = new Set(['Action', 'Active', 'Dir', 'Protocol', 'Profile', 'App', 'Svc']);
const ALL_PROFILES = 3;

/** The values of a REG_SZ export: name and text, escapes resolved. */
export function* regValues(text: string): Generator<{ name: string; value: string; line: number }> {
  let line = 0;
  for (const raw of text.split(/\r\n|\n|\r/)) {
    line++;
    const match = /^\s*"((?:[^"\\]|\\.)*)"="((?:[^"\\]|\\.)*)"\s*$/.exec(raw);
    if (match) yield { name: unescaped(match[1] ?? ''), value: unescaped(match[2] ?? ''), line };
    else if (/^\s*"/.test(raw)) yield { name: raw.trim().slice(0, 60), value: '', line };
  }
}

const unescaped = (text: string): string => text.replace(/\\(.)/g, '$1');

/** Splits `v2.30|Key=Value|…|`; keys may repeat. Undefined when it is no rule. */
export function ruleFields(value: string): { version: string; fields: Map<string, string[]> } | undefined {
  const [version = '', ...parts] = value.split('|');
  if (!/^v\d+\.\d+$/.test(version)) return undefined;
  const fields = new Map<string, string[]>();
  for (const part of parts) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const key = at < 0 ? part : part.slice(0, at);
    const list = fields.get(key);
    const text = at < 0 ? '' : part.slice(at + 1);
    if (list) list.push(text);
    else fields.set(key, [text]);
  }
  return { version, fields };
}

const keysOf = (fields: ReadonlyMap<string, readonly string[]>, pattern: RegExp): string[] =>
  [...fields].filter(([key]) => pattern.test(key)).flatMap(([, values]) => values);

function ports(texts: readonly string[]): Port[] | string {
  const result: Port[] = [];
  for (const text of texts) {
    const list = parsePortList(text);
    if (!list) return text;
    result.push(...list);
  }
  return result;
}

function places(texts: readonly string[]): RemoteScope[] | string {
  const result: RemoteScope[] = [];
  for (const text of texts) {
    const place = parsePlace(text);
    if (!place) return text;
    result.push(...place);
  }
  return result;
}

function one(name: string, fields: ReadonlyMap<string, readonly string[]>, into: Collector): undefined {
  const first = (key: string) => fields.get(key)?.[0];
  const title = first('Name') ?? name;
  const subject = title === name ? name : `${title} (${name})`;
  const skip = (reason: string): undefined => into.skip(subject, reason);
  const action = first('Action')?.toLowerCase();
  if (action !== 'allow' && action !== 'block') return skip(`its action ${first('Action') ?? '(none)'} has no counterpart`);
  const dir = first('Dir')?.toLowerCase();
  if (dir !== 'in' && dir !== 'out') return skip(`its direction ${first('Dir') ?? '(none)'} is not known`);
  for (const key of fields.keys()) {
    const narrower = NARROWER[key];
    if (narrower) return skip(`it is restricted to ${narrower} (${key}), which a rule here cannot say`);
    if (!HARMLESS.has(key) && !READ.has(key) && !/^[LR]Port|^RA[46]/.test(key))
      return skip(`${key} is not known here; without it the rule could cover more`);
  }
  const profiles = new Set(fields.get('Profile') ?? []);
  if (profiles.size > 0 && profiles.size < ALL_PROFILES)
    return skip(`it holds for the ${[...profiles].join(' and ')} profile only, which a rule here cannot say`);
  const protocolText = first('Protocol');
  const protocol = protocolText === undefined || protocolText === '256' ? undefined : Number(protocolText);
  if (protocol !== undefined && !(Number.isInteger(protocol) && protocol >= 0 && protocol <= 255))
    return skip(`its protocol ${protocolText} is none`);
  const [local, remote] = [ports(keysOf(fields, /^LPort/)), ports(keysOf(fields, /^RPort/))];
  if (typeof local === 'string') return skip(`its local port ${local} is a name for ports that only Windows can tell`);
  if (typeof remote === 'string') return skip(`its remote port ${remote} is a name for ports that only Windows can tell`);
  const [own, other] = dir === 'in' ? [local, remote] : [remote, local];
  if (other.length > 0)
    return skip(
      `it is restricted to a ${dir === 'in' ? 'remote' : 'local'} port, which a rule here cannot say for this direction`,
    );
  const remotes = places(keysOf(fields, /^RA[46]/));
  if (typeof remotes === 'string') return skip(`its remote address ${remotes} is a name that only Windows can resolve`);
  const app = first('App');
  const path = app === undefined ? undefined : expandPath(app);
  if (app !== undefined && path === undefined) return skip(`its program ${app} depends on who is logged on`);
  const service = first('Svc');
  if (service === '*') return skip('it is for any service, which a rule here cannot say');
  into.add({
    subject,
    key: name,
    verdict: action === 'allow' ? 'permit' : 'block',
    ...(path === undefined ? undefined : { apps: [path] }),
    ...(service ? { user: serviceSid(service) } : undefined),
    remotes,
    ports: own,
    ...(protocol === undefined ? undefined : { protocols: [protocol] }),
    directions: [dir],
    enabled: first('Active')?.toUpperCase() !== 'FALSE',
    note: [title, service ? `service ${service}` : '', first('Desc') ?? ''].filter(part => part !== '').join(': '),
  });
}

/** Reads a `.reg` export of Windows Firewall rules. Values that are no rules are reported. */
export function importWindowsFirewall(text: string, now: number): Imported {
  const into = new Collector('windows-firewall', now);
  for (const { name, value, line } of regValues(text)) {
    const parsed = ruleFields(value);
    if (parsed) one(name, parsed.fields, into);
    else if (value !== '' || !/=(dword|hex)/.test(name)) into.skip(`line ${line}, ${name}`, 'this value is no firewall rule');
  }
  return into.result;
}
