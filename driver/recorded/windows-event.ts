import type { AttemptLayer, ConnectionAttempt, Endpoint, NameEvidence, Verdict } from '../../engine/model/attempt.ts';
import { canonicalAddress, familyOf } from './address.ts';
import type { NameTable } from './names.ts';
import type { Parsed, Step } from './step.ts';

type Fields = { readonly [name: string]: unknown };

/**
 * The fields of one event, whatever the shipper: NXLog writes them flat, winlogbeat 6 under `event_data`, winlogbeat 7 and later under
 * `winlog.event_data`, where the number of the event is called `event_id`.
 */
function fieldsOf(record: Fields): { id: number; fields: Fields } | undefined {
  const outer = isFields(record['winlog']) ? { ...record, ...record['winlog'] } : record;
  const id = Number(outer['EventID'] ?? outer['event_id']);
  if (!Number.isInteger(id)) return undefined;
  return { id, fields: isFields(outer['event_data']) ? { ...outer, ...outer['event_data'] } : outer };
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The longest text that is taken over from an event. */
const MAX_TEXT = 4096;

/** A field as text; `-` and empty mean that nothing was logged. */
function text(fields: Fields, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = fields[name];
    if (typeof value !== 'string' && typeof value !== 'number') continue;
    const trimmed = String(value).trim();
    if (trimmed !== '' && trimmed !== '-') return trimmed.slice(0, MAX_TEXT);
  }
  return undefined;
}

/** A number within bounds, decimal or `0x…`. */
function number(fields: Fields, max: number, ...names: readonly string[]): number | undefined {
  const value = text(fields, ...names);
  if (value === undefined || !/^(\d+|0x[0-9a-f]+)$/i.test(value)) return undefined;
  const result = Number(value);
  return result <= max ? result : undefined;
}

/** Sysmon's UtcTime (`2020-08-06 06:26:44.872`), else the shipper's UTC stamp, else the local time of the event taken as UTC. */
function timeOf(fields: Fields): number | undefined {
  for (const name of ['UtcTime', '@timestamp', 'TimeCreated', 'EventTime']) {
    const value = text(fields, name);
    if (value === undefined) continue;
    const iso = value.replace(' ', 'T');
    const at = Date.parse(/Z|[+-]\d\d:?\d\d$/.test(iso) ? iso : `${iso}Z`);
    if (Number.isFinite(at)) return at;
  }
  return undefined;
}

function endpoint(fields: Fields, address: readonly string[], port: readonly string[]): Endpoint | undefined {
  const canonical = canonicalAddress(text(fields, ...address) ?? '');
  const number_ = number(fields, 65535, ...port);
  return canonical === undefined || number_ === undefined ? undefined : { address: canonical, port: number_ };
}

const protocols = new Map([
  ['tcp', 6],
  ['udp', 17],
]);

const machineOf = (fields: Fields): string => text(fields, 'Hostname', 'computer_name', 'Computer') ?? '';

function attempt(
  fields: Fields,
  at: number,
  layer: AttemptLayer,
  protocol: number,
  sides: { local?: Endpoint; remote?: Endpoint; family: 'v4' | 'v6' },
  names: readonly NameEvidence[],
): ConnectionAttempt {
  const path = text(fields, 'Image', 'Application');
  const user = text(fields, 'User');
  return {
    id: 0,
    layer,
    family: sides.family,
    protocol,
    ...(sides.local && { local: sides.local }),
    ...(sides.remote && { remote: sides.remote }),
    identity: {
      pid: number(fields, 0xffffffff, 'ProcessId', 'ProcessID') ?? 0,
      ...(path && path !== '<unknown process>' && { path }),
      ...(user && { user }),
      parents: [],
    },
    names,
    at,
  };
}

/**
 * Sysmon 3, a connection seen. For TCP the source is who connected, so it is remote when Initiated is false; for UDP the source is the
 * machine's own side in either case (so in every such event of the recorded hosts: a DNS server answers with SourcePort 53).
 * Source: https://learn.microsoft.com/sysinternals/downloads/sysmon#event-id-3-network-connection
 */
function sysmonConnection(fields: Fields, at: number, table: NameTable): Parsed {
  const source = endpoint(fields, ['SourceIp'], ['SourcePort']);
  const destination = endpoint(fields, ['DestinationIp'], ['DestinationPort']);
  if (!source || !destination) return { bad: 'an address or port is missing' };
  const protocol = protocols.get(text(fields, 'Protocol')?.toLowerCase() ?? '');
  if (protocol === undefined) return { bad: 'the protocol is neither tcp nor udp' };
  const inbound = text(fields, 'Initiated')?.toLowerCase() === 'false';
  const swapped = inbound && protocol === 6;
  const [local, remote] = swapped ? [destination, source] : [source, destination];
  const machine = machineOf(fields);
  const name = text(fields, swapped ? 'SourceHostname' : 'DestinationHostname');
  if (name) table.learn(machine, remote.address, { name, kind: 'event', at });
  const layer = inbound ? 'ALE_AUTH_RECV_ACCEPT' : 'ALE_AUTH_CONNECT';
  const sides = { local, remote, family: familyOf(remote.address) };
  return {
    steps: [{ type: 'attempt', at, attempt: attempt(fields, at, layer, protocol, sides, table.of(machine, remote.address)) }],
  };
}

/**
 * Sysmon 22, a DNS answer: `type:  5 www.example.net;::ffff:192.0.2.1;`, record types by number (RFC 1035, RFC 2782).
 * Source: https://learn.microsoft.com/sysinternals/downloads/sysmon#event-id-22-dnsevent-dns-query
 */
