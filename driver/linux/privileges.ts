import { readFileSync } from 'node:fs';

const CAP_NET_BIND_SERVICE = 10n;

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
 * True when the thread holds CAP_NET_BIND_SERVICE, or when the supervisor holds no capability that it could lend
 * (the kernel's own check then decides, also for user namespaces).
 */
export function mayBindPrivilegedPorts(tid: number): boolean {
  try {
    const bit = 1n << CAP_NET_BIND_SERVICE;
    if ((capabilities('/proc/self/status') & bit) === 0n) return true;
    return (capabilities(`/proc/${tid}/status`) & bit) !== 0n;
  } catch {
    return false;
  }
}
