import { askSource } from './ask-source.ts';
import { CallError } from './caller.ts';
import * as libc from './libc.ts';
import { done, type Plan, type PlanContext, type Step } from './plan.ts';
import { readyNow, WRITABLE } from './poller.ts';
import { AF, destination, MAX_SOCKADDR, parseSockaddr } from './sockaddr.ts';
import { PROTOCOL, TCP_STATE } from './socket-facts.ts';

/** Copies a socket address as the kernel's move_addr_to_kernel does: EINVAL for a bad length, EFAULT for a bad pointer. */
export function copyAddress(context: PlanContext, pointer: bigint, length: number): Buffer {
  if (length < 0 || length > MAX_SOCKADDR) throw new CallError(libc.E.EINVAL);
  return context.access.read(context.call.tid, pointer, length);
}

/** Connecting a datagram socket to port 0 asks which source address would be used, as resolvers do to sort addresses. */
const isProbe = (protocol: number, port: number) => protocol === PROTOCOL.UDP && port === 0;

/** An address that the kernel takes only where it does not look at it: as short as a family; an unconnected stream answers EINVAL. */
function nowhere(domain: number): Buffer {
  const address = Buffer.alloc(2);
  address.writeUInt16LE(domain);
  return address;
}

/** connect(fd, address, length) */
export function planConnect(context: PlanContext): Plan {
  const { call, socket } = context;
  const address = copyAddress(context, call.long(1), call.int(2));
  const perform = () => start(context, address);
  const target = parseSockaddr(address);
  const family = address.length >= 2 ? address.readUInt16LE(0) : AF.UNSPEC;
  // Dissolving an association, or what the kernel will refuse by itself.
  if (family === AF.UNSPEC || !target) return { perform };
  if (isProbe(socket.protocol, target.port)) return { perform: () => askSource(socket, address) };
  const state = socket.protocol === PROTOCOL.TCP ? socket.tcpState : undefined;
  // In progress, connected or listening: the kernel answers EALREADY, EISCONN or the like. Not with the caller's address, which
  // nobody decided: another thread may shut the socket down just now, and the kernel would connect it.
  if (state !== undefined && state !== TCP_STATE.CLOSE) return { perform: () => start(context, nowhere(socket.domain)) };
  const remote = destination(target);
  const local = socket.local;
  return {
    intent: {
      layer: 'ALE_AUTH_CONNECT',
      family: remote.family,
      protocol: socket.protocol,
      ...(local && local.port !== 0 ? { local } : {}),
      remote: { address: remote.address, port: remote.port },
      ...(socket.isStream ? {} : { flow: flowKey(socket.inode, remote.address, remote.port) }),
    },
    perform,
  };
}

export const flowKey = (inode: number, address: string, port: number): string => `${inode} ${address} ${port}`;

/** One attempt of connect on the duplicate, never blocking. */
function attempt(context: PlanContext, address: Buffer): number {
  const { socket } = context;
  const connect = () => (libc.connect(socket.fd, address, address.length) === 0 ? 0 : libc.errno());
  // A datagram socket's connect never waits, and its flags belong to threads that may be receiving.
  return socket.isStream ? socket.withoutBlocking(connect) : connect();
}

function start(context: PlanContext, address: Buffer): Step {
  const { socket } = context;
  if (socket.nonBlocking) return done(attempt(context, address));
  const timeout = socket.sendTimeout;
  const errno = attempt(context, address);
  // A call that a signal interrupted and the kernel restarted finds its own handshake in progress.
  if (errno !== libc.E.EINPROGRESS && errno !== libc.E.EALREADY) return done(errno);
  /** A further connect collects the outcome and leaves the socket in the state that a blocking connect leaves. */
  const resume = (timedOut: boolean): Step => {
    if (timedOut && readyNow(socket.fd, WRITABLE) === 0) return done(errno);
    const outcome = attempt(context, address);
    return outcome === libc.E.EALREADY || outcome === libc.E.EINPROGRESS ? wait() : done(outcome);
  };
  const wait = (): Step => ({
    kind: 'wait',
    events: WRITABLE,
    ...(timeout > 0 ? { timeout } : {}),
    interrupted: timeout > 0 ? libc.E.EINTR : libc.E.ERESTARTSYS,
    resume,
  });
  return readyNow(socket.fd, WRITABLE) !== 0 ? resume(false) : wait();
}
