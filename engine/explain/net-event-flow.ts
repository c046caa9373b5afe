import type { NetEvent } from '../dumps/dump.ts';
import { canonicalAddress, type Flow, FlowError } from './flow.ts';
import type { Machine } from './machine.ts';

const PROFILES = [
  ['ORIGINAL_PROFILE_ID', 'originalProfile'],
  ['CURRENT_PROFILE_ID', 'currentProfile'],
] as const;

/** What a net event tells of its traffic, as a question. @throws FlowError when its layer is not told or not known */
export function netEventFlow(event: NetEvent, machine: Machine): Flow {
  const layer = event.layerId === undefined ? undefined : machine.layerById(event.layerId);
  if (!layer)
    throw new FlowError(`the event (${event.type || 'no type'}) names no layer that is known here, so it cannot be classified`);
  const address = (text: string | undefined) =>
    text === undefined || text === '0.0.0.0' || text === '::' ? undefined : canonicalAddress(text);
  const fields: Record<string, string> = {};
  for (const [field, name] of PROFILES) {
    const value = event[name];
    if (value !== undefined && layer.fields.some(each => each.name === field)) fields[field] = String(value);
  }
  const [local, remote] = [address(event.localAddress), address(event.remoteAddress)];
  return {
    layer: layer.name,
    ...(event.appId ? { app: event.appId } : undefined),
    ...(event.ipProtocol === undefined ? undefined : { protocol: event.ipProtocol }),
    ...(remote === undefined ? undefined : { remote }),
    ...(event.remotePort === undefined ? undefined : { remotePort: event.remotePort }),
    ...(local === undefined ? undefined : { local }),
    ...(event.localPort === undefined ? undefined : { localPort: event.localPort }),
    ...(event.userId ? { sids: [event.userId] } : undefined),
    ...(event.packageSid ? { packageSid: event.packageSid } : undefined),
    ...(event.isLoopback === undefined ? undefined : { loopback: event.isLoopback }),
    ...(event.reauthReason === 0 ? { newConnection: true } : undefined),
    fields,
  };
}
