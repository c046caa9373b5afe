import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Rule } from '../../../engine/rules/rule.ts';
import { portArguments } from './lab-ports.ts';
import { type LabPorts, type LabServers, startLabServers } from './lab-servers.ts';

export { type LabPorts, type LabServers, startLabServers };

/** The first of these that is there: beside the built chunks, or beside this source. */
function beside(...names: readonly string[]): string | undefined {
  return names.map(name => fileURLToPath(new URL(name, import.meta.url))).find(path => existsSync(path));
}

/**
 * The command that `run` supervises for the lab, once its servers are up.
 * @throws Error when the lab's program is missing from the installation
 */
export function labCommand(ports: LabPorts): { readonly command: readonly string[]; readonly title: string } {
  const main = beside('./lab-main.mjs', './lab-main.ts');
  if (!main) throw new Error('the lab is missing from this installation: build it again with npm run build.');
  return { command: [process.execPath, main, ...portArguments(ports)], title: 'lab: real programs on loopback' };
}

/** The recording that the lab made where it could run; undefined when it is not installed. */
export const labRecording = (): string | undefined => beside('./lab-recording.jsonl', '../tui/cli/lab/lab-recording.jsonl');

/** Rules that hold while the lab runs, so that one of its clients shows a block that nobody was asked for. */
export const labRules = (ports: Pick<LabPorts, 'telemetry'>): readonly Omit<Rule, 'id' | 'createdAt'>[] => [
  {
    verdict: 'block',
    scope: { remote: { kind: 'any' }, port: { from: ports.telemetry, to: ports.telemetry }, protocol: 6, direction: 'out' },
    lifetime: { kind: 'restart' },
    enabled: true,
    note: 'the lab blocks its telemetry port',
    origin: 'builtin',
  },
];

/** Whether calls can be held here, as the driver's probe found it. */
export interface HoldProbe {
  readonly ok: boolean;
  /** One clause for a person: `seccomp user notification, kernel 6.18`, or why not. */
  readonly detail: string;
  /** What to type, where something helps. */
  readonly fix?: string;
}

export type LabDecision =
  | { readonly kind: 'live' }
  /** Cannot run here: play the recording, and say so. */
  | { readonly kind: 'recorded'; readonly path: string; readonly message: string }
  /** Cannot run here and there is no recording. */
  | { readonly kind: 'none'; readonly message: string };

/** Live where the kernel can hold calls; else the recording, with a sentence that says why. */
export function canRun(probe: HoldProbe, recording: string | undefined = labRecording()): LabDecision {
  if (probe.ok) return { kind: 'live' };
  const why = `this machine cannot hold connections: ${probe.detail}${probe.fix ? ` (${probe.fix})` : ''}`;
  if (!recording) return { kind: 'none', message: `${why}; and the lab's recording is missing from this installation.` };
  return { kind: 'recorded', path: recording, message: `${why}; playing a recording of the lab: nothing is enforced.` };
}
