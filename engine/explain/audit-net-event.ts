import { parseU64 } from '../dumps/address.ts';
import type { AuditEvent } from '../dumps/audit-event.ts';
import type { NetEvent } from '../dumps/dump.ts';
import { layerById } from '../model/layers.ts';
import { auditFlow, isInbound } from './audit-values.ts';

/** A decision of an audit log (5154, 5156, 5157, 5158) in the shape of a net event, so that it is listed and explained like one. */
export function auditNetEvent(event: AuditEvent): NetEvent {
  const { fields } = event;
  const layerId = /^\d{1,5}$/.test(fields['LayerRTID'] ?? '') ? Number(fields['LayerRTID']) : undefined;
  const layer = layerId === undefined ? undefined : layerById(layerId);
  const flow = layer && auditFlow(event, layer);
  const filterId = parseU64(fields['FilterRTID'] ?? '');
  const address = flow?.remote ?? flow?.local;
  const connection = event.id === 5156 || event.id === 5157;
  const found = {
    timeStamp: event.time,
    ipVersion: address === undefined ? undefined : address.includes(':') ? ('v6' as const) : ('v4' as const),
    ipProtocol: flow?.protocol,
    localAddress: flow?.local,
    localPort: flow?.localPort,
    remoteAddress: flow?.remote,
    remotePort: flow?.remotePort,
    appId: flow?.app,
    // Zero: no filter decided.
    filterId: filterId === 0n ? undefined : filterId,
    layerId,
    direction: connection && layer ? (isInbound(event, layer) ? ('in' as const) : ('out' as const)) : undefined,
  };
  return {
    type: `SECURITY_${event.id}_${event.id === 5157 ? 'DROP' : 'ALLOW'}`,
    flagNames: [],
    ...(Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as Partial<NetEvent>),
    terminatingFilters: [],
    asFound: Object.entries(fields),
    line: event.line,
  };
}
