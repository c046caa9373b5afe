import type { RemoteScope, Rule, Scope } from '../rule.ts';
import { RuleError } from '../rule-error.ts';
import { Collector, type Draft, type Imported } from './draft.ts';
import { expandPath, LAN, parsePlace, parsePortList, serviceSid } from './places.ts';

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Enums as numbers, or as the names that other exports use. */
function enumOf(value: unknown, names: readonly string[]): string | undefined {
  if (typeof value === 'number') return names[value - 1];
  return names.find(name => name.toLowerCase() === textOf(value).toLowerCase());
}
const SUBJECTS = ['global', 'executable', 'service', 'appcontainer'];
const POLICIES = ['hardblock', 'unrestricted', 'tcpudponly', 'rulelist'];

type Base = Pick<Draft, 'subject' | 'key' | 'enabled' | 'note' | 'apps' | 'user'>;

const lan = (policy: Json): readonly RemoteScope[] => (policy['LocalNetworkOnly'] === true ? LAN : []);

/** Ports of a simple policy: each list is a permit for one protocol in one direction; empty means none. */
function tcpUdp(policy: Json, base: Base, into: Collector): undefined {
  const lists = [
    ['AllowedRemoteTcpConnectPorts', 6, 'out'],
    ['AllowedRemoteUdpConnectPorts', 17, 'out'],
    ['AllowedLocalTcpListenerPorts', 6, 'in'],
    ['AllowedLocalUdpListenerPorts', 17, 'in'],
  ] as const;
  for (const [name, protocol, direction] of lists) {
    const text = textOf(policy[name]);
    if (text === '') continue;
    const ports = parsePortList(text);
    if (!ports) into.skip(base.subject, `its ports ${text.slice(0, 60)} (${name}) cannot be read`);
    else
      into.add({
        ...base,
        key: `${base.key} ${name}`,
        verdict: 'permit',
        protocols: [protocol],
        ports,
        remotes: lan(policy),
        directions: [direction],
      });
  }
}

function protocolsOf(value: unknown): readonly number[] | undefined {
  if (value === undefined || value === 1024 || value === 'Any') return [];
  if (value === 1025 || value === 'TcpUdp') return [6, 17];
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255 ? [value] : undefined;
}

function listedRule(rule: Json, at: number, base: Base, into: Collector): undefined {
  const subject = `${base.subject}, ${textOf(rule['Name']) || `rule ${at + 1}`}`;
  const action = enumOf(rule['Action'], ['allow', 'block']);
  const direction = enumOf(rule['Direction'], ['in', 'out', 'inout']);
  if (!action) return into.skip(subject, `its action ${JSON.stringify(rule['Action']) ?? '(none)'} is not known`);
  if (!direction) return into.skip(subject, `its direction ${JSON.stringify(rule['Direction']) ?? '(none)'} is not known`);
  const protocols = protocolsOf(rule['Protocol']);
  if (!protocols) return into.skip(subject, `its protocol ${JSON.stringify(rule['Protocol'])} is not known`);
  if (textOf(rule['LocalAddresses']))
    return into.skip(subject, 'it is restricted to a local address, which a rule here cannot say');
  if (textOf(rule['IcmpTypesAndCodes']))
    return into.skip(subject, 'it is restricted to ICMP types, which a rule here cannot say');
  const places = textOf(rule['RemoteAddresses'])
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '');
  const remotes: RemoteScope[] = [];
  for (const place of places) {
    const parsed = /^localsubnet$/i.test(place) ? LAN : parsePlace(place);
    if (!parsed) return into.skip(subject, `its remote address ${place} is a name that only Windows can resolve`);
    remotes.push(...parsed);
  }
  const verdict: Rule['verdict'] = action === 'allow' ? 'permit' : 'block';
  const directions: readonly Scope['direction'][] = direction === 'inout' ? ['out', 'in'] : [direction as 'in' | 'out'];
  for (const each of directions) {
    const [own, other] = each === 'out' ? ['RemotePorts', 'LocalPorts'] : ['LocalPorts', 'RemotePorts'];
    if (textOf(rule[other ?? ''])) {
      into.skip(
        `${subject}, ${each}`,
        `it is restricted to ${other === 'LocalPorts' ? 'local' : 'remote'} ports, which a rule here cannot say for this direction`,
      );
      continue;
    }
    const ports = parsePortList(textOf(rule[own ?? '']));
    if (!ports) into.skip(`${subject}, ${each}`, `its ports ${textOf(rule[own ?? '']).slice(0, 60)} cannot be read`);
    else into.add({ ...base, subject, key: `${base.key} ${at} ${each}`, verdict, protocols, ports, remotes, directions: [each] });
  }
}

