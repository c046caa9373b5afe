import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Runs under Wine: the program itself, as the person at the other end of a shell has it. Output goes through files (see lab.ts). */

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** What a command says on standard error when it can do nothing. */
export const oneSentence = (text: string): boolean => text.trim().split('\n').length === 1 && text.startsWith('sallyport: ');

let runs = 0;

export class Program {
  readonly #script: string;
  readonly #folder: string;
  readonly #started = new Set<Running>();

  /** @param script the bundle's cli.mjs @param folder for output files */
  constructor(script: string, folder: string) {
    this.#script = script;
    this.#folder = folder;
  }

  #files(): { readonly paths: readonly string[]; readonly stdio: ['ignore', number, number] } {
    const paths = ['out', 'err'].map(name => join(this.#folder, `${process.pid}-${runs}.${name}`));
    runs++;
    return { paths, stdio: ['ignore', openSync(paths[0]!, 'w'), openSync(paths[1]!, 'w')] };
  }

  readonly #args = (args: readonly string[]) => ['--disable-warning=ExperimentalWarning', this.#script, ...args];

  /** Runs a command to its end. */
  run(args: readonly string[], env: Record<string, string> = {}): Ended {
    const { paths, stdio } = this.#files();
    const { status } = spawnSync(process.execPath, this.#args(args), { stdio, env: { ...process.env, ...env }, timeout: 60_000 });
    for (const fd of stdio.slice(1)) closeSync(fd as number);
    return { code: status, out: readFileSync(paths[0]!, 'utf8'), err: readFileSync(paths[1]!, 'utf8') };
  }

  /** Starts a command that goes on. */
  start(args: readonly string[], env: Record<string, string> = {}): Running {
    const { paths, stdio } = this.#files();
    const child = spawn(process.execPath, this.#args(args), { stdio, env: { ...process.env, ...env } });
    for (const fd of stdio.slice(1)) closeSync(fd as number);
    const running = new Running(child, paths);
    this.#started.add(running);
    return running;
  }

  async killAll(): Promise<void> {
    for (const running of this.#started) await running.kill();
    this.#started.clear();
  }
}

export class Running {
  readonly #child: ChildProcess;
  readonly #paths: readonly string[];
  readonly ended: Promise<number | null>;
  #over = false;

  constructor(child: ChildProcess, paths: readonly string[]) {
    this.#child = child;
    this.#paths = paths;
    this.ended = new Promise(resolve =>
      child.once('exit', code => {
        this.#over = true;
        resolve(code);
      }),
    );
  }

  get over(): boolean {
    return this.#over;
  }

  /** Everything on standard output and error so far. */
  text(): string {
    return this.#paths.map(path => readFileSync(path, 'utf8')).join('');
  }

  has(word: string | RegExp): boolean {
    if (this.#over) throw new Error(`it ended:\n${this.text()}`);
    return typeof word === 'string' ? this.text().includes(word) : word.test(this.text());
  }

  /** TerminateProcess: the program cannot do anything about it. */
  kill(): Promise<number | null> {
    if (!this.#over) this.#child.kill();
    return this.ended;
  }
}

/** Stops the Base Filtering Engine of this store for every process, until it is started again. */
export const stopService = (store: string): void => writeFileSync(`${store}.stopped`, '');
export const startService = (store: string): void => rmSync(`${store}.stopped`, { force: true });

/** struct shared_event of fwpuclnt/shared.c. */
export interface SharedEvent {
  /** 3 drop, 6 permit. */
  readonly type: 3 | 6;
  readonly filterKey: string;
  readonly appId: string;
  readonly remote: readonly number[];
  readonly remotePort: number;
  readonly localPort: number;
}

/** Has every engine on this store told of one classification. */
export function tellNetEvent(store: string, event: SharedEvent): void {
  const bytes = Buffer.alloc(560);
  const address = (parts: readonly number[]) => parts.reduce((value, part) => value * 256 + part, 0);
  const words = [event.type, 6, address([192, 0, 2, 10]), address(event.remote), event.localPort, event.remotePort, 0x3901, 0];
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, index * 4);
  const [a, b, c, d, e] = event.filterKey.split('-') as [string, string, string, string, string];
  bytes.writeUInt32LE(Number.parseInt(a, 16), 32);
  bytes.writeUInt16LE(Number.parseInt(b, 16), 36);
  bytes.writeUInt16LE(Number.parseInt(c, 16), 38);
  bytes.write(d + e, 40, 'hex');
  bytes.write(event.appId, 48, 'utf16le');
  appendFileSync(`${store}.events`, bytes);
}
