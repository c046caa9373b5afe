import type { AttemptLayer, Endpoint } from '../../engine/model/attempt.ts';
import { Message, SALLYPORT, sizeOf } from './contract.ts';

/** Why a request was completed or decided without being held, by SALLYPORT_REASON_ number. */
export const REASONS = [
  'none',
  'answered',
  'timed-out',
  'detached',
  'withdrawn',
  'power',
  'unload',
  'overflow',
  'no-decider',
  'cannot-pend',
  'no-memory',
  'stranger',
] as const;
export type Reason = (typeof REASONS)[number];

/** SALLYPORT_ATTEMPT_EVENT. Absent: the driver did not know. */
export interface AttemptEvent {
  readonly type: 'pended' | 'decided';
  readonly sequence: bigint;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly replayed: boolean;
  readonly requestId: bigint;
  readonly processId?: number;
  readonly filterId: bigint;
  /** Tells the service of a svchost process. */
  readonly subProcessTag?: bigint;
  readonly deadlineMs: number;
  readonly layer: AttemptLayer;
  readonly family: 'v4' | 'v6';
  readonly protocol: number;
  readonly local?: Endpoint;
  readonly remote: Endpoint;
  /** NT path, lower case: `\device\harddiskvolume3\…`. */
  readonly appId?: string;
  /** The name that the program gave to WSAConnectByName. */
  readonly peerName?: string;
  readonly packageSid?: Uint8Array;
  readonly verdict?: 'permit' | 'block';
  readonly reason: Reason;
}

export interface CompletedEvent {
  readonly type: 'completed';
  readonly sequence: bigint;
  readonly at: number;
  readonly requestId: bigint;
  readonly waitedMs: number;
  readonly verdict: 'permit' | 'block';
  readonly reason: Reason;
  readonly packetsInjected: number;
  readonly packetsDropped: number;
}

export interface StateEvent {
  readonly type: 'state';
  readonly sequence: bigint;
  readonly at: number;
  readonly deciderAttached: boolean;
  readonly deciderProcessId?: number;
  readonly modules: number;
}

export interface StreamEvent {
  readonly type: 'stream';
  readonly sequence: bigint;
  readonly at: number;
  readonly flowId: bigint;
  readonly processId?: number;
  readonly direction: 'in' | 'out';
  readonly offset: number;
  readonly last: boolean;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly data: Uint8Array;
}

export type DriverEvent = AttemptEvent | CompletedEvent | StateEvent | StreamEvent;

export interface EventBatch {
  readonly events: readonly DriverEvent[];
  /** Events that this client missed since it attached. */
  readonly lost: bigint;
}

/** The driver sent what ioctl.h does not allow. Nothing of the batch is used. */
export class BrokenEventError extends Error {
  constructor(what: string) {
    super(`The driver sent ${what}. Install the driver that came with this program (install.cmd) and start again.`);
    this.name = 'BrokenEventError';
  }
}

/** 1601-01-01 to 1970-01-01 in units of 100 ns. */
const FILETIME_EPOCH = 116_444_736_000_000_000n;
const LAYERS: { readonly [id: number]: { readonly layer: AttemptLayer; readonly family: 'v4' | 'v6' } } = {
  44: { layer: 'ALE_AUTH_RECV_ACCEPT', family: 'v4' },
  46: { layer: 'ALE_AUTH_RECV_ACCEPT', family: 'v6' },
  48: { layer: 'ALE_AUTH_CONNECT', family: 'v4' },
  50: { layer: 'ALE_AUTH_CONNECT', family: 'v6' },
};

/** Canonical text of 16 bytes in network order; an IPv4-mapped address is written as IPv4. */
export function addressText(family: number, bytes: Uint8Array): string {
  if (family === 4) return bytes.subarray(0, 4).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[index * 2]! << 8) | bytes[index * 2 + 1]!);
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff) return bytes.subarray(12, 16).join('.');
  let best = { at: 0, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const text = (list: number[]) => list.map(group => group.toString(16)).join(':');
  return best.length < 2 ? text(groups) : `${text(groups.slice(0, best.at))}::${text(groups.slice(best.at + best.length))}`;
}

