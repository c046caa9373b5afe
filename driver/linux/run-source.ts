import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Worker } from 'node:worker_threads';
import type { ConnectionSource, SourceEvent, Verdict } from '../../engine/model/attempt.ts';
import { LaunchStatus, launcherEnvironment } from './launch-status.ts';
import * as libc from './libc.ts';
import type { BlockErrno, FromSupervisor, ToSupervisor } from './messages.ts';
import { openPipe } from './pipe.ts';
import { READABLE, readyNow } from './poller.ts';
import { terminate } from './terminate.ts';

export interface RunSourceOptions {
  /** Program and arguments; looked up in PATH. */
  readonly command: readonly string[];
  /** Starts the supervisor's thread: a worker whose entry calls `runSupervisor`. */
  readonly worker: () => Worker;
  /** File of the launcher: `driver/linux/launcher.ts`, or the built `launcher.mjs`. */
  readonly launcherPath: string;
  /** `pipe`: output comes as events and standard input is empty; `inherit`: the command has this process's terminal. */
  readonly stdio: 'pipe' | 'inherit';
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** What a blocked connect answers. EACCES unless given. */
  readonly blockErrno?: BlockErrno;
}

export interface RunSource extends ConnectionSource {
  readonly kind: 'run';
  readonly failPolicy: 'closed';
  /**
   * Sends what the decision path needs (any structured-cloneable value) to the worker's `onPublish`. Resolves when it is in
   * use; from then on known datagram flows are decided anew too. Rejects when `onPublish` failed or the worker is gone.
   */
  publish(message: unknown): Promise<void>;
  /** Resolves when the last supervised process is gone, which may be later than `exited`. */
  readonly drained: Promise<void>;
  /** Process id of the command; undefined before `start`. */
  readonly pid: number | undefined;
}

/** How long a thread that was told to stop may take before it is ended by force. */
const THREAD_ENDS_MS = 2_000;
/** Grace between SIGTERM and SIGKILL. */
const TERMINATE_MS = 2_000;
/** How long the end of the command may wait for output that a child keeps writing. */
const LAST_OUTPUT_MS = 1_000;
const FAR_STATUS_FD = 3;

/** Runs a command whose connections are held by seccomp user notification. Linux on x64 and arm64. */
export function createRunSource(options: RunSourceOptions): RunSource {
  return new SeccompRunSource(options);
}

/**
 * Waits until a thread that has let go of everything ends by itself. Ending it by force while a native callback is under way would
 * abort the whole process, so that is only for a thread that hangs.
 */
function ended(worker: Worker): Promise<void> {
  if (worker.threadId === -1) return Promise.resolve();
  return new Promise(resolve => {
    const force = setTimeout(() => void worker.terminate(), THREAD_ENDS_MS);
    worker.once('exit', () => {
      clearTimeout(force);
      resolve();
    });
  });
}

class SeccompRunSource implements RunSource {
  readonly kind = 'run';
  readonly failPolicy = 'closed';
  readonly title: string;
  readonly drained: Promise<void>;
  readonly #options: RunSourceOptions;
  readonly #held = new Set<number>();
  readonly #published = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  #settleDrained: () => void = () => {};
  #listener: (event: SourceEvent) => void = () => {};
  #worker: Worker | undefined;
  /** The listener's descriptor while the supervisor's thread owns it. */
  #listenerFd: number | undefined;
  #child: ChildProcess | undefined;
  #sequence = 0;
  #threadEnds: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #ended = false;
  /** The launcher was told to become the command. */
  #launched = false;
  #attached: ((problem?: string) => void) | undefined;
  #flushed: (() => void) | undefined;
  #stopped: ((callers: readonly number[]) => void) | undefined;

