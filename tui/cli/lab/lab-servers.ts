import { createSocket, type Socket } from 'node:dgram';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { answerQuestion, DNS_PORT, dnsAddress } from './lab-dns.ts';

/** Where the lab's servers listen; all on loopback, on ports the system chose. */
export interface LabPorts {
  /** HTTP on 127.0.0.1. */
  readonly http: number;
  /** Answers each datagram, 127.0.0.1. */
  readonly udp: number;
  /** DNS over UDP at `dnsAddress`; knows `PACKAGES_NAME` only. 53 where this user may have it: only there are answers seen as names. */
  readonly dns: number;
  /** HTTP at the address of `PACKAGES_NAME`. */
  readonly packages: number;
  /** TCP on 127.0.0.1; the lab's own rule blocks it. */
  readonly telemetry: number;
  /** Nothing listens here. */
  readonly refused: number;
  /** TCP on ::1; 0 where the machine has no IPv6 loopback. */
  readonly tcp6: number;
}

export interface LabServers {
  readonly ports: LabPorts;
  /** Closes all, connections included. */
  stop(): Promise<void>;
}

/** Starts the servers in this process, outside supervision. */
export async function startLabServers(): Promise<LabServers> {
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  const tcp = async (server: Server, host: string): Promise<number> => {
    server.on('connection', socket => {
      socket.on('error', () => {}); // a client that goes away is none of the server's business
      socket.setTimeout(10_000, () => socket.destroy());
    });
    server.unref();
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
    servers.push(server);
    return (server.address() as AddressInfo).port;
  };
  const udp = async (answer: (message: Buffer) => Buffer | undefined, port = 0, host = '127.0.0.1'): Promise<number> => {
    const socket = createSocket('udp4').unref();
    socket.on('message', (message, from) => {
      const reply = answer(message);
      if (reply) socket.send(reply, from.port, from.address, () => {});
    });
    await new Promise<void>((resolve, reject) => socket.once('error', reject).bind(port, host, resolve));
    socket.on('error', () => {});
    sockets.push(socket);
    return socket.address().port;
  };
  const http = () => createHttpServer((_, response) => response.end('hello from the lab\n'));
  const greeting = () => createServer(socket => socket.end('hello from the lab\n'));
  const stop = async () => {
    for (const socket of sockets.splice(0)) socket.close();
    await Promise.all(
      servers.splice(0).map(server => {
        if ('closeAllConnections' in server) (server as ReturnType<typeof createHttpServer>).closeAllConnections();
        return new Promise<void>(resolve => server.close(() => resolve()));
      }),
    );
  };
  try {
    const packagesAt = await firstUsable(['127.0.0.2', '127.0.0.1']);
    const nameServer = (question: Buffer) => answerQuestion(question, packagesAt);
    const ports: LabPorts = {
      http: await tcp(http(), '127.0.0.1'),
      udp: await udp(message => Buffer.concat([Buffer.from('echo '), message.subarray(0, 512)])),
      dns: await udp(nameServer, DNS_PORT, dnsAddress(DNS_PORT)).catch(() => udp(nameServer)),
      packages: await tcp(http(), packagesAt),
      telemetry: await tcp(greeting(), '127.0.0.1'),
      refused: await closedPort(),
      tcp6: await tcp(greeting(), '::1').catch(() => 0),
    };
    return { ports, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Linux answers on all of 127/8; other systems on 127.0.0.1 alone unless told otherwise. */
async function firstUsable(addresses: readonly string[]): Promise<string> {
  for (const address of addresses) {
    const usable = await listenOnce(address).catch(() => 0);
    if (usable) return address;
  }
  throw new Error('the lab cannot listen on 127.0.0.1: the loopback interface is missing or down.');
}

const closedPort = () => listenOnce('127.0.0.1');

/** Listens and closes again; the port was free a moment ago, and nobody listens there now. */
function listenOnce(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, host, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
