import * as libc from './libc.ts';

const CREATE_RULESET_VERSION = 1;
const ACCESS_NET_BIND_TCP = 1;
const ACCESS_NET_CONNECT_TCP = 2;
/** The first version that knows TCP (Linux 6.7). */
const FIRST_WITH_TCP = 4;

/** The kernel's Landlock version; 0 where it is missing or switched off. */
export function landlockVersion(): number {
  return Math.max(0, libc.landlockCreateRuleset(null, 0, CREATE_RULESET_VERSION));
}

/**
 * Second wall: the calling process and its children may not bind or connect TCP themselves any more. The supervisor, which is
 * outside, does it for them. So a call that was let through by mistake (a descriptor swapped after the check) still reaches
 * nobody. Needs PR_SET_NO_NEW_PRIVS. It also keeps the command from tracing the supervisor. Kernels before 6.7 lack it.
 * @returns whether the wall stands
 */
export function restrictTcp(): boolean {
  if (landlockVersion() < FIRST_WITH_TCP) return false;
  // struct landlock_ruleset_attr: handled_access_fs, handled_access_net
  const attr = Buffer.alloc(16);
  attr.writeBigUInt64LE(BigInt(ACCESS_NET_BIND_TCP | ACCESS_NET_CONNECT_TCP), 8);
  const ruleset = libc.landlockCreateRuleset(attr, attr.length, 0);
  if (ruleset < 0) return false;
  const done = libc.landlockRestrictSelf(ruleset) === 0;
  libc.close(ruleset);
  return done;
}
