import type { Guid } from '../model/guid.ts';
import { CONDITION_KEY } from '../model/keys.gen.ts';
import type { FilterCondition } from '../model/objects.ts';
import type { FwpConditionValue, MatchType } from '../model/value.ts';
import { type Address, maskV4, networkOf, parseAddress } from './address.ts';
import type { RemoteScope } from './rule.ts';
import type { Family } from './well-known.ts';

const condition = (
  fieldKey: Guid,
  conditionValue: FwpConditionValue,
  matchType: MatchType = 'FWP_MATCH_EQUAL',
): FilterCondition => ({
  fieldKey,
  matchType,
  conditionValue,
});

/** A text as WFP keeps program paths and names: UTF-16LE with a final NUL. */
export function blobText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2 + 2);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    bytes[i * 2] = code & 255;
    bytes[i * 2 + 1] = code >> 8;
  }
  return bytes;
}

/** Reads `blobText` back, without the final NUL. */
export const textOfBlob = (bytes: Uint8Array): string => new TextDecoder('utf-16le').decode(bytes).replace(/\0$/, '');

/** How a program's path becomes the text of ALE_APP_ID on a machine. @throws RuleError for a path that can be no program there */
export type AppIdOf = (path: string) => string;

/** On Linux, and wherever attempts bring no `appId` of their own, a program is its path as it is. */
export const pathAsAppId: AppIdOf = path => path;

/** How one engine names what rules name. */
export interface EngineForm {
  /** Default: by the path itself. */
  readonly appIdOf?: AppIdOf;
  /** IPv4 traffic of a dual-stack socket may come to the V6 layers, as `::ffff:a.b.c.d`: rules for IPv4 addresses have a filter there too. */
  readonly mapsV4?: boolean;
}

/** ALE_APP_ID. */
export const appCondition = (appId: string) =>
  condition(CONDITION_KEY.ALE_APP_ID, { type: 'FWP_BYTE_BLOB_TYPE', value: blobText(appId) });

/** A descriptor that grants FWP_ACTRL_MATCH_FILTER (`CC`) to one SID. */
export const userDescriptor = (sid: string): string => `O:SYG:SYD:(A;;CC;;;${sid})`;

/** ALE_USER_ID: tokens that hold the SID. */
export const userCondition = (sid: string) =>
  condition(CONDITION_KEY.ALE_USER_ID, { type: 'FWP_SECURITY_DESCRIPTOR_TYPE', value: userDescriptor(sid) });

export const protocolCondition = (protocol: number, matchType: MatchType = 'FWP_MATCH_EQUAL') =>
  condition(CONDITION_KEY.IP_PROTOCOL, { type: 'FWP_UINT8', value: protocol }, matchType);

/**
 * FLAGS without FWP_CONDITION_FLAG_IS_LOOPBACK (1) and IS_REAUTHORIZE (4): a connection that was there before, which is authorized anew when
 * filters change, is not touched. https://learn.microsoft.com/windows/win32/fwp/filtering-condition-flags-
 */
export const newAndNotLoopback: FilterCondition = condition(
  CONDITION_KEY.FLAGS,
  { type: 'FWP_UINT32', value: 5 },
  'FWP_MATCH_FLAGS_NONE_SET',
);

/** One port, or a range with both ends included. */
export function portCondition(side: 'local' | 'remote', port: { readonly from: number; readonly to: number }): FilterCondition {
  const key = side === 'local' ? CONDITION_KEY.IP_LOCAL_PORT : CONDITION_KEY.IP_REMOTE_PORT;
  const low = { type: 'FWP_UINT16', value: port.from } as const;
  if (port.from === port.to) return condition(key, low);
  const high = { type: 'FWP_UINT16', value: port.to } as const;
  return condition(key, { type: 'FWP_RANGE_TYPE', value: { low, high } }, 'FWP_MATCH_RANGE');
}

const hostCondition = (address: Address) =>
  address.family === 'v4'
    ? condition(CONDITION_KEY.IP_REMOTE_ADDRESS, { type: 'FWP_UINT32', value: address.addr })
    : condition(CONDITION_KEY.IP_REMOTE_ADDRESS, { type: 'FWP_BYTE_ARRAY16_TYPE', value: address.addr });

function networkCondition(network: Address, prefix: number): FilterCondition {
  const base = networkOf(network, prefix);
  return base.family === 'v4'
    ? condition(CONDITION_KEY.IP_REMOTE_ADDRESS, {
        type: 'FWP_V4_ADDR_MASK',
        value: { addr: base.addr, mask: maskV4(prefix) },
      })
    : condition(CONDITION_KEY.IP_REMOTE_ADDRESS, {
        type: 'FWP_V6_ADDR_MASK',
        value: { addr: base.addr, prefixLength: prefix },
      });
}

/** PEER_NAME. FWP_MATCH_PREFIX tests the end of a blob string, despite its name: `.example.com` fits every name below it. */
const nameCondition = (name: string, subdomains: boolean) =>
  condition(
    CONDITION_KEY.PEER_NAME,
    { type: 'FWP_BYTE_BLOB_TYPE', value: blobText(subdomains ? `.${name}` : name) },
    subdomains ? 'FWP_MATCH_PREFIX' : 'FWP_MATCH_EQUAL',
  );

/** `::ffff:a.b.c.d` (RFC 4291, 2.5.5.2), in network order. */
export function mappedV4(addr: number): Uint8Array {
  const bytes = new Uint8Array(16).fill(0xff, 10, 12);
  new DataView(bytes.buffer).setUint32(12, addr);
  return bytes;
}

/** The conditions of a remote side at a layer of this family; undefined when it can have no filter there. */
export function remoteConditions(remote: RemoteScope, family: Family, mapsV4 = false): readonly FilterCondition[] | undefined {
  if (remote.kind === 'any') return [];
  if (remote.kind === 'name') return [nameCondition(remote.name, remote.subdomains)];
  const address = parseAddress(remote.address);
  if (mapsV4 && family === 'v6' && address?.family === 'v4') {
    const mapped: Address = { ...address, family: 'v6', addr: mappedV4(address.addr) };
    return [remote.kind === 'address' ? hostCondition(mapped) : networkCondition(mapped, 96 + remote.prefix)];
  }
  if (address?.family !== family) return undefined;
  return [remote.kind === 'address' ? hostCondition(address) : networkCondition(address, remote.prefix)];
}
