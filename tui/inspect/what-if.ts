import { type ExplainReport, explainFlow, type FilterTraceReport } from '../../engine/explain/explain.ts';
import { type Flow, FlowError, layerOf, parseEndpoint } from '../../engine/explain/flow.ts';
import type { Machine } from '../../engine/explain/machine.ts';
import { PROFILES, protocolNumber, protocolWord, sidOf } from '../../engine/explain/words.ts';
import type { Line, Span } from '../text/paint.ts';

/** Fields of the flow that a person can change, each as text. Empty: not known. */
export const FIELDS = ['layer', 'program', 'protocol', 'remote', 'local', 'user', 'package', 'profile', 'flags'] as const;
export type Field = (typeof FIELDS)[number];
export type FlowTexts = Record<Field, string>;

const endpoint = (address: string | undefined, port: number | undefined): string => {
  const at = address?.includes(':') && port !== undefined ? `[${address}]` : (address ?? '');
  return port === undefined ? at : `${at}:${port}`;
};

/** A flow as the texts of its fields. */
export const textsOf = (flow: Flow): FlowTexts => ({
  layer: flow.layer,
  program: flow.app ?? '',
  protocol: flow.protocol === undefined ? '' : protocolWord(flow.protocol),
  remote: endpoint(flow.remote, flow.remotePort),
  local: endpoint(flow.local, flow.localPort),
  user: (flow.sids ?? []).join(','),
  package: flow.packageSid === 'S-1-0-0' ? 'none' : (flow.packageSid ?? ''),
  profile: Object.entries(PROFILES).find(([, number]) => number === flow.profile)?.[0] ?? '',
  flags: flow.flags === undefined ? '' : `0x${flow.flags.toString(16)}`,
});

/** The flow that the texts stand for. @throws FlowError with the field that makes no sense */
export function flowOf(texts: FlowTexts, base: Flow): Flow {
  const bad = (field: Field, form: string) => new FlowError(`${field} "${texts[field].slice(0, 40)}": write ${form}`);
  const protocol = texts.protocol === '' ? undefined : protocolNumber(texts.protocol.replace(/^protocol /, ''));
  if (texts.protocol !== '' && protocol === undefined) throw bad('protocol', 'tcp, udp or a number');
  const sids = texts.user === '' ? undefined : texts.user.split(',').map(each => sidOf(each.trim()));
  if (sids?.some(sid => sid === undefined)) throw bad('user', 'SIDs or SYSTEM');
  const profile = texts.profile === '' ? undefined : PROFILES[texts.profile.toLowerCase()];
  if (texts.profile !== '' && profile === undefined) throw bad('profile', 'public, private or domain');
  if (texts.flags !== '' && !/^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(texts.flags)) throw bad('flags', 'a number such as 0x1');
  const remote = texts.remote === '' ? {} : parseEndpoint(texts.remote);
  const local = texts.local === '' ? {} : parseEndpoint(texts.local);
  const flow: Record<string, unknown> = {
    layer: texts.layer,
    app: texts.program || undefined,
    protocol,
    remote: remote.address,
    remotePort: remote.port,
    local: local.address,
    localPort: local.port,
    sids,
    packageSid: texts.package === '' ? undefined : texts.package === 'none' ? 'S-1-0-0' : texts.package.toUpperCase(),
    profile,
    flags: texts.flags === '' ? undefined : Number(texts.flags),
    newConnection: base.newConnection,
    loopback: base.loopback,
  };
  return Object.fromEntries(Object.entries(flow).filter(([, value]) => value !== undefined)) as unknown as Flow;
}

/** A layer on the way that the traffic takes, with what is decided there. */
export interface Stage {
  readonly title: string;
  readonly layer: string;
  readonly report: ExplainReport;
}

const OUT = [
  ['bind', 'ALE_RESOURCE_ASSIGNMENT'],
  ['connect', 'ALE_AUTH_CONNECT'],
  ['transport', 'OUTBOUND_TRANSPORT'],
  ['network', 'OUTBOUND_IPPACKET'],
] as const;
const IN = [
  ['network', 'INBOUND_IPPACKET'],
  ['transport', 'INBOUND_TRANSPORT'],
  ['accept', 'ALE_AUTH_RECV_ACCEPT'],
] as const;

