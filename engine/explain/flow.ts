import { formatV4, formatV6, mappedV4, parseV4, parseV6 } from '../dumps/address.ts';
import { utf16Bytes } from '../dumps/keep.ts';
import type { ClassifyValues } from '../model/classify.ts';
import { layerByName } from '../model/layers.ts';
import type { Layer } from '../model/objects.ts';
import type { FwpValue } from '../model/value.ts';
import { protocolNumber } from './words.ts';

/** What a question says of the traffic. Everything may be missing: then it is unknown. */
export interface Flow {
  /** Layer name (`ALE_AUTH_CONNECT_V4`). */
  readonly layer: string;
  /** Program: a device path, a drive path or a file name. */
  readonly app?: string;
  readonly protocol?: number;
  readonly remote?: string;
  readonly remotePort?: number;
  readonly local?: string;
  readonly localPort?: number;
  /** SIDs that the token holds, user first. */
  readonly sids?: readonly string[];
  /** The token holds these SIDs and no other. */
  readonly wholeToken?: boolean;
  /** Package SID; `S-1-0-0` for a program that is no app. */
  readonly packageSid?: string;
  /** Bits of FWP_CONDITION_FLAG_*, all of them. */
  readonly flags?: number;
  /** Whether it is loopback traffic, where that is told. */
  readonly loopback?: boolean;
  /** It is the first classification of a connection through an ordinary socket: not a reauthorization, not a raw endpoint. */
  readonly newConnection?: boolean;
  /** 0 none, 1 public, 2 private, 3 domain. */
  readonly profile?: number;
  /** Any other field by name, as text. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** A question that makes no sense; the message says what and how it is written. */
export class FlowError extends Error {}

/** `1.2.3.4:443`, `[2001:db8::1]:443`, `1.2.3.4`, `2001:db8::1`, `:443`. @throws FlowError that says what of it cannot be read */
export function parseEndpoint(text: string): { address?: string; port?: number } {
  const shown = text.slice(0, 60);
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::([^:]*))?$/.exec(text);
  const address = match ? (match[1] ?? match[2] ?? '') : text;
  const port = match?.[3] === undefined ? undefined : portOf(match[3], shown);
  if (address === '' || address === '*') return port === undefined ? {} : { port };
  const canonical = canonicalAddress(address);
  if (canonical === undefined) {
    if (/^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(address) && /[g-z]/i.test(address))
      throw new FlowError(`"${address.slice(0, 60)}" is a name, and filters hold addresses: write one that the name has`);
    throw new FlowError(`"${shown}" is no address: write 192.0.2.1:443, [2001:db8::1]:443 or :443`);
  }
  const bare = match ? null : /^(.*):([1-9]\d+)$/.exec(text);
  if (bare && parseV6(bare[1]!))
    throw new FlowError(`"${shown}" can be read in two ways: write [${bare[1]}]:${bare[2]} or [${shown}]`);
  return { address: canonical, ...(port === undefined ? undefined : { port }) };
}

function portOf(text: string, whole: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65535)) throw new FlowError(`"${text.slice(0, 20)}" in "${whole}" is no port: write a number to 65535`);
  return port;
}

/** Canonical text of an address; an IPv4-mapped IPv6 address becomes IPv4. Undefined when it is none. */
export function canonicalAddress(text: string): string | undefined {
  const v4 = parseV4(text);
  if (v4 !== undefined) return formatV4(v4);
  const v6 = parseV6(text);
  if (!v6) return undefined;
  const mapped = mappedV4(v6);
  return mapped === undefined ? formatV6(v6) : formatV4(mapped);
}

/**
 * The short form: `chrome.exe -> 1.1.1.1:443/tcp` (a connection out), `svchost.exe <- 10.0.0.9:50000/tcp :445` (accepted; the last
 * part is the local side), `httpd.exe listens :80/tcp`. Layer and IP version follow from it.
 */
export function parseShortFlow(text: string): Flow {
  const match = /^\s*(.*?)\s*(->|→|<-|←|\slistens(?:\son)?\s)\s*(\S+?)(?:\/(\w+))?(?:\s+(\S+))?\s*$/i.exec(text);
  const form = "write 'chrome.exe -> 1.1.1.1:443/tcp', 'svchost.exe <- 10.0.0.9:50000/tcp :445' or 'httpd.exe listens :80/tcp'";
  if (!match) throw new FlowError(`"${text.slice(0, 80)}" is no flow: ${form}`);
  const [, program = '', arrow = '', where = '', proto, other] = match;
  const app = program.replace(/^"(.*)"$/, '$1');
  const protocol = proto === undefined ? undefined : protocolNumber(proto);
  if (proto !== undefined && protocol === undefined)
    throw new FlowError(`"${proto}" is no protocol: write tcp, udp, icmp or a number to 255`);
  const kind = arrow.trim().toLowerCase();
  const first = parseEndpoint(where);
  const second = other === undefined ? {} : parseEndpoint(other);
  const listens = kind.startsWith('listens');
  const remote = listens ? {} : first;
  const local = listens ? first : second;
  const address = remote.address ?? local.address;
  if (!listens && address === undefined) throw new FlowError(`"${text.slice(0, 80)}" names no address: ${form}`);
  const version = address?.includes(':') ? 'V6' : 'V4';
  const base = listens ? 'ALE_AUTH_LISTEN' : kind === '->' || kind === '→' ? 'ALE_AUTH_CONNECT' : 'ALE_AUTH_RECV_ACCEPT';
  return {
    layer: `${base}_${version}`,
    ...(app && app !== '*' ? { app } : undefined),
    ...(protocol === undefined ? undefined : { protocol }),
    ...(remote.address === undefined ? undefined : { remote: remote.address }),
    ...(remote.port === undefined ? undefined : { remotePort: remote.port }),
    ...(local.address === undefined ? undefined : { local: local.address }),
    ...(local.port === undefined ? undefined : { localPort: local.port }),
  };
}

