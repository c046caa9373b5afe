import type { Endpoint } from '../model/attempt.ts';
import { addToOption, ENGINE_OPTION, type OptionChange, restoreOption } from './engine-options.ts';
import * as layout from './layouts.ts';
import { type Pointer, readBytes, Struct } from './memory.ts';
import { parseBlob, parseSid } from './parse-value.ts';
import type { WfpSession } from './session.ts';
import { subscribeNetEventData } from './subscriptions.ts';

/** What the kernel tells of one classification. Members that the event does not carry are absent. */
export interface NetEvent {
  readonly type: 'classify-drop' | 'classify-allow' | 'other';
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly family?: 'v4' | 'v6';
  readonly protocol?: number;
  readonly local?: Endpoint;
  readonly remote?: Endpoint;
  /** ALE_APP_ID as text: `\device\harddiskvolume3\windows\system32\curl.exe`. */
  readonly appId?: string;
  readonly userSid?: string;
  readonly filterId?: bigint;
  readonly layerId?: number;
  readonly direction?: 'in' | 'out';
  readonly loopback?: boolean;
}

export interface NetEventOptions {
  /** Also CLASSIFY_ALLOW (Windows 8 and later). */
  readonly allowed?: boolean;
  /** Turn collection on when it is off; default true. */
  readonly enable?: boolean;
  /**
   * Told of an event that cannot be read (it is passed over), of what the listener threw, and when an option could not be put back; each
   * message once. Without it nobody is told.
   */
  readonly onError?: (error: Error) => void;
}

/** FWPM_NET_EVENT_FLAG_*_SET: a member without its flag is not to be read. */
const FLAG = {
  IP_PROTOCOL: 1,
  LOCAL_ADDR: 2,
  REMOTE_ADDR: 4,
  LOCAL_PORT: 8,
  REMOTE_PORT: 0x10,
  APP_ID: 0x20,
  USER_ID: 0x40,
  IP_VERSION: 0x100,
} as const;
const TYPE_CLASSIFY_DROP = 3;
const TYPE_CLASSIFY_ALLOW = 6;
const KEYWORD_CLASSIFY_ALLOW = 0x10;
/** 1601-01-01 to 1970-01-01 in milliseconds. */
const FILETIME_EPOCH_MS = 11_644_473_600_000;

const dotted = (host: number): string => [24, 16, 8, 0].map(shift => (host >>> shift) & 0xff).join('.');

/** Eight groups without leading zeros, the longest run of zeros as `::` (RFC 5952). */
export function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[index * 2]! << 8) | bytes[index * 2 + 1]!);
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff) {
    return dotted(((groups[6]! << 16) | groups[7]!) >>> 0);
  }
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const text = (list: number[]) => list.map(group => group.toString(16)).join(':');
  return best.at < 0 ? text(groups) : `${text(groups.slice(0, best.at))}::${text(groups.slice(best.at + best.length))}`;
}

/** FWP_DIRECTION (0 out, 1 in) or the FWP_DIRECTION_* that event logs use (0x3900 in, 0x3901 out): both are seen in practice. */
const DIRECTION: { readonly [code: number]: 'in' | 'out' } = { 0: 'out', 1: 'in', 14592: 'in', 14593: 'out' };

