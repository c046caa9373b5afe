import type { ClassifyTrace } from '../../engine/model/classify.ts';

/** Parts of a flow that a person can change, in the order that Tab goes through them. */
export const FIELDS = [
  'program',
  'address',
  'port',
  'protocol',
  'user',
  'local',
  'local port',
  'package',
  'profile',
  'layer',
] as const;
export type FieldName = (typeof FIELDS)[number];

/** One layer on the path. Later ones are reached only when this one lets the traffic on. */
export interface Stage {
  readonly layer: string;
  readonly trace?: ClassifyTrace;
  /** Why there is no trace. */
  readonly missing?: string;
  readonly notes: readonly string[];
  /** What the traffic has for a field, in words; undefined: not known. */
  readonly known: (field: string) => string | undefined;
}

export type StageVerdict = 'permit' | 'block' | 'ask' | 'unknown';
export const stageVerdict = ({ trace }: Stage): StageVerdict =>
  trace === undefined ? 'unknown' : trace.pend ? 'ask' : trace.action;

/**
 * What comes of the traffic, and at which layer: the first that stops it for sure, whatever is not known before it; else the first that
 * holds it or of which the verdict is not known; else it passes.
 */
export function overall(stages: readonly Stage[]): { readonly verdict: StageVerdict; readonly at: number } {
  const verdicts = stages.map(stage => (stage.trace ? stageVerdict(stage) : 'permit'));
  const open = verdicts.findIndex(verdict => verdict !== 'permit');
  const block = verdicts.indexOf('block');
  const at = block >= 0 && verdicts[open] === 'unknown' ? block : open;
  return at < 0 ? { verdict: 'permit', at: 0 } : { verdict: verdicts[at]!, at };
}

/** Traffic that can be asked about, and changed in one part at a time. */
export interface Question {
  /** The parts it has here. */
  readonly fields: readonly FieldName[];
  /** Name that the remote side goes by, where one is known. */
  readonly name?: string | undefined;
  /** A part as text; undefined: not known. */
  text(field: FieldName): string | undefined;
  /** The same with one part changed; an empty text makes it unknown. @throws FlowError with a sentence */
  with(field: FieldName, text: string): Question;
  /** Classifies it along its path. @throws FlowError */
  ask(): readonly Stage[];
}

const OUT = ['ALE_AUTH_CONNECT', 'OUTBOUND_TRANSPORT', 'OUTBOUND_IPPACKET'];
const IN = ['INBOUND_IPPACKET', 'INBOUND_TRANSPORT', 'ALE_AUTH_RECV_ACCEPT'];

/**
 * Layers in the order that traffic passes them: out from the socket to the interface, in the other way round. A layer that is on neither
 * path stands alone. Source: Microsoft, "TCP Packet Flows" and "UDP Packet Flows" (network/tcp-packet-flows).
 */
export function pathOf(layer: string): readonly string[] {
  const version = /_V[46]$/.exec(layer)?.[0] ?? '';
  const base = layer.slice(0, layer.length - version.length);
  const path = OUT.includes(base) ? OUT : IN.includes(base) ? IN : undefined;
  return path ? path.map(each => each + version) : [layer];
}