function sysmonDns(fields: Fields, at: number, table: NameTable): Parsed {
  const name = text(fields, 'QueryName')?.replace(/\.$/, '');
  if (!name) return { bad: 'the DNS event has no QueryName' };
  const pid = number(fields, 0xffffffff, 'ProcessId', 'ProcessID');
  const entries = (text(fields, 'QueryResults') ?? '').split(';').map(entry => entry.trim());
  const services = entries.flatMap(entry => /^type:\s+33 (\S+)$/.exec(entry)?.[1]?.replace(/\.$/, '') ?? []);
  // The addresses that come with one SRV record are those of its target; a CNAME's are those of the name that was asked.
  const owner = services.length === 1 ? services[0]! : name;
  const steps: Step[] = [];
  for (const entry of entries) {
    const address = canonicalAddress(entry);
    if (address === undefined) continue;
    const evidence: NameEvidence = { name: owner, kind: 'dns', at, ...(pid !== undefined && { pid }) };
    table.learn(machineOf(fields), address, evidence);
    steps.push({ type: 'told', at, event: { type: 'named', address, evidence } });
  }
  return steps.length > 0 ? { steps } : { skipped: 'DNS question without an address' };
}

/** Layers by run-time id and by the message number that LayerName holds. Other layers (transport, packet) go by direction. */
const layers = new Map<string, AttemptLayer>([
  ['36', 'ALE_RESOURCE_ASSIGNMENT'],
  ['38', 'ALE_RESOURCE_ASSIGNMENT'],
  ['40', 'ALE_AUTH_LISTEN'],
  ['42', 'ALE_AUTH_LISTEN'],
  ['44', 'ALE_AUTH_RECV_ACCEPT'],
  ['46', 'ALE_AUTH_RECV_ACCEPT'],
  ['48', 'ALE_AUTH_CONNECT'],
  ['50', 'ALE_AUTH_CONNECT'],
  ['%%14608', 'ALE_RESOURCE_ASSIGNMENT'],
  ['%%14609', 'ALE_AUTH_LISTEN'],
  ['%%14610', 'ALE_AUTH_RECV_ACCEPT'],
  ['%%14611', 'ALE_AUTH_CONNECT'],
]);

/** Security events of the filtering platform: what each says was decided, and at which layer when the event does not tell. */
const security = new Map<number, { verdict: Verdict; layer?: AttemptLayer }>([
  [5152, { verdict: 'block' }],
  [5153, { verdict: 'block' }],
  [5154, { verdict: 'permit', layer: 'ALE_AUTH_LISTEN' }],
  [5155, { verdict: 'block', layer: 'ALE_AUTH_LISTEN' }],
  [5156, { verdict: 'permit' }],
  [5157, { verdict: 'block' }],
  [5158, { verdict: 'permit', layer: 'ALE_RESOURCE_ASSIGNMENT' }],
  [5159, { verdict: 'block', layer: 'ALE_RESOURCE_ASSIGNMENT' }],
]);

/** 5156 and 5157 name the sides of the packet: for inbound traffic the machine's own side is the destination. */
function platformEvent(id: number, fields: Fields, at: number, table: NameTable): Parsed {
  const { verdict, layer: fixed } = security.get(id)!;
  const inbound = /%%14592|inbound/i.test(text(fields, 'Direction') ?? '');
  const byDirection = inbound ? 'ALE_AUTH_RECV_ACCEPT' : 'ALE_AUTH_CONNECT';
  const layer =
    fixed ?? layers.get(text(fields, 'LayerName') ?? '') ?? layers.get(text(fields, 'LayerRTID') ?? '') ?? byDirection;
  const protocol = number(fields, 255, 'Protocol');
  if (protocol === undefined) return { bad: 'the protocol is no number' };
  const source = endpoint(fields, ['SourceAddress'], ['SourcePort']);
  const destination = endpoint(fields, ['DestAddress', 'DestinationAddress'], ['DestPort', 'DestinationPort']);
  const ownOnly = layer === 'ALE_RESOURCE_ASSIGNMENT' || layer === 'ALE_AUTH_LISTEN';
  if (!source || !(destination || ownOnly)) return { bad: 'an address or port is missing' };
  const machine = machineOf(fields);
  if (ownOnly) {
    // A dual-stack socket is classified at the V4 layers too, and the log still shows `::` there.
    const v4 = ['36', '40'].includes(text(fields, 'LayerRTID') ?? '') && source.address === '::';
    const local = v4 ? { ...source, address: '0.0.0.0' } : source;
    const own = attempt(fields, at, layer, protocol, { local, family: familyOf(local.address) }, []);
    return { steps: [{ type: 'attempt', at, attempt: own, verdict }] };
  }
  const [local, remote] = inbound ? [destination!, source] : [source, destination!];
  const sides = { local, remote, family: familyOf(remote.address) };
  const full = attempt(fields, at, layer, protocol, sides, table.of(machine, remote.address));
  return { steps: [{ type: 'attempt', at, attempt: full, verdict }] };
}

/** Reads one event of a Windows log; the table gathers names over the whole log. */
export function parseWindowsEvent(record: Fields, table: NameTable): Parsed {
  const event = fieldsOf(record);
  if (!event) return { bad: 'it has neither EventID nor event_id' };
  const { id, fields } = event;
  const source = text(fields, 'SourceName', 'source_name', 'provider_name', 'Channel', 'channel', 'log_name') ?? '';
  const sysmon = /sysmon/i.test(source) && (id === 3 || id === 22);
  if (!sysmon && !security.has(id)) return { skipped: `event ${id}` };
  const at = timeOf(fields);
  if (at === undefined) return { bad: 'it has no readable time' };
  if (!sysmon) return platformEvent(id, fields, at, table);
  return id === 3 ? sysmonConnection(fields, at, table) : sysmonDns(fields, at, table);
}
