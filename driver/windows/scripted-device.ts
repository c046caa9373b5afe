import { Message, SALLYPORT, sizeOf } from './contract.ts';
import { DriverError, STATUS_CANCELLED } from './device.ts';
import type { EventDevice } from './driver-source.ts';

let sequence = 0n;

/** A PENDED event of a TCP connect over IPv4. */
export function attempt(requestId: bigint): Uint8Array {
  const size = sizeOf('ATTEMPT_EVENT');
  return new Message('ATTEMPT_EVENT')
    .set('header.size', size)
    .set('header.type', SALLYPORT.EVENT_PENDED)
    .set('header.sequence', ++sequence)
    .set('header.time100ns', 116_444_736_000_000_000n)
    .set('requestId', requestId)
    .set('layerId', 48)
    .set('family', 4)
    .set('protocol', 6).bytes;
}

/** @param reason SALLYPORT_REASON_* @param verdict SALLYPORT_VERDICT_* */
export function completed(requestId: bigint, reason: number, verdict: number): Uint8Array {
  return new Message('COMPLETED_EVENT')
    .set('header.size', sizeOf('COMPLETED_EVENT'))
    .set('header.type', SALLYPORT.EVENT_COMPLETED)
    .set('header.sequence', ++sequence)
    .set('header.time100ns', 116_444_736_000_000_000n)
    .set('requestId', requestId)
    .set('verdict', verdict)
    .set('reason', reason).bytes;
}

/** What one inverted call brings. */
export function batch(...events: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(sizeOf('EVENT_BATCH') + events.reduce((sum, event) => sum + event.length, 0));
  new Message('EVENT_BATCH', bytes).set('version', 1).set('count', events.length).set('bytes', bytes.length);
  let at = sizeOf('EVENT_BATCH');
  for (const event of events) {
    bytes.set(event, at);
    at += event.length;
  }
  return bytes;
}

/** A device whose answers the test gives, in any order: what a real driver does on its own threads. */
export class ScriptedDevice implements EventDevice {
  readonly waiting: { answer: (bytes: Uint8Array) => void; fail: (status: number) => void }[] = [];
  readonly verdicts: bigint[] = [];
  readonly policies: Uint8Array[] = [];
  /** Requests that the driver holds no more. */
  readonly over = new Set<bigint>();
  closed = false;
  /** Status with which so many calls that answer fail. */
  refusing = { status: 0, times: 0 };
  /** While set, `attach` waits. */
  gate: Promise<void> | undefined;

  async attach() {
    await this.gate;
    return {
      accepted: true,
      contractVersion: 1,
      driverVersion: '0.1.0',
      heldCount: 0,
      observerCount: 0,
      deciderAttached: true,
      instanceId: 1n,
    };
  }

  control(call: string, code: number, input: Uint8Array): Promise<Uint8Array> {
    if (code === SALLYPORT.IOCTL_NEXT_EVENTS) {
      return new Promise((resolve, reject) => {
        this.waiting.push({ answer: resolve, fail: status => reject(new DriverError(call, status)) });
      });
    }
    if (code === SALLYPORT.IOCTL_COMPLETE) {
      if (this.refusing.times-- > 0) return Promise.reject(new DriverError(call, this.refusing.status));
      const count = new Message('VERDICT_BATCH', input).number('count');
      const results = new Uint8Array(8 + count * 16);
      for (let index = 0; index < count; index++) {
        const requestId = new Message('VERDICT', input.subarray(8 + index * 16)).bigint('requestId');
        this.verdicts.push(requestId);
        const result = this.over.has(requestId) ? SALLYPORT.RESULT_NOT_HELD : SALLYPORT.RESULT_ACCEPTED;
        new Message('VERDICT_RESULT', results.subarray(8 + index * 16)).set('requestId', requestId).set('result', result);
      }
      new Message('VERDICT_RESULTS', results).set('version', 1).set('count', count);
      return Promise.resolve(results);
    }
    if (code === SALLYPORT.IOCTL_SET_POLICY) {
      this.policies.push(input);
      return Promise.resolve(new Uint8Array(0));
    }
    return Promise.reject(new Error(`no answer to ${code}`));
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const { fail } of this.waiting.splice(0)) fail(STATUS_CANCELLED);
  }
}
