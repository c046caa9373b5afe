import { REFUSED_CONTROL } from './arch.ts';
import { CallError, MAX_DATA } from './caller.ts';
import { copyAddress, flowKey } from './connect-plan.ts';
import * as libc from './libc.ts';
import { copyControl, copyData, MMSGHDR_SIZE, MSGHDR_SIZE, OwnMessage, parseHeader } from './message-header.ts';
import { done, type Intent, type Plan, type PlanContext, type Step } from './plan.ts';
import { WRITABLE } from './poller.ts';
import { CAP } from './privileges.ts';
import { AF, destination, parseSockaddr } from './sockaddr.ts';
import { PROTOCOL, SOCK } from './socket-facts.ts';

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_FASTOPEN = 0x20000000;
const MSG_ZEROCOPY = 0x4000000;
const SIGPIPE = 13;
const SOL_SOCKET = 1;
/** Control messages that need a privilege, which the supervisor may have and its command not: SO_MARK, SO_PRIORITY. */
const PRIVILEGED_CONTROL = [36, 12];
/** UIO_MAXIOV: the most messages of one sendmmsg. */
const MAX_MESSAGES = 1024;

interface Message {
  readonly address: Buffer | undefined;
  readonly data: Buffer;
  readonly control: Buffer;
}

/**
 * The address that a message goes to. Of an IPv6 datagram socket AF_UNSPEC means the peer; it is left out, because the program may
 * turn the socket into an IPv4 one meanwhile (IPV6_ADDRFORM), which takes AF_UNSPEC for AF_INET.
 */
function addressee({ socket }: PlanContext, address: Buffer): Buffer | undefined {
  if (address.length < 2) throw new CallError(libc.E.EINVAL);
  const peer = socket.domain === AF.INET6 && socket.type === SOCK.DGRAM && address.readUInt16LE(0) === AF.UNSPEC;
  return peer ? undefined : address;
}

/** What sending to this address means; undefined where it names no remote of its own. */
function intentOf(context: PlanContext, address: Buffer | undefined): Intent | undefined {
  const { socket } = context;
  if (!address) return undefined;
  const unspecIs = socket.domain === AF.INET || socket.type === SOCK.RAW ? socket.domain : AF.UNSPEC;
  const target = parseSockaddr(address, unspecIs);
  if (!target) return undefined;
  const remote = destination(target);
  const local = socket.local;
  return {
    layer: 'ALE_AUTH_CONNECT',
    family: remote.family,
    protocol: socket.protocol,
    ...(local && local.port !== 0 ? { local } : {}),
    remote: { address: remote.address, port: remote.port },
    ...(socket.isStream ? {} : { flow: flowKey(socket.inode, remote.address, remote.port) }),
  };
}

function checkControl(context: PlanContext, control: Buffer): void {
  for (let at = 0; at + 16 <= control.length; ) {
    const length = Number(control.readBigUInt64LE(at));
    const level = control.readInt32LE(at + 8);
    const name = control.readInt32LE(at + 12);
    const privileged = level === SOL_SOCKET && PRIVILEGED_CONTROL.includes(name);
    if (privileged && !context.mayUse(CAP.NET_ADMIN)) throw new CallError(libc.E.EPERM);
    if (REFUSED_CONTROL.some(refused => refused.level === level && refused.name === name)) throw new CallError(libc.E.EPERM);
    if (length < 16) return;
    at += Math.ceil(length / 8) * 8;
  }
}

/** Sends one message from the duplicate; waits for room as the call would. */
function send(context: PlanContext, message: Message, flags: number): Step {
  const { socket } = context;
  // The kernel would go on reading our copy after the call; programs know to send without it then.
  if ((flags & MSG_ZEROCOPY) !== 0 && socket.zeroCopy) return done(libc.E.ENOBUFS, -1);
  const own = new OwnMessage(message.address, message.data, message.control);
  const blocking = (flags & MSG_DONTWAIT) === 0 && !socket.nonBlocking;
  const timeout = blocking ? socket.sendTimeout : 0;
  const once = (timedOut: boolean): Step => {
    const sent = Number(libc.sendmsg(socket.fd, own.header, flags | MSG_DONTWAIT | MSG_NOSIGNAL));
    if (sent >= 0) return done(0, sent);
    const errno = libc.errno();
    if (errno === libc.E.EPIPE && (flags & MSG_NOSIGNAL) === 0 && socket.isStream) return done(errno, -1, SIGPIPE);
    if (!blocking || timedOut || (errno !== libc.E.EAGAIN && errno !== libc.E.EINPROGRESS)) return done(errno, -1);
    return {
      kind: 'wait',
      events: WRITABLE,
      ...(timeout > 0 ? { timeout } : {}),
      interrupted: timeout > 0 ? libc.E.EINTR : libc.E.ERESTARTSYS,
      resume: once,
    };
  };
  return once(false);
}