  constructor(options: RunSourceOptions) {
    this.#options = options;
    this.title = `run: ${options.command.join(' ')}`;
    this.drained = new Promise(resolve => {
      this.#settleDrained = resolve;
    });
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when the command runs under the filter; rejects with one clear sentence when it cannot. */
  async start(listener: (event: SourceEvent) => void): Promise<void> {
    if (this.#child) throw new Error('run: already started');
    const { command, cwd } = this.#options;
    if (command.length === 0) throw new Error('run: no command given');
    if (cwd !== undefined && !existsSync(cwd)) throw new Error(`run: the working directory ${cwd} does not exist`);
    this.#listener = listener;
    this.#startWorker();
    try {
      await this.#launch();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  complete(id: number, verdict: Verdict): boolean {
    if (!this.#held.delete(id)) return false;
    this.#post({ type: 'complete', id, verdict });
    return true;
  }

  publish(message: unknown): Promise<void> {
    const sequence = ++this.#sequence;
    if (!this.#worker) return Promise.reject(new Error('run: the supervisor does not run'));
    return new Promise((resolve, reject) => {
      this.#published.set(sequence, { resolve, reject });
      this.#post({ type: 'publish', sequence, message });
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const worker = this.#worker;
    if (worker) {
      const callers = await new Promise<readonly number[]>(resolve => {
        this.#stopped = resolve;
        this.#post({ type: 'stop' });
        // The thread may be stuck reading memory of the command that nothing fills (userfaultfd, FUSE): its end frees the thread.
        setTimeout(resolve, THREAD_ENDS_MS, []).unref();
      });
      await this.#terminate(callers);
      await ended(worker);
    } else await this.#terminate([]);
    await this.#threadEnds;
    this.#worker = undefined;
    this.#settleDrained();
  }

  async #terminate(callers: readonly number[]): Promise<void> {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    await terminate({ pid, group: this.#options.stdio === 'pipe', callers, graceMs: TERMINATE_MS });
  }

  #post(message: ToSupervisor): void {
    this.#worker?.postMessage(message);
  }

  #startWorker(): void {
    const worker = this.#options.worker();
    this.#worker = worker;
    worker.on('message', (message: FromSupervisor) => this.#fromSupervisor(message));
    worker.on('error', error => this.#lost(error instanceof Error ? error.message : String(error)));
    worker.on('exit', () => this.#lost('its thread ended'));
  }

  /** Closes the listener that the thread left open: what is held and what the command still tries fails. */
  #lost(why: string): void {
    if (this.#listenerFd !== undefined) libc.close(this.#listenerFd);
    this.#listenerFd = undefined;
    const message = `run: the supervisor failed (${why}); the command's connections fail from now on`;
    this.#attached?.(message);
    this.#flushed?.();
    this.#stopped?.([]);
    for (const waiting of this.#published.values()) waiting.reject(new Error(message));
    this.#published.clear();
    this.#held.clear();
    if (!this.#worker || this.#stopping) return;
    this.#worker = undefined;
    this.#listener({ type: 'failed', message });
  }

  #fromSupervisor(message: FromSupervisor): void {
    switch (message.type) {
      case 'attached':
        this.#listenerFd = message.listener;
        this.#attached?.();
        break;
      case 'refused':
        this.#attached?.(message.message);
        break;
      case 'flushed':
        this.#flushed?.();
        break;
      case 'drained':
        this.#settleDrained();
        break;
      case 'stopped':
        this.#listenerFd = undefined;
        this.#stopped?.(message.callers);
        break;
      case 'crashed':
        if (message.released) this.#listenerFd = undefined;
        if (this.#worker) this.#threadEnds = ended(this.#worker);
        this.#lost(message.message);
        break;
      case 'published': {
        const waiting = this.#published.get(message.sequence);
        this.#published.delete(message.sequence);
        if (message.error === undefined) waiting?.resolve();
        else waiting?.reject(new Error(`run: the new filters could not be used: ${message.error}`));
        break;
      }
      case 'events':
        for (const event of message.events) this.#passOn(event);
    }
  }

  #passOn(event: SourceEvent): void {
    if (event.type === 'pended') this.#held.add(event.attempt.id);
    if (event.type === 'withdrawn') this.#held.delete(event.id);
    this.#listener(event);
  }

  /** Starts the launcher, hands its listener to the thread and lets it execute the command. */
  async #launch(): Promise<void> {
    const { command, launcherPath, stdio, env, cwd, blockErrno = 'EACCES' } = this.#options;
    const status = openPipe();
    const go = openPipe();
    const output = stdio === 'pipe' ? { stdout: openPipe(), stderr: openPipe() } : undefined;
    const child = spawn(process.execPath, ['--no-warnings', launcherPath, String(FAR_STATUS_FD), ...command], {
      stdio: output
        ? ['ignore', output.stdout.write, output.stderr.write, status.write, go.read]
        : ['inherit', 'inherit', 'inherit', status.write, go.read],
      detached: stdio === 'pipe',
      env: launcherEnvironment(env ?? process.env),
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.#child = child;
    for (const pipe of [status, output?.stdout, output?.stderr]) if (pipe) closeSync(pipe.write);
    closeSync(go.read);
    const outputs = output ? [this.#forward('stdout', output.stdout.read), this.#forward('stderr', output.stderr.read)] : [];
    const launch = new LaunchStatus(status.read);
    const problem = new Promise<string | undefined>(resolve => {
      child.once('error', error => resolve(`run: cannot start the launcher: ${error.message}`));
      this.#attached = resolve;
    });
    child.once('exit', (code, signal) => void this.#exited(code, signal, outputs, launch));
    const first = await Promise.race([launch.line(), problem]);
    if (first === undefined || !first.startsWith('listener ')) {
      closeSync(go.write);
      throw new Error(first?.replace(/^error /, '') ?? 'run: the launcher ended before it had a filter');
    }
    this.#post({ type: 'attach', pid: child.pid ?? 0, listener: Number(first.slice(9)), blockErrno, mainPid: process.pid });
    const refused = await problem;
    this.#attached = undefined;
    if (refused === undefined) {
      this.#launched = true;
      writeSync(go.write, Buffer.from([1]));
    }
    closeSync(go.write);
    if (refused !== undefined) throw new Error(refused);
  }

  /** Output in the pieces that came; the next is read after the listener took this one. Resolves at the end. */
  #forward(stream: 'stdout' | 'stderr', fd: number): Output {
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.on('data', (data: Buffer) => this.#listener({ type: 'output', stream, data }));
    socket.on('error', () => socket.destroy());
    return { empty: () => socket.closed || socket.destroyed || readyNow(fd, READABLE) === 0 };
  }

  async #exited(code: number | null, signal: string | null, outputs: readonly Output[], launch: LaunchStatus): Promise<void> {
    // Before the command was let go, the launcher ended: `start` rejects with the reason.
    if (this.#ended || !this.#launched) return;
    this.#ended = true;
    const failure = await launch.execFailure();
    if (failure) this.#listener({ type: 'warning', message: `run: ${failure}` });
    // What the command wrote comes before its end; what children still write later does not delay it.
    const until = performance.now() + LAST_OUTPUT_MS;
    do await new Promise(resolve => setImmediate(resolve));
    while (outputs.some(output => !output.empty()) && performance.now() < until);
    await this.#flush();
    this.#listener({ type: 'exited', code, signal });
  }

  /** Resolves when what the thread knows was told here: what became of the command's calls comes before its end. */
  async #flush(): Promise<void> {
    if (!this.#worker || this.#stopping) return;
    await new Promise<void>(resolve => {
      this.#flushed = resolve;
      setTimeout(resolve, LAST_OUTPUT_MS).unref();
      this.#post({ type: 'flush' });
    });
  }
}

/** One stream of the command. */
interface Output {
  /** Nothing waits in the pipe. */
  readonly empty: () => boolean;
}
