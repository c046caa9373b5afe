import { join } from 'node:path';
import koffi from 'koffi';
import { declare, system32, wide } from './kernel32.ts';
import { sidText } from './process-facts.ts';

/** A SID has at most 68 bytes (SECURITY_MAX_SID_SIZE). */
const SID_MAX = 68;
const DOMAIN_LENGTH = 512;

/**
 * The SID of an account or group by its name (`anna`, `DOMAIN\anna`, `NT AUTHORITY\SYSTEM`), as text; undefined when nobody knows it. Waits
 * for the domain controller where the name is one of the domain's: for commands, not for what holds connections.
 * https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-lookupaccountnamew
 */
export function accountSid(name: string): string | undefined {
  if (name === '' || name.includes('\0')) return undefined;
  const lookup = declare(koffi.load(join(system32(), 'advapi32.dll')), 'LookupAccountNameW', 'u', 'ppppppp');
  const sid = Buffer.alloc(SID_MAX);
  const domain = Buffer.alloc(DOMAIN_LENGTH * 2);
  const size = (length: number) => Buffer.from(Uint32Array.of(length).buffer);
  const found = lookup(null, wide(name), sid, size(SID_MAX), domain, size(DOMAIN_LENGTH), size(0)) as number;
  return found ? sidText(sid) : undefined;
}
