import { Resolver } from 'node:dns';
import { readFileSync } from 'node:fs';

/** Lines of resolv.conf that are read; the file is the machine's own, but a bound costs nothing. */
const MAX_LINES = 1000;

/** Name servers of this machine. On Windows those of its adapters, as Node reads them for each new resolver; a port other than 53 is left out. */
export function configuredResolvers(): readonly string[] {
  return process.platform === 'win32'
    ? new Resolver().getServers().filter(address => !address.includes(']:') && !/^[\d.]+:/.test(address))
    : resolversIn();
}

/**
 * Addresses of the name servers in /etc/resolv.conf (resolv.conf(5)); without any, the resolver's own default, the loopback address.
 * A file that cannot be read gives none: then lookups are asked like everything else.
 */
export function resolversIn(path = '/etc/resolv.conf'): readonly string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  const found = text
    .split('\n')
    .slice(0, MAX_LINES)
    .flatMap(line => /^\s*nameserver\s+([0-9a-fA-F:.]+)/.exec(line)?.[1] ?? []);
  return found.length > 0 ? [...new Set(found)] : ['127.0.0.1'];
}