/** The layers that traffic passes, as WFP draws them: from the program to the network going out, the other way coming in. */
export function stagesOf(machine: Machine, flow: Flow): readonly Stage[] {
  const { name } = layerOf(flow.layer, [flow.remote, flow.local]);
  const version = name.endsWith('_V6') ? 'V6' : 'V4';
  const way = [OUT, IN].find(each => each.some(([, base]) => name === `${base}_${version}`));
  if (!way) return [{ title: name.toLowerCase(), layer: name, report: explainFlow(machine, flow) }];
  return way.map(([title, base]) => {
    const layer = `${base}_${version}`;
    if (layer === name) return { title, layer, report: explainFlow(machine, flow) };
    const { remote, remotePort, app, fields: _, ...rest } = flow;
    // Packets carry no program, a bind no remote side.
    const packet = !base.startsWith('ALE');
    const own =
      base === 'ALE_RESOURCE_ASSIGNMENT'
        ? rest
        : {
            ...rest,
            ...(remote === undefined ? undefined : { remote }),
            ...(remotePort === undefined ? undefined : { remotePort }),
          };
    return {
      title,
      layer,
      report: explainFlow(machine, { ...own, ...(packet || app === undefined ? undefined : { app }), layer }),
    };
  });
}

const slotOf = (verdict: string) => (verdict === 'permit' ? 'permit' : verdict === 'block' ? 'block' : 'waiting');

/** The way as one line: each stage with its verdict, the chosen one marked. */
export function pathLine(stages: readonly Stage[], chosen: number): Line {
  const spans: Span[] = [[' ']];
  stages.forEach((stage, at) => {
    if (at > 0) spans.push([' ─▶ ', 'border']);
    spans.push(
      [at === chosen ? `‹${stage.title}›` : stage.title, at === chosen ? 'heading' : 'muted'],
      [` ${stage.report.verdict}`, slotOf(stage.report.verdict)],
    );
  });
  return spans;
}

const MARK = { matched: '✓', 'not-matched': '·', unknown: '?', 'not-evaluated': ' ' };

function traceLine(each: FilterTraceReport, decides: boolean): Line[] {
  const { filter, outcome } = each;
  const mark = decides ? '✕' : MARK[outcome];
  const failed = each.conditions.find(condition => condition.outcome === 'not-matched')?.text;
  const open = each.conditions.filter(condition => condition.outcome === 'unknown').map(condition => condition.text);
  const why =
    outcome === 'not-matched'
      ? (failed ?? '')
      : outcome === 'unknown'
        ? `unknown: ${open.join('; ')}`
        : outcome === 'not-evaluated'
          ? 'not reached'
          : (each.note ?? '');
  const slot = outcome === 'matched' ? slotOf(each.yields ?? filter.action) : 'muted';
  return [
    [
      [`   ${mark} `, slot],
      [filter.filterId.padEnd(8), 'muted'],
      [`${filter.action.padEnd(8)}`, slot],
      [`${filter.name}  `, outcome === 'matched' ? 'text' : 'muted'],
      [why, 'muted'],
    ],
  ];
}

/** The sublayers of a stage in the order they are visited. Filters that do not match come last in each, and only `all` of them when asked. */
export function traceLines(report: ExplainReport, all: boolean): readonly Line[] {
  const lines: Line[] = [];
  for (const note of report.notes) lines.push([[`   ${note}`, 'muted']]);
  if (report.needs.length > 0) lines.push([['   to settle it: ', 'waiting'], [report.needs.join('; ')]]);
  if (report.subLayers.length === 0) lines.push([['   there is no filter at this layer, which permits', 'muted']]);
  for (const subLayer of report.subLayers) {
    lines.push([
      [` sublayer ${subLayer.name}`, 'heading'],
      [`  weight ${subLayer.weight}  → `, 'muted'],
      [
        subLayer.yields === 'none' ? 'no verdict' : subLayer.yields,
        subLayer.yields === 'none' ? 'muted' : slotOf(subLayer.yields),
      ],
    ]);
    const shown = subLayer.filters.filter(each => all || each.outcome === 'matched' || each.outcome === 'unknown');
    for (const each of shown) lines.push(...traceLine(each, each.filter.filterId === report.filter?.filterId));
    const rest = subLayer.filters.length - shown.length;
    if (rest > 0) lines.push([[`   · ${rest} others do not match or are not reached`, 'muted']]);
  }
  return lines;
}
