import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** A TCP server on loopback that counts who reached it. */
export interface LoopbackServer {
  readonly port: number;
  /** Connections accepted so far. */
  readonly reached: () => number;
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1 and greets everybody. */
export async function loopbackServer(): Promise<LoopbackServer> {
  let reached = 0;
  const server: Server = createServer(socket => {
    reached++;
    socket.on('error', () => {});
    socket.end('hello\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    reached: () => reached,
    close: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** A program of its own for tests: connects once and says what came of it. Runs on the Node that runs the test. */
export const connectScript = (port: number, host = '127.0.0.1'): string =>
  `require('net').connect(${port}, ${JSON.stringify(host)}).on('data', d => console.log('got ' + String(d).trim())).on('error', e => console.log('failed ' + e.code))`;
