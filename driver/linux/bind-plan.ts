import { copyAddress } from './connect-plan.ts';
import * as libc from './libc.ts';
import { done, type Plan, type PlanContext } from './plan.ts';
import { CAP, firstUnprivilegedPort } from './privileges.ts';
import { AF, parseSockaddr } from './sockaddr.ts';
import { PROTOCOL, TCP_STATE } from './socket-facts.ts';

const outcome = (result: number) => done(result === 0 ? 0 : libc.errno());

/** bind(fd, address, length) */
export function planBind(context: PlanContext): Plan {
  const { call, socket } = context;
  const address = copyAddress(context, call.long(1), call.int(2));
  const local = parseSockaddr(address, socket.domain === AF.INET ? AF.INET : AF.UNSPEC);
  const perform = () => {
    // The supervisor may be allowed more than its command: do not lend it.
    const privileged = local !== undefined && local.port !== 0 && local.port < firstUnprivilegedPort();
    if (privileged && !context.mayUse(CAP.NET_BIND_SERVICE)) return done(libc.E.EACCES);
    return outcome(libc.bind(socket.fd, address, address.length));
  };
  if (!local) return { perform };
  return {
    intent: {
      layer: 'ALE_RESOURCE_ASSIGNMENT',
      family: local.family,
      protocol: socket.protocol,
      local: { address: local.address, port: local.port },
    },
    perform,
  };
}

/** listen(fd, backlog) */
export function planListen(context: PlanContext): Plan {
  const { call, socket } = context;
  const perform = () => outcome(libc.listen(socket.fd, call.int(1)));
  // The kernel refuses.
  if (!socket.isStream) return { perform };
  const state = socket.protocol === PROTOCOL.TCP ? socket.tcpState : undefined;
  // Only the backlog changes.
  if (state === TCP_STATE.LISTEN) return { perform };
  // Answered here: another thread may shut the socket down just now, and the kernel would listen, which nobody decided.
  if (state !== undefined && state !== TCP_STATE.CLOSE) return { perform: () => done(libc.E.EINVAL) };
  const v4 = socket.domain === AF.INET;
  const local = socket.local ?? { address: v4 ? '0.0.0.0' : '::', port: 0 };
  return {
    intent: {
      layer: 'ALE_AUTH_LISTEN',
      family: local.address.includes(':') ? 'v6' : 'v4',
      protocol: socket.protocol,
      local,
    },
    perform,
  };
}
