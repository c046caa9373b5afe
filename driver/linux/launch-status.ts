import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';

/** What the launcher puts back before it becomes the command. Passed as JSON in SALLYPORT_LAUNCH. */
export interface LaunchSettings {
  /** Variables that would steer the launcher, which is node itself. */
  readonly env: { readonly [name: string]: string };
  /** Soft limit of open files: node raises its own to the hard limit. */
  readonly openFiles?: number;
}

/** The environment of the launcher. What belongs to this node process alone (its IPC channel) is dropped. */
export function launcherEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const out: NodeJS.ProcessEnv = {};
  const held: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || /^NODE_(CHANNEL_FD|CHANNEL_SERIALIZATION_MODE|UNIQUE_ID)$/.test(name)) continue;
    if (/^(NODE|UV)_/.test(name)) held[name] = value;
    else out[name] = value;
  }
  const openFiles = softOpenFiles(process.ppid);
  const settings: LaunchSettings = { env: held, ...(openFiles === undefined ? {} : { openFiles }) };
  return { ...out, SALLYPORT_LAUNCH: JSON.stringify(settings) };
}

/** The limit that the process which started this one has, and which the command would have without us. */
function softOpenFiles(pid: number): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'latin1'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/** The launcher's status pipe: the first line says whether there is a filter, a second one that exec failed. */
export class LaunchStatus {
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  #text = '';
  #onText: () => void = () => {};

  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.#socket.on('data', data => {
      this.#text += data.toString('utf8');
      this.#onText();
    });
    this.#socket.on('error', () => this.#socket.destroy());
    this.#closed = new Promise(resolve => {
      this.#socket.once('close', () => resolve());
    });
  }

  async line(): Promise<string | undefined> {
    const first = new Promise<void>(resolve => {
      this.#onText = () => {
        if (this.#text.includes('\n')) resolve();
      };
    });
    await Promise.race([first, this.#closed]);
    const end = this.#text.indexOf('\n');
    return end < 0 ? undefined : this.#text.slice(0, end);
  }

  /** Why exec failed, if it did. The pipe closes at exec or exit. */
  async execFailure(): Promise<string | undefined> {
    await this.#closed;
    const text = /^exec (.*)$/m.exec(this.#text)?.[1];
    return text === undefined ? undefined : (JSON.parse(text) as string);
  }
}
