import { type Flow, FlowError, parseEndpoint, parseShortFlow } from '../../../engine/explain/flow.ts';
import { CONDITION_FLAGS, PROFILES, protocolNumber, sidOf } from '../../../engine/explain/words.ts';
import type { ParsedArgs } from '../args.ts';
import { UsageError } from '../exit.ts';

function flagsOf(text: string): number {
  if (/^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) && Number(text) <= 0xffffffff) return Number(text);
  if (text === 'none') return 0;
  let bits = 0;
  for (const name of text.split(/[,|]/)) {
    const bit =
      CONDITION_FLAGS[
        name
          .trim()
          .toUpperCase()
          .replace(/^FWP_CONDITION_FLAG_/, '')
      ];
    if (bit === undefined)
      throw new UsageError(`--flags takes a number or names such as is_loopback, got '${name.slice(0, 40)}'`);
    bits |= bit;
  }
  return bits >>> 0;
}

function profileOf(text: string): number {
  const known = PROFILES[text.toLowerCase()];
  if (known !== undefined) return known;
  if (/^[0-3]$/.test(text)) return Number(text);
  throw new UsageError(`--profile takes public, private, domain, none or 0 to 3, got '${text.slice(0, 40)}'`);
}

function sidsOf(text: string): string[] {
  return text.split(',').map(each => {
    const sid = sidOf(each.trim());
    if (!sid)
      throw new UsageError(`--user takes SIDs or names such as SYSTEM, got '${each.slice(0, 60)}'; on the machine: whoami /all`);
    return sid;
  });
}

function packageOf(text: string): string {
  if (text === 'none' || text === '-') return 'S-1-0-0';
  if (/^S-1-15-[23](-\d+)+$|^S-1-0-0$/i.test(text)) return text.toUpperCase();
  throw new UsageError(`--package takes a package SID (S-1-15-2-…) or none, got '${text.slice(0, 60)}'`);
}

function fieldsOf(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.map(each => {
      const at = each.indexOf('=');
      if (at < 1) throw new UsageError(`--field takes NAME=VALUE, got '${each.slice(0, 60)}'`);
      return [each.slice(0, at).toUpperCase(), each.slice(at + 1)];
    }),
  );
}

/** The question that the arguments of `explain` ask: the short form, options over it. */
export function questionOf(parsed: ParsedArgs, short: string | undefined): Flow {
  const { text, lists, flags } = parsed;
  const base = short === undefined ? undefined : parseShortFlow(short);
  const remote = text['remote'] === undefined ? undefined : parseEndpoint(text['remote']);
  const local = text['local'] === undefined ? undefined : parseEndpoint(text['local']);
  const protocol = text['protocol'] === undefined ? undefined : protocolNumber(text['protocol']);
  if (text['protocol'] !== undefined && protocol === undefined)
    throw new UsageError(`--protocol takes tcp, udp, icmp or a number to 255, got '${text['protocol'].slice(0, 40)}'`);
  const address = remote?.address ?? local?.address;
  const layer =
    text['layer'] ??
    base?.layer ??
    (address === undefined ? undefined : `ALE_AUTH_CONNECT_${address.includes(':') ? 'V6' : 'V4'}`);
  if (layer === undefined)
    throw new FlowError(
      "explain needs to know the traffic: 'chrome.exe -> 1.1.1.1:443/tcp', or --layer with --app, --remote and the like",
    );
  const defined = <T extends object>(value: T): T =>
    Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;
  return {
    ...base,
    layer,
    newConnection: true,
    ...defined({
      app: text['app'],
      protocol,
      remote: remote?.address,
      remotePort: remote?.port,
      local: local?.address,
      localPort: local?.port,
      sids: text['user'] === undefined ? undefined : sidsOf(text['user']),
      wholeToken: flags.has('whole-token') ? true : undefined,
      packageSid: text['package'] === undefined ? undefined : packageOf(text['package']),
      flags: text['flags'] === undefined ? undefined : flagsOf(text['flags']),
      profile: text['profile'] === undefined ? undefined : profileOf(text['profile']),
      fields: lists['field'] ? fieldsOf(lists['field']) : undefined,
    }),
  } as Flow;
}