function reason(code: number): Reason {
  const name = REASONS[code];
  if (!name) throw new BrokenEventError(`the reason ${code}`);
  return name;
}

const verdictOf = (code: number): 'permit' | 'block' | undefined =>
  code === SALLYPORT.VERDICT_PERMIT ? 'permit' : code === SALLYPORT.VERDICT_BLOCK ? 'block' : undefined;

/** Process ids of Windows are DWORDs; what is none is not known. */
const known = (id: bigint): number | undefined => (id === 0n || id > 0xffffffffn ? undefined : Number(id));

/** Bytes behind an event's fixed part; offsets count from its start and may not leave it. */
function part(message: Message, offsetField: string, lengthField: string, size: number): Uint8Array | undefined {
  const length = message.number(lengthField);
  if (length === 0) return undefined;
  const offset = message.number(offsetField);
  if (offset < sizeOf(message.name) || offset + length > size) throw new BrokenEventError(`${lengthField} outside its event`);
  return message.bytes.slice(offset, offset + length);
}

const utf16 = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Buffer.from(bytes).toString('utf16le').replace(/\0+$/, '');

function head(message: Message) {
  return {
    sequence: message.bigint('header.sequence'),
    at: Number((message.bigint('header.time100ns') - FILETIME_EPOCH) / 10_000n),
  };
}

function decodeAttempt(bytes: Uint8Array, type: 'pended' | 'decided'): AttemptEvent {
  const message = new Message('ATTEMPT_EVENT', bytes);
  const where = LAYERS[message.number('layerId')];
  const family = message.number('family');
  if (!where || family !== (where.family === 'v4' ? 4 : 6)) throw new BrokenEventError(`the layer ${message.number('layerId')}`);
  const flags = message.number('header.flags');
  const endpoint = (side: 'local' | 'remote'): Endpoint => ({
    address: addressText(family, message.array(`${side}Address`)),
    port: message.number(`${side}PortHost`),
  });
  const appId = utf16(part(message, 'appIdOffset', 'appIdBytes', bytes.length));
  const peerName = utf16(part(message, 'peerNameOffset', 'peerNameBytes', bytes.length));
  const packageSid = part(message, 'packageSidOffset', 'packageSidBytes', bytes.length);
  const processId = known(message.bigint('processId'));
  const tag = message.bigint('subProcessTag');
  const verdict = verdictOf(message.number('verdict'));
  const cut = (flags & SALLYPORT.EVENT_FLAG_APP_ID_TRUNCATED) !== 0;
  return {
    type,
    ...head(message),
    replayed: (flags & SALLYPORT.EVENT_FLAG_REPLAYED) !== 0,
    requestId: message.bigint('requestId'),
    ...(processId !== undefined && { processId }),
    filterId: message.bigint('filterId'),
    ...(tag !== 0n && { subProcessTag: tag }),
    deadlineMs: message.number('deadlineMs'),
    ...where,
    protocol: message.number('protocol'),
    ...((flags & SALLYPORT.EVENT_FLAG_LOCAL_ADDRESS_UNKNOWN) === 0 && { local: endpoint('local') }),
    remote: endpoint('remote'),
    // A path that was cut names another file than the one that asks.
    ...(appId !== undefined && !cut && { appId }),
    ...(peerName !== undefined && (flags & SALLYPORT.EVENT_FLAG_PEER_NAME_TRUNCATED) === 0 && { peerName }),
    ...(packageSid !== undefined && { packageSid }),
    ...(verdict !== undefined && { verdict }),
    reason: reason(message.number('reason')),
  };
}

