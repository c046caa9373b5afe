import type { Verdict } from '../../engine/model/attempt.ts';
import { Message, SALLYPORT, sizeOf } from './contract.ts';
import { REASONS } from './events.ts';

/** How the driver behaves where nobody decides. Members left out have their default (DEFAULT_POLICY). */
export interface DriverPolicy {
  readonly deadlineMs?: number;
  readonly rememberMs?: number;
  readonly maxHeld?: number;
  readonly maxHeldPerProcess?: number;
  readonly maxHeldBytes?: number;
  readonly holdLoopback?: boolean;
  readonly onTimeout?: PolicyVerdict;
  readonly onOverflow?: PolicyVerdict;
  readonly onDetach?: PolicyVerdict;
  readonly onStranger?: PolicyVerdict;
  /** Never held: what the decider itself needs. Up to 16 process ids. */
  readonly exempt?: readonly number[];
}

/** `filter`: what the asking filter says for the case that its callout is missing. */
export type PolicyVerdict = Verdict | 'filter';

const POLICY_VERDICT: { readonly [name in PolicyVerdict]: number } = {
  filter: SALLYPORT.VERDICT_BY_FILTER,
  permit: SALLYPORT.VERDICT_PERMIT,
  block: SALLYPORT.VERDICT_BLOCK,
};
const VERDICT: { readonly [name in Verdict]: number } = { permit: SALLYPORT.VERDICT_PERMIT, block: SALLYPORT.VERDICT_BLOCK };

export function encodeHello(): Uint8Array {
  return new Message('HELLO').set('version', SALLYPORT.CONTRACT_VERSION).set('magic', SALLYPORT.MAGIC).bytes;
}

export interface Welcome {
  readonly accepted: boolean;
  readonly contractVersion: number;
  /** `1.2.3` */
  readonly driverVersion: string;
  readonly heldCount: number;
  readonly observerCount: number;
  readonly deciderAttached: boolean;
  readonly instanceId: bigint;
}

/** Null when the other side is not our driver. */
export function decodeWelcome(bytes: Uint8Array): Welcome | null {
  if (bytes.length < sizeOf('WELCOME')) return null;
  const message = new Message('WELCOME', bytes);
  if (message.number('magic') !== SALLYPORT.MAGIC) return null;
  const version = message.number('driverVersion');
  return {
    accepted: message.number('accepted') === 1,
    contractVersion: message.number('version'),
    driverVersion: [version >>> 16, (version >>> 8) & 0xff, version & 0xff].join('.'),
    heldCount: message.number('heldCount'),
    observerCount: message.number('observerCount'),
    deciderAttached: message.number('deciderAttached') === 1,
    instanceId: message.bigint('instanceId'),
  };
}

/** What SALLYPORT_POLICY has when the driver is loaded (ioctl.h). */
export const DEFAULT_POLICY: Required<DriverPolicy> = {
  deadlineMs: 60_000,
  rememberMs: 600_000,
  maxHeld: 1024,
  maxHeldPerProcess: 128,
  maxHeldBytes: 4 * 1024 * 1024,
  holdLoopback: false,
  onTimeout: 'block',
  onOverflow: 'block',
  onDetach: 'filter',
  onStranger: 'permit',
  exempt: [],
};

/** A whole policy: what is not named has its default, whatever the decider before this one had set. */
export function encodePolicy(policy: DriverPolicy): Uint8Array {
  const full = { ...DEFAULT_POLICY, ...policy };
  if (full.exempt.length > SALLYPORT.MAX_EXEMPT) {
    throw new RangeError(`${full.exempt.length} exempt processes; the driver takes ${SALLYPORT.MAX_EXEMPT}`);
  }
  const message = new Message('POLICY')
    .set('version', SALLYPORT.CONTRACT_VERSION)
    .set('flags', full.holdLoopback ? SALLYPORT.POLICY_HOLD_LOOPBACK : 0)
    .set('exemptCount', full.exempt.length);
  for (const name of ['deadlineMs', 'rememberMs', 'maxHeld', 'maxHeldPerProcess', 'maxHeldBytes'] as const)
    message.set(name, full[name]);
  for (const name of ['onTimeout', 'onOverflow', 'onDetach', 'onStranger'] as const)
    message.set(name, POLICY_VERDICT[full[name]]);
  full.exempt.forEach((pid, index) => {
    message.set('exemptProcessIds', pid, index);
  });
  return message.bytes;
}

