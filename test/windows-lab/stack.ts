import { DriverDevice } from '../../driver/windows/device.ts';

/** Plays what programs and packets do through the control device of the lab's fwpkclnt.sys; its structures are in fwpkclnt/lab.h. */

const ioctl = (code: number): number => (0x22 << 16) | (code << 2);
const PLAY = ioctl(0x800);
const QUERY = ioctl(0x801);
const COUNTERS = ioctl(0x802);
const STREAM = ioctl(0x803);
const REDIRECT = ioctl(0x804);
const FAKE = ioctl(0x805);
const FILTERS = ioctl(0x806);
/** What the lab's device is to a client that takes it for the callout driver; LAB_FAKE of fwpkclnt/lab.h. */
const FAKES = { foreign: 1, newer: 2, cut: 3, endless: 4, count: 5, short: 6 } as const;
export const LAB_DEVICE = '\\\\.\\SallyportLab';
const ACTIONS = { connect: 1, accept: 2, send: 3, reauthorize: 4, close: 5, establish: 6 } as const;
const FLOWS_SIZE = 56;
const COUNTERS_SIZE = 192;
const REDIRECT_SIZE = 168;
/** What else happens meanwhile; LAB_TROUBLE of fwpkclnt/lab.h. */
const TROUBLE = { stall: 1, 'other-before': 2, 'other-after': 4 } as const;
const ENDS = { 'goes-on': 0, fin: 1, reset: 2 } as const;

export interface Play {
  readonly action: keyof typeof ACTIONS;
  readonly family?: 4 | 6;
  readonly protocol?: number;
  readonly count?: number;
  /** Without the right to write the callout may only leave things alone. */
  readonly rights?: 0 | 1;
  /** FWPS_FILTER_FLAG_*: 1 CLEAR_ACTION_RIGHT, 2 PERMIT_IF_CALLOUT_UNREGISTERED. */
  readonly filterFlags?: number;
  /** FWP_CONDITION_FLAG_*: 1 loopback. */
  readonly conditionFlags?: number;
  readonly payloadBytes?: number;
  /** Of reauthorize, close and establish. */
  readonly endpoint?: bigint;
  /** Of connect: `stall` holds the redirect callout in its call until it is to be unregistered; the others redirect as well. */
  readonly trouble?: keyof typeof TROUBLE;
  /** Of connect: the redirect records of this flow are set on the socket, as a proxy does for what it connects in its place. */
  readonly records?: bigint;
  readonly processId?: number;
  readonly localPort?: number;
  readonly remotePort?: number;
  readonly local?: readonly number[];
  readonly remote?: readonly number[];
  readonly appId?: string;
}

export interface Flows {
  readonly endpoint: bigint;
  readonly count: number;
  readonly held: number;
  readonly permitted: number;
  readonly blocked: number;
  readonly closed: number;
  readonly reauthorized: number;
  readonly delivered: number;
  readonly hard: number;
  readonly payloadMismatch: number;
  readonly redirected: number;
  /** Calls of the driver's classifyFn. */
  readonly asked: number;
}

export interface Counters {
  readonly callouts: number;
  readonly injectionHandles: number;
  readonly operations: number;
  readonly lists: number;
  readonly pools: number;
  readonly flowContexts: number;
  readonly pended: number;
  readonly completed: number;
  readonly injected: number;
  readonly violations: number;
  readonly first: string;
  readonly redirectHandles: number;
  readonly classifyHandles: number;
  /** Pool blocks of the driver. */
  readonly poolBlocks: number;
  /** Classifies that a `stall` holds. */
  readonly stalled: number;
  /** Layer data applied with a flag that is for pended classifies only. */
  readonly inlineReauthorize: number;
}

/** A part of the stream of an established flow. */
export interface StreamPart {
  readonly endpoint: bigint;
  readonly direction: 'in' | 'out';
  readonly bytes: Uint8Array;
  /** How often the bytes come one after the other. */
  readonly repeat?: number;
  readonly segmentBytes?: number;
  /** What follows the bytes. */
  readonly end?: keyof typeof ENDS;
  readonly stall?: boolean;
}

export interface StreamOutcome {
  readonly passed: bigint;
  readonly copied: bigint;
  /** Calls of the callout. */
  readonly classified: number;
  readonly mismatch: number;
}

/** What a proxy learns of a connection that it accepted, and where that goes. */
export interface Redirected {
  readonly times: number;
  readonly targetProcessId: number;
  readonly address: Uint8Array;
  readonly port: number;
  /** SIO_QUERY_WFP_CONNECTION_REDIRECT_CONTEXT */
  readonly context: Uint8Array;
}

function decodeFlows(bytes: Uint8Array): Flows {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const at = (index: number) => view.getUint32(8 + index * 4, true);
  return {
    endpoint: view.getBigUint64(0, true),
    count: at(0),
    held: at(1),
    permitted: at(2),
    blocked: at(3),
    closed: at(4),
    reauthorized: at(5),
    delivered: at(6),
    hard: at(7),
    payloadMismatch: at(8),
    redirected: at(9),
    asked: at(10),
  };
}

