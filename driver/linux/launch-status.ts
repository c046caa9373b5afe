import { Socket } from 'node:net';

/** The launcher is node: what steers node in the user's environment must not steer it. It gets it as JSON, to put it back at exec. */
export function launcherEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const out: NodeJS.ProcessEnv = {};
  const held: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env)) {
    if (/^NODE_(CHANNEL_FD|CHANNEL_SERIALIZATION_MODE|UNIQUE_ID)$/.test(name)) continue;
    if (/^(NODE|UV)_/.test(name)) held[name] = value;
    else out[name] = value;
  }
  return { ...out, SALLYPORT_LAUNCH_ENV: JSON.stringify(held) };
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
    return /^exec (.*)$/m.exec(this.#text)?.[1];
  }
}
