/** Numbers of the network as words. Sources: IANA protocol numbers; nldef.h, ifdef.h, fwptypes.h of the Windows kit. */

const PROTOCOL: readonly (readonly [number, string])[] = [
  [1, 'icmp'],
  [2, 'igmp'],
  [4, 'ipv4'],
  [6, 'tcp'],
  [17, 'udp'],
  [41, 'ipv6'],
  [47, 'gre'],
  [50, 'esp'],
  [51, 'ah'],
  [58, 'icmpv6'],
  [103, 'pim'],
  [112, 'vrrp'],
  [115, 'l2tp'],
  [132, 'sctp'],
];
const protocolNames = new Map(PROTOCOL);
const protocolNumbers = new Map(PROTOCOL.map(([number, name]) => [name, number]));

/** `tcp`, or `protocol 99`. */
export const protocolWord = (number: number): string => protocolNames.get(number) ?? `protocol ${number}`;

/** IANA number of `tcp`, `UDP`, `6`; undefined when it is none. */
export function protocolNumber(text: string): number | undefined {
  if (/^\d{1,3}$/.test(text)) return Number(text) <= 255 ? Number(text) : undefined;
  return protocolNumbers.get(text.toLowerCase());
}

/** FWP_CONDITION_FLAG_* of fwptypes.h. */
export const CONDITION_FLAGS: Readonly<Record<string, number>> = {
  IS_LOOPBACK: 1,
  IS_IPSEC_SECURED: 2,
  IS_REAUTHORIZE: 4,
  IS_WILDCARD_BIND: 8,
  IS_RAW_ENDPOINT: 0x10,
  IS_FRAGMENT: 0x20,
  IS_FRAGMENT_GROUP: 0x40,
  IS_IPSEC_NATT_RECLASSIFY: 0x80,
  REQUIRES_ALE_CLASSIFY: 0x100,
  IS_IMPLICIT_BIND: 0x200,
  IS_REASSEMBLED: 0x400,
  IS_NAME_APP_SPECIFIED: 0x4000,
  IS_PROMISCUOUS: 0x8000,
  IS_AUTH_FW: 0x10000,
  IS_RECLASSIFY: 0x20000,
  IS_OUTBOUND_PASS_THRU: 0x40000,
  IS_INBOUND_PASS_THRU: 0x80000,
  IS_CONNECTION_REDIRECTED: 0x100000,
  IS_PROXY_CONNECTION: 0x200000,
  IS_APPCONTAINER_LOOPBACK: 0x400000,
  IS_NON_APPCONTAINER_LOOPBACK: 0x800000,
  IS_RESERVED: 0x1000000,
  IS_HONORING_POLICY_AUTHORIZE: 0x2000000,
};

/** Bits as words: `IS_LOOPBACK, 0x40000000`. */
export function flagWords(bits: number, table: Readonly<Record<string, number>> = CONDITION_FLAGS): string {
  const words: string[] = [];
  let rest = bits >>> 0;
  for (const [name, bit] of Object.entries(table)) {
    if ((rest & bit) !== 0) {
      words.push(name);
      rest = (rest & ~bit) >>> 0;
    }
  }
  if (rest !== 0) words.push(`0x${rest.toString(16)}`);
  return words.length === 0 ? '0' : words.join(', ');
}

/** Network profile as the filters number it: 1 public, 2 private, 3 domain, 0 none. */
export const PROFILES: Readonly<Record<string, number>> = { none: 0, public: 1, private: 2, domain: 3 };

const profileNames = new Map(Object.entries(PROFILES).map(([name, number]) => [number, name]));
const ADDRESS_TYPE = ['unspecified', 'unicast', 'anycast', 'multicast', 'broadcast'];
const INTERFACE_TYPE = new Map([
  [6, 'ethernet'],
  [23, 'ppp'],
  [24, 'loopback'],
  [71, 'wlan'],
  [131, 'tunnel'],
]);
const TUNNEL_TYPE = new Map([
  [0, 'none'],
  [1, 'other'],
  [2, 'direct'],
  [11, '6to4'],
  [13, 'isatap'],
  [14, 'teredo'],
  [15, 'iphttps'],
]);

const numbered = (name: string | undefined, value: number): string => (name ? `${value} (${name})` : String(value));

/** A number that stands for a word in this field. */
export function numberWord(field: string, value: number): string {
  if (field === 'IP_PROTOCOL' || field === 'EMBEDDED_PROTOCOL') return protocolWord(value);
  if (field.endsWith('PROFILE_ID')) return numbered(profileNames.get(value), value);
  if (field.endsWith('ADDRESS_TYPE')) return numbered(ADDRESS_TYPE[value], value);
  if (field.endsWith('INTERFACE_TYPE')) return numbered(INTERFACE_TYPE.get(value), value);
  if (field.endsWith('TUNNEL_TYPE')) return numbered(TUNNEL_TYPE.get(value), value);
  if (field === 'DIRECTION') return numbered(['outbound', 'inbound'][value], value);
  return String(value);
}

const SIDS: Readonly<Record<string, string>> = {
  'S-1-0-0': 'nobody',
  'S-1-1-0': 'everyone',
  'S-1-5-18': 'SYSTEM',
  'S-1-5-19': 'LOCAL SERVICE',
  'S-1-5-20': 'NETWORK SERVICE',
  'S-1-5-11': 'authenticated users',
  'S-1-5-32-544': 'administrators',
  'S-1-15-2-1': 'all app packages',
};

/** A SID with its name where it has a fixed one. */
export const sidWord = (sid: string): string => (SIDS[sid.toUpperCase()] ? `${SIDS[sid.toUpperCase()]} (${sid})` : sid);

/** SID of a fixed account name (`SYSTEM`, `local service`) or the SID itself; undefined otherwise. */
export function sidOf(text: string): string | undefined {
  if (/^S-1(-\d+)+$/i.test(text)) return text.toUpperCase();
  const wanted = text.toUpperCase().replace(/^NT AUTHORITY\\/, '');
  return Object.entries(SIDS).find(([, name]) => name.toUpperCase() === wanted)?.[0];
}