export class Stack {
  readonly #device = DriverDevice.open('decider', LAB_DEVICE);

  async play(play: Play): Promise<Flows> {
    const bytes = new Uint8Array(224);
    const view = new DataView(bytes.buffer);
    const family = play.family ?? 4;
    const words = [
      ACTIONS[play.action],
      family,
      play.protocol ?? 6,
      play.count ?? 1,
      play.rights ?? 1,
      play.filterFlags ?? 0,
      play.conditionFlags ?? 0,
      play.payloadBytes ?? 0,
    ];
    words.forEach((word, index) => {
      view.setUint32(index * 4, word, true);
    });
    view.setBigUint64(32, play.endpoint ?? 0n, true);
    view.setBigUint64(40, BigInt(play.processId ?? 4242), true);
    view.setUint16(48, play.localPort ?? 50000, true);
    view.setUint16(50, play.remotePort ?? 443, true);
    bytes.set(play.local ?? (family === 4 ? [192, 0, 2, 10] : [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10]), 56);
    bytes.set(
      play.remote ?? (family === 4 ? [203, 0, 113, 9] : [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]),
      72,
    );
    view.setUint32(52, play.trouble ? TROUBLE[play.trouble] : 0, true);
    view.setBigUint64(216, play.records ?? 0n, true);
    const appId = Buffer.from((play.appId ?? '\\device\\harddiskvolume3\\lab\\client.exe').slice(0, 63), 'utf16le');
    bytes.set(appId, 88);
    return decodeFlows(await this.#device.control('playing', PLAY, bytes, FLOWS_SIZE));
  }

  async query(flows: Pick<Flows, 'endpoint' | 'count'>): Promise<Flows> {
    const bytes = new Uint8Array(FLOWS_SIZE);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, flows.endpoint, true);
    view.setUint32(8, flows.count, true);
    return decodeFlows(await this.#device.control('asking the stack', QUERY, bytes, FLOWS_SIZE));
  }

  /** From now on the callout of a layer is called whatever filters the engine holds, as without SALLYPORT_LAB_KERNEL. */
  async disconnect(): Promise<void> {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setUint32(8, 0xffffffff, true);
    await this.#device.control('disconnecting the engine', FILTERS, bytes, 0);
  }

  async counters(): Promise<Counters> {
    const bytes = await this.#device.control('reading the counters', COUNTERS, new Uint8Array(0), COUNTERS_SIZE);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const at = (index: number) => view.getUint32(index * 4, true);
    const text = Buffer.from(bytes.subarray(40, 168)).toString('latin1');
    return {
      callouts: at(0),
      injectionHandles: at(1),
      operations: at(2),
      lists: at(3),
      pools: at(4),
      flowContexts: at(5),
      pended: at(6),
      completed: at(7),
      injected: at(8),
      violations: at(9),
      first: text.slice(0, text.indexOf('\0')),
      redirectHandles: at(42),
      classifyHandles: at(43),
      poolBlocks: at(44),
      stalled: at(45),
      inlineReauthorize: at(46),
    };
  }

  async fake(kind: keyof typeof FAKES): Promise<void> {
    await this.#device.control('playing another driver', FAKE, new Uint8Array(Uint32Array.of(FAKES[kind]).buffer), 0);
  }

  async stream(part: StreamPart): Promise<StreamOutcome> {
    const bytes = new Uint8Array(32 + part.bytes.length);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, part.endpoint, true);
    const words = [
      part.direction === 'in' ? 1 : 0,
      part.segmentBytes ?? 1460,
      part.repeat ?? 1,
      ENDS[part.end ?? 'goes-on'],
      part.stall ? 1 : 0,
    ];
    words.forEach((word, index) => {
      view.setUint32(8 + index * 4, word, true);
    });
    bytes.set(part.bytes, 32);
    const answer = await this.#device.control('streaming', STREAM, bytes, 24);
    const result = new DataView(answer.buffer, answer.byteOffset);
    return {
      passed: result.getBigUint64(0, true),
      copied: result.getBigUint64(8, true),
      classified: result.getUint32(16, true),
      mismatch: result.getUint32(20, true),
    };
  }

  async redirected(endpoint: bigint): Promise<Redirected> {
    const question = new Uint8Array(REDIRECT_SIZE);
    new DataView(question.buffer).setBigUint64(0, endpoint, true);
    const bytes = await this.#device.control('asking the accepted socket', REDIRECT, question, REDIRECT_SIZE);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return {
      times: view.getUint32(8, true),
      targetProcessId: view.getUint32(12, true),
      port: view.getUint16(20, true),
      address: bytes.slice(24, 40),
      context: bytes.slice(40, 40 + view.getUint32(16, true)),
    };
  }

  close(): Promise<void> {
    return this.#device.close();
  }
}