/** The optional modules of the driver; one that is left out is switched off. They end with the decider. */
export interface DriverModules {
  /** Connects go to this process, which listens on 127.0.0.1 and ::1 at the port; its own connects do not. */
  readonly proxy?: { readonly pid: number; readonly port: number };
  /** The first bytes of every flow and direction (1 to 4,096), of so many flows at once (1 to 4,096). */
  readonly stream?: { readonly bytes: number; readonly flows: number };
}

/** SALLYPORT_MODULES: which modules are on after the call. Values out of range are the driver's to refuse. */
export function encodeModules({ proxy, stream }: DriverModules): Uint8Array {
  return new Message('MODULES')
    .set('version', SALLYPORT.CONTRACT_VERSION)
    .set('modules', (proxy ? SALLYPORT.MODULE_REDIRECT : 0) | (stream ? SALLYPORT.MODULE_STREAM : 0))
    .set('proxyProcessId', proxy?.pid ?? 0)
    .set('proxyPortHost', proxy?.port ?? 0)
    .set('streamBytes', stream?.bytes ?? 0)
    .set('streamFlows', stream?.flows ?? 0).bytes;
}

export interface DriverVerdict {
  readonly requestId: bigint;
  readonly verdict: Verdict;
}

/** At most SALLYPORT_MAX_VERDICTS at once. */
export function encodeVerdicts(verdicts: readonly DriverVerdict[]): Uint8Array {
  if (verdicts.length === 0 || verdicts.length > SALLYPORT.MAX_VERDICTS)
    throw new RangeError(`${verdicts.length} verdicts in a batch`);
  const head = sizeOf('VERDICT_BATCH');
  const step = sizeOf('VERDICT');
  const bytes = new Uint8Array(head + verdicts.length * step);
  new Message('VERDICT_BATCH', bytes).set('version', SALLYPORT.CONTRACT_VERSION).set('count', verdicts.length);
  verdicts.forEach(({ requestId, verdict }, index) => {
    new Message('VERDICT', bytes.subarray(head + index * step)).set('requestId', requestId).set('verdict', VERDICT[verdict]);
  });
  return bytes;
}

export const verdictResultsSize = (count: number): number => sizeOf('VERDICT_RESULTS') + count * sizeOf('VERDICT_RESULT');

/** Which requests of the batch were no longer held. */
export function decodeVerdictResults(bytes: Uint8Array): readonly bigint[] {
  const count = new Message('VERDICT_RESULTS', bytes).number('count');
  if (bytes.length < verdictResultsSize(count)) throw new RangeError('verdict results shorter than they say');
  const missed: bigint[] = [];
  for (let index = 0; index < count; index++) {
    const result = new Message('VERDICT_RESULT', bytes.subarray(verdictResultsSize(index)));
    if (result.number('result') !== SALLYPORT.RESULT_ACCEPTED) missed.push(result.bigint('requestId'));
  }
  return missed;
}

/** Counters of the driver by the names of SALLYPORT_STATISTICS; those by reason as `completed timed-out`, `decided overflow`. */
export function decodeStatistics(bytes: Uint8Array): ReadonlyMap<string, bigint> {
  const message = new Message('STATISTICS', bytes);
  const names = [
    'heldNow',
    'heldBytesNow',
    'rememberedNow',
    'heldMost',
    'observersNow',
    'deciderNow',
    'classified',
    'pended',
    'permitted',
    'blocked',
    'noWriteRight',
    'ownInjections',
    'exempt',
    'loopback',
    'reauthorized',
    'joined',
    'packetsInjected',
    'packetsDropped',
    'injectFailures',
    'eventsLost',
    'redirected',
    'streamFlows',
    'streamBytes',
  ];
  const byReason = REASONS.flatMap((reason, index) => [
    [`completed ${reason}`, message.bigint('completed', index)] as const,
    [`decided ${reason}`, message.bigint('decided', index)] as const,
  ]);
  return new Map([...names.map(name => [name, message.bigint(name)] as const), ...byReason]);
}