/** The layer of a name in any case, with or without prefix; where it lacks `_V4` or `_V6`, the addresses tell. */
export function layerOf(name: string, addresses: readonly (string | undefined)[]): Layer {
  const upper = name.toUpperCase().replace(/^FWPM_LAYER_/, '');
  const version = addresses.some(each => each?.includes(':')) ? 'V6' : 'V4';
  const found =
    layerByName(upper) ??
    layerByName(name) ??
    layerByName(`${upper}_${version}`) ??
    layerByName(`ALE_AUTH_${upper}_${version}`) ??
    layerByName(`ALE_${upper}_${version}`);
  if (!found)
    throw new FlowError(
      `there is no layer "${name.slice(0, 60)}": write ale_auth_connect_v4, ale_auth_recv_accept_v6 or the like`,
    );
  return found;
}

/** An address as the value of a field at this layer; a layer of the other IP version is an error. */
function addressValue(layer: Layer, field: string, text: string): FwpValue {
  const spec = layer.fields.find(each => each.name === field);
  const v4 = parseV4(text);
  if (spec?.dataType === 'FWP_BYTE_ARRAY16_TYPE') {
    const bytes = v4 === undefined ? parseV6(text) : parseV6(`::ffff:${text}`);
    if (bytes) return { type: 'FWP_BYTE_ARRAY16_TYPE', value: bytes };
  }
  if (v4 !== undefined) return { type: 'FWP_UINT32', value: v4 };
  throw new FlowError(
    `${text} is no address for ${layer.name}: that layer is for ${spec?.dataType === 'FWP_UINT32' ? 'IPv4' : 'IPv6'}`,
  );
}

/** Whether an address is surely not of this machine, its network or a group: a public unicast address. */
export function isPublic(text: string): boolean {
  const v4 = parseV4(text);
  if (v4 !== undefined) {
    const [a, b] = [v4 >>> 24, (v4 >>> 16) & 255];
    return !(
      a === 0 ||
      a === 10 ||
      a === 127 ||
      a >= 224 ||
      (a === 169 && b === 254) ||
      (a === 172 && b >= 16 && b < 32) ||
      (a === 192 && b === 168) ||
      (a === 100 && b >= 64 && b < 128)
    );
  }
  const v6 = parseV6(text);
  return v6 !== undefined && ((v6[0] ?? 0) & 0xe0) === 0x20;
}

const isLoopback = (text: string): boolean => text === '::1' || (parseV4(text) ?? 0) >>> 24 === 127;

/** NL_ADDRESS_TYPE where the address tells it: an even IPv4 address is no broadcast, nothing in IPv6 is. */
function addressType(text: string): number | undefined {
  const v4 = parseV4(text);
  if (v4 === undefined) return (parseV6(text)?.[0] ?? 0) === 0xff ? 3 : 1;
  if (v4 >>> 28 === 14) return 3;
  if (v4 === 0xffffffff) return 4;
  return (v4 & 1) === 0 || v4 >>> 24 === 127 ? 1 : undefined;
}

/** Loopback, and between which kinds of program. */
const LOOPBACK_BITS = 1 | 0x400000 | 0x800000;
/** IS_REAUTHORIZE, IS_RAW_ENDPOINT: not of a new connection. */
const LATER_BITS = 4 | 0x10;

function isLocal(flow: Pick<Flow, 'remote' | 'local' | 'loopback' | 'newConnection'>): boolean | undefined {
  const { remote, local, loopback } = flow;
  if (loopback !== undefined || remote === undefined) return loopback;
  if (isLoopback(remote) || remote === local) return true;
  if (isPublic(remote) && (local === undefined || !isPublic(local))) return false;
  // Another address of the same machine would be possible, but who asks about a new connection names a remote side.
  return flow.newConnection && (local !== undefined || isPublic(remote)) ? false : undefined;
}

/**
 * FLAGS, when every bit that some filter of the layer asks for is settled: loopback or not by the addresses, the rest by being new.
 * Undefined otherwise, since a value of which one bit is unknown cannot be written down.
 */