/** sendto(fd, buffer, length, flags, address, addressLength) */
export function planSendto(context: PlanContext): Plan {
  const { call, access } = context;
  const length = call.long(2);
  const flags = call.int(3);
  // As with sendmsg: without MSG_FASTOPEN a stream does not look at the address.
  if (context.socket.protocol === PROTOCOL.TCP && (flags & MSG_FASTOPEN) === 0) return { perform: () => ({ kind: 'continue' }) };
  const named = call.long(4) !== 0n;
  const address = named ? addressee(context, copyAddress(context, call.long(4), call.int(5))) : undefined;
  const limit = length > BigInt(MAX_DATA) ? MAX_DATA : Number(length);
  const message = { address, data: access.read(call.tid, call.long(1), limit), control: Buffer.alloc(0) };
  return planOf(context, message, flags);
}

function planOf(context: PlanContext, message: Message, flags: number): Plan {
  const intent = intentOf(context, message.address);
  return { ...(intent ? { intent } : {}), perform: () => send(context, message, flags) };
}

function copyMessage(context: PlanContext, bytes: Buffer): Message {
  const header = parseHeader(bytes);
  const { access, call } = context;
  // A NULL name with a length counts as none; a negative length is EINVAL, one above the maximum is cut (net/socket.c).
  if (header.nameLength < 0) throw new CallError(libc.E.EINVAL);
  const nameLength = header.name === 0n ? 0 : Math.min(header.nameLength, 128);
  const address = nameLength > 0 ? addressee(context, copyAddress(context, header.name, nameLength)) : undefined;
  const control = copyControl(access, call.tid, header);
  checkControl(context, control);
  return { address, data: copyData(access, call.tid, header), control };
}

/** sendmsg(fd, header, flags) */
export function planSendmsg(context: PlanContext): Plan {
  const { call, access, socket } = context;
  const flags = call.int(2);
  // TCP without MSG_FASTOPEN (the flags are in a register) cannot open a flow: the kernel may read the message itself.
  if (socket.protocol === PROTOCOL.TCP && (flags & MSG_FASTOPEN) === 0) return { perform: () => ({ kind: 'continue' }) };
  return planOf(context, copyMessage(context, access.read(call.tid, call.long(1), MSGHDR_SIZE)), flags);
}

/** sendmmsg(fd, vector, count, flags): as many as are permitted at once; the caller sees how many went. */
export function planSendmmsg(context: PlanContext): Plan {
  const { call, access, socket } = context;
  const flags = call.int(3);
  if (socket.protocol === PROTOCOL.TCP && (flags & MSG_FASTOPEN) === 0) return { perform: () => ({ kind: 'continue' }) };
  const count = Math.min(Number(call.long(2) & 0xffffffffn), MAX_MESSAGES);
  if (count === 0) return { perform: () => done(0, 0) };
  const vector = call.long(1);
  const copy = (index: number) => copyMessage(context, access.read(call.tid, vector + BigInt(index * MMSGHDR_SIZE), MSGHDR_SIZE));
  const first = copy(0);
  const intent = intentOf(context, first.address);
  const length = Buffer.alloc(4);

  /** Goes on with message `index` once `step`, the sending of it, came to something. */
  const after = (index: number, step: Step): Step => {
    if (step.kind === 'wait') return { ...step, resume: timedOut => after(index, step.resume(timedOut)) };
    if (step.kind !== 'done') return step;
    if (step.errno !== 0) return index > 0 ? done(0, index) : step;
    length.writeUInt32LE(step.value);
    const at = vector + BigInt(index * MMSGHDR_SIZE + MSGHDR_SIZE);
    if (!access.write(call.tid, at, length)) return index > 0 ? done(0, index) : done(libc.E.EFAULT, -1);
    return next(index + 1);
  };
  const next = (index: number): Step => {
    if (index === count) return done(0, index);
    try {
      const message = copy(index);
      const further = intentOf(context, message.address);
      if (further && !context.permits(further)) return done(0, index);
      return after(index, send(context, message, flags));
    } catch (error) {
      if (error instanceof CallError) return done(0, index);
      throw error;
    }
  };
  return { ...(intent ? { intent } : {}), perform: () => after(0, send(context, first, flags)) };
}
