import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type LabClient, labClients } from './lab-clients.ts';
import { nodeClient } from './lab-node-client.ts';
import { readPorts } from './lab-ports.ts';

/**
 * The command that the lab supervises. Starts the clients, a few rounds each, passes on what they print, and ends by itself.
 * `lab-main client KIND …` is one client that needs nothing but Node.
 */
const ROUNDS = 3;
/** Between two rounds of one client: time to look at what the first answer did. Milliseconds. */
const PAUSE = 5000;
/** Between the starts of two clients; all of them ask within two seconds. */
const STAGGER = 120;
/** After this the lab ends whatever waits. */
const LIMIT = 15 * 60_000;
/** Bytes of one client's output that are passed on in a round. */
const MAX_OUTPUT = 4096;

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms));

const running = new Set<ChildProcess>();
const endAll = () => {
  for (const child of running) child.kill('SIGKILL');
};

/** Runs a client once and prints each of its lines after its name. */
const runOnce = (client: LabClient) =>
  new Promise<void>(resolve => {
    const [program = '', ...args] = client.command;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let text = '';
    const collect = (data: Buffer) => {
      if (text.length < MAX_OUTPUT) text += data.toString('utf8').slice(0, MAX_OUTPUT - text.length);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', error => collect(Buffer.from(`not started: ${(error as NodeJS.ErrnoException).code}`)));
    child.on('close', (exit, signal) => {
      running.delete(child);
      const lines = text.split('\n').filter(line => line.trim() !== '');
      if (lines.length === 0) lines.push(`ended with ${signal ?? exit}`);
      for (const line of lines) process.stdout.write(`${client.name.padEnd(14)} ${line}\n`);
      resolve();
    });
  });

async function rounds(client: LabClient, delay: number): Promise<void> {
  await pause(delay);
  for (let round = 1; round <= ROUNDS; round++) {
    await runOnce(client);
    if (round < ROUNDS) await pause(PAUSE);
  }
}

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === 'client') {
    process.stdout.write(`${await nodeClient(args.slice(1))}\n`);
    return 0;
  }
  const ports = readPorts(args);
  if (!ports) {
    process.stderr.write('lab-main runs under sallyport: type "sallyport lab".\n');
    return 2;
  }
  const clients = labClients(ports, [process.execPath, fileURLToPath(import.meta.url), 'client']);
  process.stdout.write(`${clients.length} clients, ${ROUNDS} rounds each: ${clients.map(client => client.name).join(', ')}\n`);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.once(signal, () => {
      endAll();
      process.exit(1);
    });
  }
  const limit = new Promise<'late'>(resolve => setTimeout(resolve, LIMIT, 'late').unref());
  const done = Promise.all(clients.map((client, i) => rounds(client, i * STAGGER)));
  const late = (await Promise.race([done, limit])) === 'late';
  endAll();
  process.stdout.write(late ? 'the lab ends: its 15 minutes are over\n' : 'all clients are done\n');
  return 0;
}

process.exit(await main(process.argv.slice(2)));
