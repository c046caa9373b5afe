import type { LabPorts } from './lab-servers.ts';

const NAMES = ['http', 'udp', 'dns', 'packages', 'telemetry', 'refused', 'tcp6'] as const satisfies readonly (keyof LabPorts)[];

/** Ports as arguments of lab-main: `http=40001 udp=40002 …`. */
export const portArguments = (ports: LabPorts): string[] => NAMES.map(name => `${name}=${ports[name]}`);

/** Reads them back; undefined when one is missing or no port. */
export function readPorts(args: readonly string[]): LabPorts | undefined {
  const given = new Map(args.map(arg => arg.split('=', 2) as [string, string | undefined]));
  const ports = NAMES.map(name => [name, /^\d{1,5}$/.test(given.get(name) ?? '') ? Number(given.get(name)) : undefined] as const);
  if (ports.some(([name, port]) => port === undefined || port > 65535 || (port === 0 && name !== 'tcp6'))) return undefined;
  return Object.fromEntries(ports) as unknown as LabPorts;
}
