import { readFileSync } from 'node:fs';

/** Numbers of linux/capability.h. */
export const CAP = { NET_BIND_SERVICE: 10, NET_ADMIN: 12, NET_RAW: 13 } as const;

let firstPort: number | undefined;
/** sysctl net.ipv4.ip_unprivileged_port_start, read once; 1024 where unreadable. */
export function firstUnprivilegedPort(): number {
  if (firstPort === undefined) {
    try {
      firstPort = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'latin1'));
    } catch {
      firstPort = 1024;
    }
  }
  return firstPort;
}

function capabilities(path: string): bigint {
  return BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync(path, 'latin1'))?.[1] ?? '0'}`);
}

/**
 * True when the thread holds the capability itself, or when the supervisor does not and so cannot lend it
 * (the kernel's own check then decides, also for user namespaces).
 */
export function mayUse(tid: number, capability: number): boolean {
  try {
    const bit = 1n << BigInt(capability);
    if ((capabilities('/proc/self/status') & bit) === 0n) return true;
    return (capabilities(`/proc/${tid}/status`) & bit) !== 0n;
  } catch {
    return false;
  }
}