/** Reads FWPM_NET_EVENTn: the header that all versions share, then the classification behind the pointer. */
export function parseNetEvent(address: Pointer, version: keyof typeof layout.NET_EVENT_TYPE_OFFSET): NetEvent {
  const header = Struct.at(layout.FWPM_NET_EVENT_HEADER0, address);
  const flags = header.number('flags');
  const has = (flag: number) => (flags & flag) !== 0;
  const family = !has(FLAG.IP_VERSION) ? undefined : ([`v4`, `v6`] as const)[header.number('ipVersion')];
  const addressOf = (side: 'localAddr' | 'remoteAddr') =>
    family === 'v6' ? ipv6Text(header.array(`${side}.v6`)) : dotted(header.number(`${side}.v4`));
  const endpoint = (side: 'local' | 'remote', addr: number, port: number): Endpoint | undefined =>
    family && has(addr) ? { address: addressOf(`${side}Addr`), port: has(port) ? header.number(`${side}Port`) : 0 } : undefined;
  const local = endpoint('local', FLAG.LOCAL_ADDR, FLAG.LOCAL_PORT);
  const remote = endpoint('remote', FLAG.REMOTE_ADDR, FLAG.REMOTE_PORT);
  const app = has(FLAG.APP_ID) ? parseBlob(header.member(layout.FWP_BYTE_BLOB, 'appId')) : undefined;
  const ticks = header.number('timeStamp.dwHighDateTime') * 2 ** 32 + header.number('timeStamp.dwLowDateTime');
  const typeAt = layout.NET_EVENT_TYPE_OFFSET[version];
  const tail = new DataView(Uint8Array.from(readBytes(address + BigInt(typeAt), 16)).buffer);
  const code = tail.getInt32(0, true);
  const type = code === TYPE_CLASSIFY_DROP ? 'classify-drop' : code === TYPE_CLASSIFY_ALLOW ? 'classify-allow' : 'other';
  const detail = tail.getBigUint64(8, true);
  return {
    type,
    at: Math.floor(ticks / 10_000) - FILETIME_EPOCH_MS,
    ...(family && { family }),
    ...(has(FLAG.IP_PROTOCOL) && { protocol: header.number('ipProtocol') }),
    ...(local && { local }),
    ...(remote && { remote }),
    ...(app && { appId: Buffer.from(app).toString('utf16le').replace(/\0+$/, '') }),
    ...(has(FLAG.USER_ID) && header.bigint('userId') !== 0n && { userSid: parseSid(header.bigint('userId')) }),
    ...(type !== 'other' && detail !== 0n && parseClassification(detail)),
  };
}

function parseClassification(address: Pointer) {
  const source = Struct.at(layout.FWPM_NET_EVENT_CLASSIFY_DROP1, address);
  const direction = DIRECTION[source.number('msFwpDirection')];
  return {
    filterId: source.bigint('filterId'),
    layerId: source.number('layerId'),
    ...(direction && { direction }),
    loopback: source.number('isLoopback') !== 0,
  };
}

/** Subscribes and switches collection on as asked. Returns the function that ends the subscription and puts the options back. */
export async function netEvents(
  session: WfpSession,
  listener: (event: NetEvent) => void,
  options: NetEventOptions,
): Promise<() => Promise<void>> {
  const { onError = () => {} } = options;
  const changed: OptionChange[] = [];
  const putBack = async () => {
    for (const change of changed.splice(0).reverse()) {
      // What `onError` throws must not stand in the place of what is thrown already.
      await restoreOption(session, change)
        .catch(onError)
        .catch(() => undefined);
    }
  };
  try {
    if (options.enable ?? true) {
      changed.push(...(await addToOption(session, ENGINE_OPTION.COLLECT_NET_EVENTS, 1)));
      if (options.allowed)
        changed.push(...(await addToOption(session, ENGINE_OPTION.NET_EVENT_MATCH_ANY_KEYWORDS, KEYWORD_CLASSIFY_ALLOW)));
    }
    const end = await subscribeNetEventData(session, (data, version) => listener(parseNetEvent(data, version)), onError);
    return async () => {
      try {
        await end();
      } finally {
        await putBack();
      }
    };
  } catch (error) {
    await putBack();
    throw error;
  }
}

/**
 * The events that the engine still keeps (about a hundred), oldest first, without those that cannot be read. FWPM_NET_EVENT_ENUM_TEMPLATE0
 * is NULL: all.
 */
export function recentNetEvents(session: WfpSession): Promise<NetEvent[]> {
  const version = ([5, 4, 3, 2] as const).find(candidate => session.native.has(`FwpmNetEventEnum${candidate}`)) ?? 1;
  return session.enumerate(
    'NetEvent',
    () => 0n,
    address => {
      try {
        return parseNetEvent(address, version);
      } catch {
        return undefined;
      }
    },
    `FwpmNetEventEnum${version}`,
  );
}
