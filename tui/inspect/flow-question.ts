import type { DumpFilter, NetEvent } from '../../engine/dumps/dump.ts';
import { shownKey } from '../../engine/dumps/key-names.ts';
import { valueText } from '../../engine/explain/condition-text.ts';
import { traceFlow } from '../../engine/explain/explain.ts';
import { type Flow, FlowError, layerOf, parseEndpoint } from '../../engine/explain/flow.ts';
import type { Machine } from '../../engine/explain/machine.ts';
import { netEventFlow } from '../../engine/explain/net-event-flow.ts';
import { PROFILES, protocolNumber, protocolWord, sidOf } from '../../engine/explain/words.ts';
import { FIELDS, type FieldName, pathOf, type Question, type Stage } from './question.ts';

const portOf = (text: string): number => {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65535)) throw new FlowError(`"${text.slice(0, 40)}" is no port: write a number from 0 to 65535`);
  return port;
};

function changes(field: FieldName, text: string, flow: Flow): { readonly [key in keyof Flow]?: Flow[key] | undefined } {
  switch (field) {
    case 'program':
      return { app: text || undefined };
    case 'address':
    case 'local': {
      const { address, port } = parseEndpoint(
        text.includes(':') && !text.includes('.') && !text.startsWith('[') ? `[${text}]` : text,
      );
      const other = field === 'address' ? flow.local : flow.remote;
      const version = (address ?? other)?.includes(':') ? 'V6' : 'V4';
      const layer = address === undefined ? flow.layer : flow.layer.replace(/V[46]$/, version);
      const drop = address !== undefined && other !== undefined && other.includes(':') !== address.includes(':');
      // What was known of loopback was known of the old address.
      const common = { layer, loopback: undefined, flags: undefined };
      return field === 'address'
        ? {
            ...common,
            remote: address,
            ...(port === undefined ? {} : { remotePort: port }),
            ...(drop ? { local: undefined } : {}),
          }
        : {
            ...common,
            local: address,
            ...(port === undefined ? {} : { localPort: port }),
            ...(drop ? { remote: undefined } : {}),
          };
    }
    case 'port':
      return { remotePort: text ? portOf(text) : undefined };
    case 'local port':
      return { localPort: text ? portOf(text) : undefined };
    case 'protocol': {
      const protocol = text ? protocolNumber(text) : undefined;
      if (text && protocol === undefined)
        throw new FlowError(`"${text.slice(0, 40)}" is no protocol: write tcp, udp, icmp or a number to 255`);
      return { protocol };
    }
    case 'user': {
      const whole = /\s+only$/i.test(text);
      const named = text.replace(/\s+only$/i, '');
      const sids = named ? named.split(',').map(each => sidOf(each.trim())) : undefined;
      if (sids?.includes(undefined))
        throw new FlowError('a user is a SID (S-1-5-…) or a name such as SYSTEM; several with commas');
      return { sids: sids as string[] | undefined, wholeToken: whole ? true : undefined };
    }
    case 'package':
      if (text && text !== 'none' && !/^S-1-15-[23](-\d+)+$|^S-1-0-0$/i.test(text))
        throw new FlowError('a package is a SID (S-1-15-2-…), or none for a program that is no app');
      return { packageSid: text ? (text === 'none' ? 'S-1-0-0' : text.toUpperCase()) : undefined };
    case 'profile': {
      const profile = PROFILES[text.toLowerCase()];
      if (text && profile === undefined) throw new FlowError('a profile is public, private, domain or none');
      return { profile, fields: undefined };
    }
    case 'layer':
      return { layer: layerOf(text, [flow.remote, flow.local]).name };
  }
}

/** Traffic asked about against a dump or a live engine. */
export class FlowQuestion implements Question {
  readonly fields = FIELDS;
  readonly machine: Machine;
  readonly flow: Flow;

  constructor(machine: Machine, flow: Flow) {
    this.machine = machine;
    this.flow = flow;
  }

  text(field: FieldName): string | undefined {
    const { flow } = this;
    const profile = flow.profile ?? (flow.fields?.['CURRENT_PROFILE_ID'] ? Number(flow.fields['CURRENT_PROFILE_ID']) : undefined);
    const number = (n: number | undefined) => (n === undefined ? undefined : String(n));
    return {
      program: flow.app,
      address: flow.remote,
      port: number(flow.remotePort),
      protocol: flow.protocol === undefined ? undefined : protocolWord(flow.protocol).replace('protocol ', ''),
      user: flow.sids && `${flow.sids.join(',')}${flow.wholeToken ? ' only' : ''}`,
      local: flow.local,
      'local port': number(flow.localPort),
      package: flow.packageSid === 'S-1-0-0' ? 'none' : flow.packageSid,
      profile: Object.entries(PROFILES).find(([, value]) => value === profile)?.[0],
      layer: flow.layer,
    }[field];
  }

