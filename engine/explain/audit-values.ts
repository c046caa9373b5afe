import { parseV4, parseV6 } from '../dumps/address.ts';
import type { AuditEvent } from '../dumps/audit-event.ts';
import { says } from '../dumps/audit-filter.ts';
import type { ClassifyValues } from '../model/classify.ts';
import type { Layer } from '../model/objects.ts';
import { canonicalAddress, type Flow, flowValues } from './flow.ts';

const ICMP = new Set([1, 58]);

const port = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined;

/** An address of an event; the unspecified one says that none was chosen, so it is not known. */
function address(text: string | undefined): string | undefined {
  if (text === undefined || text === '0.0.0.0' || text === '::') return undefined;
  return parseV4(text) === undefined && parseV6(text) === undefined ? undefined : canonicalAddress(text);
}

/** Whether the connection came in, so that the local side of the event is its destination. */
export function isInbound(event: AuditEvent, layer: Layer): boolean {
  if (says(event.fields['Direction'], 'in')) return true;
  if (says(event.fields['Direction'], 'out')) return false;
  return layer.name.startsWith('ALE_AUTH_RECV_ACCEPT') || layer.name.startsWith('INBOUND');
}

/**
 * What a decision event (5154, 5156, 5157, 5158) tells of the traffic. Source and Dest are sides of the packet. User, package, profile,
 * interface and flags are not told: they stay unknown, except that two addresses can settle whether it is loopback.
 * For ICMP the meaning of the ports is not told either.
 */
export function auditFlow(event: AuditEvent, layer: Layer): Flow {
  const { fields } = event;
  const inbound = isInbound(event, layer);
  const connection = event.id === 5156 || event.id === 5157;
  const side = (local: boolean) => (!connection || local !== inbound ? 'Source' : 'Dest');
  const protocol =
    fields['Protocol'] !== undefined && /^\d{1,3}$/.test(fields['Protocol']) ? Number(fields['Protocol']) : undefined;
  const ports = protocol === undefined || !ICMP.has(protocol);
  const application = fields['Application'];
  const local = address(fields[`${side(true)}Address`]);
  const remote = connection ? address(fields[`${side(false)}Address`] ?? fields['DestAddress']) : undefined;
  const localPort = ports ? port(fields[`${side(true)}Port`]) : undefined;
  const remotePort = ports && connection ? port(fields[`${side(false)}Port`]) : undefined;
  return {
    layer: layer.name,
    ...(application && application !== '-' ? { app: application } : undefined),
    ...(protocol === undefined ? undefined : { protocol }),
    ...(remote === undefined ? undefined : { remote }),
    ...(remotePort === undefined ? undefined : { remotePort }),
    ...(local === undefined ? undefined : { local }),
    ...(localPort === undefined ? undefined : { localPort }),
  };
}

/** The same as values of the layer's fields. `askedBits`: bits of FLAGS that filters of the layer ask for. */
export const auditValues = (event: AuditEvent, layer: Layer, askedBits: number): ClassifyValues => {
  const flow = auditFlow(event, layer);
  return flowValues(flow, layer, flow.app?.startsWith('\\') ? flow.app.toLowerCase() : flow.app, askedBits);
};
