import * as libc from './libc.ts';
import { done, type Step } from './plan.ts';
import { MAX_SOCKADDR } from './sockaddr.ts';
import { type DuplicateSocket, namespaceOf } from './socket-facts.ts';

const SOCK_DGRAM_CLOEXEC = 0o2000002;
const SOL_SOCKET = 1;
const SO_BINDTOIFINDEX = 62;
const SHUT_WR = 1;

/**
 * connect of a datagram socket to port 0, as resolvers do to sort addresses: it only asks which source address would be used. The
 * socket must not stay connected there, because a plain `send` would reach that host, undecided. So a socket of our own asks,
 * and the program's is connected to its own source address instead: getsockname answers as it should, and it can be used on.
 */
export function askSource(socket: DuplicateSocket, address: Buffer): Step {
  const source = sourceTowards(socket, address);
  if (typeof source === 'number') return done(source);
  if (source && libc.connect(socket.fd, source, source.length) === 0) return done(0);
  // In another network namespace, say. The socket then sends nothing any more (unconnected ones answer ENOTCONN, and still do it).
  libc.shutdown(socket.fd, SHUT_WR);
  return done(libc.connect(socket.fd, address, address.length) === 0 ? 0 : libc.errno());
}

/** The source address with port 0, or the errno of connecting there; undefined where a socket of ours cannot tell. */
function sourceTowards(socket: DuplicateSocket, address: Buffer): Buffer | number | undefined {
  const own = libc.socket(socket.domain, SOCK_DGRAM_CLOEXEC, 0);
  if (own < 0) return undefined;
  try {
    const namespace = namespaceOf(own);
    if (namespace === undefined || namespace !== namespaceOf(socket.fd)) return undefined;
    const device = Buffer.alloc(4);
    device.writeInt32LE(socket.device);
    if (socket.device !== 0 && libc.setsockopt(own, SOL_SOCKET, SO_BINDTOIFINDEX, device, 4) !== 0) return undefined;
    const bound = nameWithoutPort(socket.fd);
    if (!bound || libc.bind(own, bound, bound.length) !== 0) return undefined;
    if (libc.connect(own, address, address.length) !== 0) return libc.errno();
    return nameWithoutPort(own);
  } finally {
    libc.close(own);
  }
}

function nameWithoutPort(fd: number): Buffer | undefined {
  const name = Buffer.alloc(MAX_SOCKADDR);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(name.length);
  if (libc.getsockname(fd, name, length) !== 0) return undefined;
  name.writeUInt16BE(0, 2);
  return name.subarray(0, length.readUInt32LE(0));
}
