import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PACKAGES_NAME } from './lab-dns.ts';
import type { LabPorts } from './lab-servers.ts';

/** One client: a program that is started once a round and prints its own outcome. */
export interface LabClient {
  /** What stands before its lines. */
  readonly name: string;
  /** Program and arguments; never a shell string. */
  readonly command: readonly string[];
}

/** Finds an installed program; the system's own before what a PATH puts in front of it (version managers' wrapper scripts). */
export function findProgram(name: string, path = process.env['PATH'] ?? ''): string | undefined {
  for (const folder of ['/usr/bin', '/bin', '/usr/local/bin', ...path.split(delimiter).filter(Boolean)]) {
    try {
      const file = join(folder, name);
      accessSync(file, constants.X_OK);
      return realpathSync(file);
    } catch {
      // not here
    }
  }
  return undefined;
}

const udpInPython = `import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
try:
    s.sendto(b"ping", (sys.argv[1], int(sys.argv[2])))
    print("answered:", s.recv(64).decode())
except OSError as e:
    print("not sent:", e.strerror or e)`;

const refusedInPerl = `use IO::Socket::INET;
my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Proto => "tcp");
print $s ? "connected\\n" : "not connected: $!\\n";`;

const telemetryInBash = 'if exec 3<>"/dev/tcp/$1/$2"; then echo "connected: $(head -n 1 <&3)"; else echo "not connected"; fi';

/**
 * The clients of this machine: as many different programs as are installed, and Node alone everywhere else.
 * @param node how this program itself is started as a client: `node lab-main.mjs client`
 */
export function labClients(
  ports: LabPorts,
  node: readonly string[],
  find: (name: string) => string | undefined = findProgram,
): LabClient[] {
  const local = '127.0.0.1';
  const own = (name: string, ...args: (string | number)[]): LabClient => ({ name, command: [...node, ...args.map(String)] });
  const either = (name: string, args: (string | number)[], otherwise: LabClient): LabClient => {
    const program = find(name);
    return program ? { name, command: [program, ...args.map(String)] } : otherwise;
  };
  const page = `http://localhost:${ports.http}/`;
  const curl = ['-sS', '-o', '/dev/null', '-w', 'connected: HTTP %{http_code}\\n', '--noproxy', '*', '--max-time', '60', page];
  const wget = find('wget');
  return [
    either('curl', curl, own('node http', 'http', 'localhost', ports.http)),
    either('python3', ['-c', udpInPython, local, ports.udp], own('node udp', 'udp', local, ports.udp)),
    either('perl', ['-e', refusedInPerl, local, ports.refused], own('node refused', 'tcp', local, ports.refused)),
    either(
      'bash',
      ['-c', telemetryInBash, 'telemetry', local, ports.telemetry],
      own('node telemetry', 'tcp', local, ports.telemetry),
    ),
    ...(wget ? [{ name: 'wget', command: [wget, '-nv', '--no-proxy', '--tries=1', '-O', '/dev/null', `${page}archive`] }] : []),
    own('node packages', 'resolve', PACKAGES_NAME, ports.dns, ports.packages),
    ...(ports.tcp6 ? [own('node ipv6', 'tcp', '::1', ports.tcp6)] : []),
    own('node server', 'listen', local),
  ];
}