function decodeCompleted(bytes: Uint8Array): CompletedEvent {
  const message = new Message('COMPLETED_EVENT', bytes);
  const verdict = verdictOf(message.number('verdict'));
  if (!verdict) throw new BrokenEventError('a completed request without verdict');
  return {
    type: 'completed',
    ...head(message),
    requestId: message.bigint('requestId'),
    waitedMs: message.number('waitedMs'),
    verdict,
    reason: reason(message.number('reason')),
    packetsInjected: message.number('packetsInjected'),
    packetsDropped: message.number('packetsDropped'),
  };
}

function decodeState(bytes: Uint8Array): StateEvent {
  const message = new Message('STATE_EVENT', bytes);
  const processId = known(message.bigint('deciderProcessId'));
  return {
    type: 'state',
    ...head(message),
    deciderAttached: message.number('deciderAttached') !== 0,
    ...(processId !== undefined && { deciderProcessId: processId }),
    modules: message.number('modules'),
  };
}

function decodeStream(bytes: Uint8Array): StreamEvent {
  const message = new Message('STREAM_EVENT', bytes);
  const family = message.number('family');
  const processId = known(message.bigint('processId'));
  return {
    type: 'stream',
    ...head(message),
    flowId: message.bigint('flowId'),
    ...(processId !== undefined && { processId }),
    direction: message.number('inbound') ? 'in' : 'out',
    offset: message.number('streamOffset'),
    last: message.number('last') !== 0,
    local: { address: addressText(family, message.array('localAddress')), port: message.number('localPortHost') },
    remote: { address: addressText(family, message.array('remoteAddress')), port: message.number('remotePortHost') },
    data: part(message, 'dataOffset', 'dataBytes', bytes.length) ?? new Uint8Array(0),
  };
}

/**
 * Reads what SALLYPORT_IOCTL_NEXT_EVENTS returned. Event types of a later minor driver are passed over, anything inconsistent throws.
 * @throws BrokenEventError
 */
export function decodeBatch(bytes: Uint8Array): EventBatch {
  if (bytes.length < sizeOf('EVENT_BATCH')) throw new BrokenEventError(`${bytes.length} bytes as events`);
  const batch = new Message('EVENT_BATCH', bytes);
  if (batch.number('version') !== SALLYPORT.CONTRACT_VERSION)
    throw new BrokenEventError(`contract version ${batch.number('version')}`);
  if (batch.number('bytes') !== bytes.length) throw new BrokenEventError('a batch of another length than it says');
  const events: DriverEvent[] = [];
  let at = sizeOf('EVENT_BATCH');
  for (let left = batch.number('count'); left > 0; left--) {
    if (at + sizeOf('EVENT_HEADER') > bytes.length) throw new BrokenEventError('fewer events than it counts');
    const header = new Message('EVENT_HEADER', bytes.subarray(at));
    const size = header.number('size');
    if (size < sizeOf('EVENT_HEADER') || size % 8 !== 0 || at + size > bytes.length)
      throw new BrokenEventError(`an event of ${size} bytes`);
    const event = decodeEvent(header.number('type'), bytes.subarray(at, at + size));
    if (event) events.push(event);
    at += size;
  }
  if (at !== bytes.length) throw new BrokenEventError('bytes behind its events');
  return { events, lost: batch.bigint('lost') };
}

function decodeEvent(type: number, bytes: Uint8Array): DriverEvent | undefined {
  try {
    switch (type) {
      case SALLYPORT.EVENT_PENDED:
        return decodeAttempt(bytes, 'pended');
      case SALLYPORT.EVENT_DECIDED:
        return decodeAttempt(bytes, 'decided');
      case SALLYPORT.EVENT_COMPLETED:
        return decodeCompleted(bytes);
      case SALLYPORT.EVENT_STATE:
        return decodeState(bytes);
      case SALLYPORT.EVENT_STREAM:
        return decodeStream(bytes);
      default:
        return undefined;
    }
  } catch (error) {
    if (error instanceof RangeError) throw new BrokenEventError(`an event that is too short (${error.message})`);
    throw error;
  }
}
