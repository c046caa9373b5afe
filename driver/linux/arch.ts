/** What differs between machines for a seccomp filter. Sources: asm/unistd_64.h, asm-generic/unistd.h, linux/audit.h. */
export interface Architecture {
  /** AUDIT_ARCH_*, as `seccomp_data.arch` shows it. */
  readonly audit: number;
  /** Calls that are handed to the supervisor. */
  readonly trapped: { readonly [name in TrappedCall]: number };
  readonly socket: number;
  readonly setsockopt: number;
  readonly ioUringSetup: number;
  /** Numbers from here on belong to another ABI on the same machine (x32) and are refused. */
  readonly foreignFrom?: number;
}

export type TrappedCall = 'connect' | 'sendto' | 'sendmsg' | 'sendmmsg' | 'bind' | 'listen' | 'recvfrom';

/** By `process.arch`. */
export const ARCHITECTURES: { readonly [arch: string]: Architecture | undefined } = {
  x64: {
    audit: 0xc000003e,
    trapped: { connect: 42, sendto: 44, sendmsg: 46, sendmmsg: 307, bind: 49, listen: 50, recvfrom: 45 },
    socket: 41,
    setsockopt: 54,
    ioUringSetup: 425,
    foreignFrom: 0x40000000,
  },
  arm64: {
    audit: 0xc00000b7,
    trapped: { connect: 203, sendto: 206, sendmsg: 211, sendmmsg: 269, bind: 200, listen: 201, recvfrom: 207 },
    socket: 198,
    setsockopt: 208,
    ioUringSetup: 425,
  },
};

/**
 * Socket families and protocols that make network traffic without a call that is trapped (the kernel connects by itself, or a
 * socket option does). They are refused as if the kernel had been built without them.
 */
export const REFUSED_FAMILIES = {
  AF_RDS: 21,
  AF_TIPC: 30,
  AF_RXRPC: 33,
  AF_SMC: 43,
} as const;
export const REFUSED_PROTOCOLS = { IPPROTO_SCTP: 132 } as const;

/**
 * Socket options that send packets to another address than the one that was approved: source routes (RFC 791, RFC 8754). Each is
 * a level and an option, as for setsockopt(2). Refused also as control messages, where IP_RETOPTS (7) stands for IP_OPTIONS.
 */
export const REFUSED_OPTIONS = [
  { level: 0, name: 4 /* IP_OPTIONS */ },
  { level: 41, name: 6 /* IPV6_2292PKTOPTIONS */ },
  { level: 41, name: 57 /* IPV6_RTHDR */ },
] as const;
/**
 * setsockopt(IPV6_FLOWLABEL_MGR) longer than struct in6_flowlabel_req brings IPv6 options along, a routing header too, which every
 * datagram with that label then carries.
 */
export const FLOW_LABEL = { level: 41, name: 32, size: 32 } as const;
export const REFUSED_CONTROL = [
  { level: 0, name: 7 /* IP_RETOPTS */ },
  { level: 41, name: 5 /* IPV6_2292RTHDR */ },
  { level: 41, name: 57 /* IPV6_RTHDR */ },
] as const;