  with(field: FieldName, text: string): Question {
    const next = { ...this.flow, ...changes(field, text.trim(), this.flow) };
    for (const key of Object.keys(next) as (keyof Flow)[]) if (next[key] === undefined) delete next[key];
    return new FlowQuestion(this.machine, next as Flow);
  }

  ask(): readonly Stage[] {
    const asked = layerOf(this.flow.layer, [this.flow.remote, this.flow.local]).name;
    return pathOf(asked).map(layer => this.#stage(layer, layer === asked));
  }

  #stage(layer: string, asked: boolean): Stage {
    // Fields and flags that were told belong to the layer that was asked about.
    const { fields, flags, app, ...shared } = this.flow;
    // Packets carry no program.
    const program = app !== undefined && layer.startsWith('ALE_') ? { app } : {};
    const flow = asked ? { ...this.flow, layer } : { ...shared, ...program, layer };
    try {
      const { values, trace, notes: told, apart } = traceFlow(this.machine, flow);
      const notes = told.map(note => note.replace(' (--flags says otherwise)', ''));
      const known = (field: string) => {
        const value = values[field];
        return value && valueText(field, value);
      };
      if (!apart) return { layer, trace, notes, known };
      const missing = `the name fits several programs: ${apart.map(each => `${each.app} (${each.verdict})`).join(', ')}`;
      const verdicts = [...new Set(apart.map(each => each.verdict))];
      const possible = verdicts.includes('unknown') ? (['permit', 'block'] as const) : (verdicts as ('permit' | 'block')[]);
      const { filter: _, ...open } = trace;
      return {
        layer,
        trace: { ...open, action: possible.length === 1 ? possible[0]! : 'unknown', possible, needs: [missing] },
        notes,
        known,
      };
    } catch (error) {
      if (!(error instanceof FlowError) || asked) throw error;
      return { layer, missing: error.message, notes: [], known: () => undefined };
    }
  }
}

/** What a net event tells of its traffic. @throws FlowError when it names no layer */
export const eventQuestion = (machine: Machine, event: NetEvent): Question =>
  new FlowQuestion(machine, netEventFlow(event, machine));

/** What conditions say beside the parts that are written as text: flags, user, profile. */
function alsoTold(filter: DumpFilter, names: ReadonlyMap<string, string>): Pick<Flow, 'flags' | 'sids' | 'profile'> {
  const told: { flags?: number; sids?: readonly string[]; profile?: number } = {};
  for (const { fieldKey, matchType, conditionValue: value } of filter.filterCondition) {
    const field = shownKey('condition', fieldKey, names);
    if (field === 'FLAGS' && value.type === 'FWP_UINT32')
      told.flags = ((told.flags ?? 0) | (/NONE_SET|NOT_EQUAL/.test(matchType) ? 0 : value.value)) >>> 0;
    else if (field.endsWith('PROFILE_ID') && value.type === 'FWP_UINT32' && matchType === 'FWP_MATCH_EQUAL')
      told.profile = value.value;
    else if (field === 'ALE_USER_ID' && value.type === 'FWP_SECURITY_DESCRIPTOR_TYPE' && matchType === 'FWP_MATCH_EQUAL') {
      const sid = /\(A;[^()]*;(S-1-[\d-]+)\)/i.exec(value.value)?.[1];
      if (sid) told.sids = [sid];
    }
  }
  return told;
}

const VALUE = /^FWP_MATCH_(EQUAL|EQUAL_CASE_INSENSITIVE|RANGE)$/;

/** Traffic that a filter is for, as far as its conditions say: the first value of each. */
export function filterQuestion(machine: Machine, filter: DumpFilter): Question {
  const layer = machine.layerName(filter.layerKey);
  const { names } = machine.dump;
  let question: Question = new FlowQuestion(machine, { layer, newConnection: true, ...alsoTold(filter, names) });
  const parts: Readonly<Record<string, FieldName>> = {
    ALE_APP_ID: 'program',
    IP_REMOTE_ADDRESS: 'address',
    IP_LOCAL_ADDRESS: 'local',
    IP_REMOTE_PORT: 'port',
    IP_LOCAL_PORT: 'local port',
    IP_PROTOCOL: 'protocol',
    ALE_PACKAGE_ID: 'package',
  };
  for (const { fieldKey, matchType, conditionValue } of filter.filterCondition) {
    const field = shownKey('condition', fieldKey, names);
    const part = parts[field];
    if (!part || !VALUE.test(matchType) || question.text(part) !== undefined) continue;
    const value = conditionValue.type === 'FWP_RANGE_TYPE' ? conditionValue.value.low : conditionValue;
    const text = valueText(field, value)
      .replace(/\/.*$/, field.includes('ADDRESS') ? '' : '$&')
      .replace(/^protocol /, '')
      .replace(/^.*\((S-1-[\d-]+)\)$/, '$1');
    try {
      question = question.with(part, text);
    } catch (error) {
      // A value that no flow can have stays open.
      if (!(error instanceof FlowError)) throw error;
    }
  }
  return question;
}
