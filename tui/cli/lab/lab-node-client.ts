import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { get } from 'node:http';
import { connect, createServer } from 'node:net';
import { dnsAddress } from './lab-dns.ts';

const WAIT = 60_000;
const code = (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error);

/** Runs one client that needs nothing but Node; resolves to the line that it prints. */
export async function nodeClient([kind, first, second, third]: readonly string[]): Promise<string> {
  try {
    switch (kind) {
      case 'http':
        return await fetchPage(first ?? '', Number(second));
      case 'tcp':
        return await readGreeting(first ?? '', Number(second));
      case 'udp':
        return await ping(first ?? '', Number(second));
      case 'resolve':
        return await resolveAndFetch(first ?? '', Number(second), Number(third));
      case 'listen':
        return await listenOnce(first ?? '');
      default:
        return `there is no client ${kind}`;
    }
  } catch (error) {
    return `not connected: ${code(error)}`;
  }
}

const fetchPage = (host: string, port: number, named = host) =>
  new Promise<string>((resolve, reject) => {
    const request = get({ host, port, agent: false, timeout: WAIT, headers: { host: named } }, response => {
      response.resume().on('end', () => resolve(`connected: HTTP ${response.statusCode} from ${named}`));
    });
    request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer')));
  });

const readGreeting = (host: string, port: number) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect({ host, port, timeout: WAIT }, () => resolve(`connected: ${host} port ${port}`));
    socket.on('connect', () => socket.destroy()).on('error', reject);
    socket.on('timeout', () => socket.destroy(new Error('no answer')));
  });

const ping = (host: string, port: number) =>
  new Promise<string>((resolve, reject) => {
    const socket = createSocket('udp4');
    const timer = setTimeout(() => end(() => reject(new Error('no answer'))), WAIT);
    const end = (then: () => void) => {
      clearTimeout(timer);
      socket.close();
      then();
    };
    socket.on('message', message => end(() => resolve(`answered: ${message.toString('latin1').slice(0, 64)}`)));
    socket.on('error', error => end(() => reject(error)));
    socket.send('ping', port, host, error => error && end(() => reject(error)));
  });

async function resolveAndFetch(name: string, dns: number, port: number): Promise<string> {
  const resolver = new Resolver({ timeout: 20_000, tries: 1 });
  resolver.setServers([`${dnsAddress(dns)}:${dns}`]);
  let address: string | undefined;
  try {
    [address] = await resolver.resolve4(name);
  } catch (error) {
    return `not resolved: ${name} ${code(error)}`;
  }
  return address ? fetchPage(address, port, name) : `not resolved: ${name}`;
}

const listenOnce = (host: string) =>
  new Promise<string>(resolve => {
    const server = createServer();
    server.on('error', error => resolve(`not listening: ${code(error)}`));
    server.listen(0, host, () => server.close(() => resolve(`listened on ${host}`)));
  });