function component(value: unknown, application: string, at: number, into: Collector): undefined {
  if (!isObject(value) || !isObject(value['Subject']) || !isObject(value['Policy']))
    return into.skip(`${application}, component ${at + 1}`, 'it has no subject or no policy');
  const { Subject: subject, Policy: policy } = value as { Subject: Json; Policy: Json };
  const kind = enumOf(subject['SubjectType'], SUBJECTS);
  const raw = textOf(subject['ExecutablePath']) || textOf(subject['ExecutableName']);
  const service = textOf(subject['ServiceName']);
  const name = service || raw || `component ${at + 1}`;
  const title = `${application}, ${name}`;
  if (!kind) return into.skip(title, `its kind of subject ${JSON.stringify(subject['SubjectType'])} is not known`);
  if (kind === 'appcontainer') return into.skip(title, 'app packages cannot be named in a rule here');
  const path = raw === '' ? undefined : expandPath(raw);
  if (raw !== '' && path === undefined) return into.skip(title, 'its path depends on who is logged on');
  if (kind !== 'global' && path === undefined && service === '') return into.skip(title, 'it names no program');
  if (path !== undefined && path !== 'System' && !/[\\/]/.test(path))
    return into.skip(title, 'it names a file without its folder, which could be any program of that name');
  const base: Base = {
    subject: title,
    key: `${application} ${at} ${name}`,
    enabled: true,
    note: [application, service ? `service ${service}` : ''].filter(part => part !== '').join(': '),
    ...(path === undefined ? undefined : { apps: [path] }),
    ...(service ? { user: serviceSid(service) } : undefined),
  };
  switch (enumOf(policy['PolicyType'], POLICIES)) {
    case 'hardblock':
      return into.add({ ...base, verdict: 'block', directions: ['out', 'in'] });
    case 'unrestricted':
      return into.add({ ...base, verdict: 'permit', remotes: lan(policy), directions: ['out', 'in'] });
    case 'tcpudponly':
      return tcpUdp(policy, base, into);
    case 'rulelist':
      for (const [index, rule] of listOf(policy['Rules']).entries()) {
        if (isObject(rule)) listedRule(rule, index, base, into);
        else into.skip(title, `rule ${index + 1} is no JSON object`);
      }
      return;
    default:
      into.skip(title, `its policy ${JSON.stringify(policy['PolicyType'])} is not known`);
  }
}

/** Reads TinyWall's JSON: known applications with their components, or exceptions of a configuration. @throws RuleError */
export function importTinyWall(text: string, file: string, now: number): Imported {
  const into = new Collector('tinywall', now);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RuleError(`${file} is not JSON: ${(error as Error).message}. Correct it and try again.`);
  }
  const root = isObject(value) ? value : {};
  for (const [at, application] of listOf(root['KnownApplications']).entries()) {
    const name = isObject(application) ? textOf(application['Name']) || `application ${at + 1}` : `application ${at + 1}`;
    const components = isObject(application) ? listOf(application['Components']) : [];
    if (components.length === 0) into.skip(name, 'it has no components');
    components.forEach((each, index) => {
      component(each, name, index, into);
    });
  }
  const profiles = [root, ...listOf(root['ServerProfiles']), ...listOf(root['Profiles'])].filter(isObject);
  for (const profile of profiles) {
    listOf(profile['AppExceptions']).forEach((each, index) => {
      component(each, 'exception', index, into);
    });
  }
  return into.result;
}