export function settledFlags(
  flow: Pick<Flow, 'remote' | 'local' | 'loopback' | 'newConnection'>,
  askedBits: number,
): number | undefined {
  const local = isLocal(flow);
  if (local === undefined) return undefined;
  const settled = (local ? 1 : LOOPBACK_BITS) | (flow.newConnection ? LATER_BITS : 0);
  return (askedBits & ~settled) === 0 ? (local ? 1 : 0) : undefined;
}

const numeric: Record<string, number> = { FWP_UINT8: 0xff, FWP_UINT16: 0xffff, FWP_UINT32: 0xffffffff };

/** A field given as text, in the type that the layer has for it. */
export function fieldValue(layer: Layer, name: string, text: string): FwpValue {
  const field = layer.fields.find(each => each.name === name.toUpperCase());
  if (!field) throw new FlowError(`${layer.name} has no field ${name}; it has ${layer.fields.map(each => each.name).join(', ')}`);
  if (text === 'empty') return { type: 'FWP_EMPTY' };
  if (field.type === 'FWPM_FIELD_IP_ADDRESS') return addressValue(layer, field.name, text);
  const bad = () => new FlowError(`"${text.slice(0, 60)}" is no value of ${field.name} (${field.dataType})`);
  const max = numeric[field.dataType];
  if (max !== undefined) {
    const value = /^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) ? Number(text) : Number.NaN;
    if (!(value <= max)) throw bad();
    return { type: field.dataType as 'FWP_UINT8', value };
  }
  switch (field.dataType) {
    case 'FWP_UINT64':
      if (!/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text)) throw bad();
      return { type: 'FWP_UINT64', value: BigInt(text) };
    case 'FWP_BYTE_BLOB_TYPE':
      return { type: 'FWP_BYTE_BLOB_TYPE', value: utf16Bytes(text) };
    case 'FWP_SID':
      return { type: 'FWP_SID', value: text.toUpperCase() };
    case 'FWP_TOKEN_ACCESS_INFORMATION_TYPE':
    case 'FWP_TOKEN_INFORMATION_TYPE':
      return { type: field.dataType, value: { sids: text.toUpperCase().split(','), partial: true } };
    default:
      throw bad();
  }
}

/** Everything that a flow tells, as values of the layer's fields. `appId` is the program as the filters would write it. */
export function flowValues(flow: Flow, layer: Layer, appId: string | undefined, askedBits: number): ClassifyValues {
  const values: Record<string, FwpValue> = {};
  const has = (name: string) => layer.fields.some(each => each.name === name);
  const set = (name: string, value: FwpValue | undefined) => {
    if (value !== undefined && has(name)) values[name] = value;
  };
  if (appId !== undefined) set('ALE_APP_ID', { type: 'FWP_BYTE_BLOB_TYPE', value: utf16Bytes(appId) });
  if (flow.protocol !== undefined) set('IP_PROTOCOL', { type: 'FWP_UINT8', value: flow.protocol });
  if (flow.remote !== undefined && has('IP_REMOTE_ADDRESS')) {
    set('IP_REMOTE_ADDRESS', addressValue(layer, 'IP_REMOTE_ADDRESS', flow.remote));
    const type = addressType(flow.remote);
    if (type !== undefined) set('IP_DESTINATION_ADDRESS_TYPE', { type: 'FWP_UINT8', value: type });
  }
  if (flow.local !== undefined && has('IP_LOCAL_ADDRESS')) {
    set('IP_LOCAL_ADDRESS', addressValue(layer, 'IP_LOCAL_ADDRESS', flow.local));
    const type = addressType(flow.local);
    if (type !== undefined) set('IP_LOCAL_ADDRESS_TYPE', { type: 'FWP_UINT8', value: type });
  }
  if (flow.remotePort !== undefined) set('IP_REMOTE_PORT', { type: 'FWP_UINT16', value: flow.remotePort });
  if (flow.localPort !== undefined) set('IP_LOCAL_PORT', { type: 'FWP_UINT16', value: flow.localPort });
  if (flow.sids) {
    // The token of an app holds its package, and what is granted to its user alone is not granted to it.
    const app = flow.packageSid?.startsWith('S-1-15-2-') && !flow.sids.includes(flow.packageSid) ? [flow.packageSid] : [];
    const token = { sids: [...flow.sids, ...app], ...(flow.wholeToken ? undefined : { partial: true }) };
    set('ALE_USER_ID', { type: 'FWP_TOKEN_ACCESS_INFORMATION_TYPE', value: token });
  }
  if (flow.packageSid !== undefined) set('ALE_PACKAGE_ID', { type: 'FWP_SID', value: flow.packageSid });
  const flags = flow.flags ?? settledFlags(flow, askedBits);
  if (flags !== undefined) set('FLAGS', { type: 'FWP_UINT32', value: flags });
  if (flow.profile !== undefined) {
    for (const name of ['ORIGINAL_PROFILE_ID', 'CURRENT_PROFILE_ID', 'LOCAL_INTERFACE_PROFILE_ID'])
      set(name, { type: 'FWP_UINT32', value: flow.profile });
  }
  for (const [name, text] of Object.entries(flow.fields ?? {})) values[name.toUpperCase()] = fieldValue(layer, name, text);
  return values;
}
