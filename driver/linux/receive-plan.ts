import * as libc from './libc.ts';
import type { NameTable } from './names.ts';
import { done, type Plan, type PlanContext, type Step } from './plan.ts';
import { READABLE } from './poller.ts';

const MSG_PEEK = 0x2;
const MSG_DONTWAIT = 0x40;
/** The longest that a blocking receive is watched for an answer; then it goes on unwatched. */
const WATCH_MS = 5_000;
const DATAGRAM = Buffer.alloc(65_536);

/**
 * recvfrom(fd, buffer, length, flags, address, addressLength) of a resolver's socket: looks at the datagram that this very call
 * will take, then lets the kernel run the call. Nothing is decided here: receiving is harmless.
 */
export function planReceive(context: PlanContext, names: NameTable, learn: (datagram: Uint8Array) => void): Plan {
  const { call, socket } = context;
  const proceed: Step = { kind: 'continue' };
  const perform = (): Step => {
    if (socket.isStream || !names.isResolverSocket(socket.inode)) return proceed;
    const peek = (timedOut: boolean): Step => {
      const size = Number(libc.recv(socket.fd, DATAGRAM, DATAGRAM.length, MSG_PEEK | MSG_DONTWAIT));
      if (size > 0) learn(DATAGRAM.subarray(0, size));
      const mayWait = (call.int(3) & MSG_DONTWAIT) === 0 && !socket.nonBlocking;
      if (size >= 0 || libc.errno() !== libc.E.EAGAIN || !mayWait) return proceed;
      const limit = socket.receiveTimeout;
      // The kernel would start the time-out anew.
      if (timedOut) return limit > 0 && limit <= WATCH_MS ? done(libc.E.EAGAIN, -1) : proceed;
      const timeout = limit > 0 ? Math.min(limit, WATCH_MS) : WATCH_MS;
      return {
        kind: 'wait',
        events: READABLE,
        timeout,
        interrupted: limit > 0 ? libc.E.EINTR : libc.E.ERESTARTSYS,
        resume: peek,
      };
    };
    return peek(false);
  };
  return { perform };
}
