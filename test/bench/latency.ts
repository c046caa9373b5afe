import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { compile } from '../linux/fixtures/compile.ts';
import { run } from '../linux/fixtures/run.ts';

export interface Latency {
  readonly bareMedianMs: number;
  readonly supervisedMedianMs: number;
  readonly addedMedianMs: number;
}

const median = (lines: string): number => {
  const sorted = lines
    .trim()
    .split('\n')
    .map(Number)
    .sort((a, b) => a - b);
  return (sorted[sorted.length >> 1] ?? Number.NaN) / 1e6;
};

/**
 * Added latency of a decided connection: a C client connects `count` times to a listener on loopback, bare and under a
 * supervisor that permits, one after the other. Needs a C compiler.
 */
export async function benchLatency(count = 2000): Promise<Latency> {
  const client = compile('connect-loop');
  const server = createServer(socket => socket.on('error', () => {}).destroy());
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve));
  try {
    const port = String((server.address() as { port: number }).port);
    const args = [port, String(count)];
    const bare = await promisify(execFile)(client.path, args, { maxBuffer: 1 << 26 });
    const supervised = await run([client.path, ...args], { otherwise: 'permit' });
    await supervised.exited;
    await supervised.source.stop();
    const bareMedianMs = median(bare.stdout);
    const supervisedMedianMs = median(supervised.stdout());
    return { bareMedianMs, supervisedMedianMs, addedMedianMs: supervisedMedianMs - bareMedianMs };
  } finally {
    server.close();
    client.dispose();
  }
}
