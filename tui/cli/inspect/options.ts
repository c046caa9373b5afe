import type { OptionSpec } from '../args.ts';

const live: OptionSpec = { name: 'live', summary: "this machine's engine instead of a FILE" };
const json: OptionSpec = { name: 'json', summary: 'stable JSON on standard output' };

/** Options of the commands of this folder, as data: parsing and help read them. */
export const INSPECT_OPTIONS = {
  inspect: [live, json],
  filters: [
    live,
    { name: 'layer', value: 'L', summary: 'only layers of this name, or with it in their name' },
    { name: 'provider', value: 'P', summary: 'only this provider, by name or key' },
    { name: 'app', value: 'SUBSTRING', summary: 'only filters that name such a program' },
    { name: 'action', value: 'A', summary: 'permit, block, callout or an action type' },
    { name: 'remote', value: 'ADDR', summary: 'only filters that could match this remote address' },
    { name: 'port', value: 'N', summary: 'only filters that could match this port, on either side' },
    { name: 'id', value: 'N', summary: 'by run-time id' },
    { name: 'key', value: 'GUID', summary: 'by key' },
    { name: 'search', value: 'TEXT', summary: 'only filters with this text anywhere' },
    json,
  ],
  explain: [
    live,
    { name: 'layer', value: 'L', summary: 'such as ale_auth_connect_v4' },
    { name: 'app', value: 'PATH', summary: 'program: a device path, a drive path or a file name' },
    { name: 'protocol', value: 'tcp|udp|N', summary: 'protocol' },
    { name: 'remote', value: 'ADDR[:PORT]', summary: 'remote side, [v6]:port for IPv6' },
    { name: 'local', value: 'ADDR[:PORT]', summary: 'local side' },
    { name: 'user', value: 'SID[,SID…]', summary: 'SIDs that the token holds, user first; SYSTEM and the like' },
    { name: 'whole-token', summary: 'the token holds no other SIDs than those' },
    { name: 'package', value: 'SID|none', summary: 'app package; none: the program is no app' },
    { name: 'flags', value: 'N|NAMES', summary: 'condition flags, all of them: 0, 0x400000, is_loopback' },
    { name: 'profile', value: 'public|private|domain', summary: 'network profile' },
    { name: 'field', value: 'NAME=VALUE', summary: 'any other field of the layer; may be repeated', multiple: true },
    { name: 'event', value: 'N', summary: 'the Nth net event of the dump or decision of the audit log (or of --events)' },
    { name: 'events', value: 'FILE', summary: 'net events from another file, explained against FILE' },
    { name: 'filter-id', value: 'N', summary: 'a run-time filter id, as audit logs and net events name it' },
    { name: 'all', summary: 'also every filter that does not match, with the condition that fails' },
    json,
  ],
  diff: [json],
  replay: [{ name: 'report', value: 'FILE', summary: 'write the JSON result to a file as well' }, json],
  health: [live, json],
} as const satisfies Record<string, readonly OptionSpec[]>;
