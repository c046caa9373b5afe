/** What differs between machines for a seccomp filter. Sources: asm/unistd_64.h, asm-generic/unistd.h, linux/audit.h. */
export interface Architecture {
  /** AUDIT_ARCH_*, as `seccomp_data.arch` shows it. */
  readonly audit: number;
  /** Calls that are handed to the supervisor. */
  readonly trapped: { readonly [name in TrappedCall]: number };
  readonly socket: number;
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
    ioUringSetup: 425,
    foreignFrom: 0x40000000,
  },
  arm64: {
    audit: 0xc00000b7,
    trapped: { connect: 203, sendto: 206, sendmsg: 211, sendmmsg: 269, bind: 200, listen: 201, recvfrom: 207 },
    socket: 198,
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
