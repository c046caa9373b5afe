import * as libc from './libc.ts';

export const READABLE = 0x001;
export const WRITABLE = 0x004;
const EPOLL_CLOEXEC = 0x80000;
const ADD = 1;
const DELETE = 2;
/** struct epoll_event is packed on x86-64 only. */
const DATA_AT = process.arch === 'x64' ? 4 : 8;
const EVENT_SIZE = DATA_AT + 8;
const BATCH = 64;

/**
 * Many descriptors on one epoll descriptor, which alone hangs on the thread's event loop. So the flags of the watched
 * descriptors (they are shared with the supervised program) are never touched, as libuv would.
 */
export class Poller {
  readonly #epoll = libc.epollCreate1(EPOLL_CLOEXEC);
  readonly #events = Buffer.alloc(EVENT_SIZE * BATCH);
  readonly #handlers = new Map<number, () => void>();
  readonly #unwatch: () => void;
  #next = 1;

  constructor() {
    if (this.#epoll < 0) throw new Error(`epoll_create1: error ${libc.errno()}`);
    this.#unwatch = libc.watchReadable(this.#epoll, () => this.#dispatch());
  }

  /**
   * Calls `handler` while `fd` is ready (level-triggered). The returned function ends it and must be called before `fd` is
   * closed. Undefined when the kernel refuses (out of memory or watches).
   */
  add(fd: number, events: number, handler: () => void): (() => void) | undefined {
    const token = this.#next++;
    const event = Buffer.alloc(EVENT_SIZE);
    event.writeUInt32LE(events, 0);
    event.writeBigUInt64LE(BigInt(token), DATA_AT);
    if (libc.epollCtl(this.#epoll, ADD, fd, event) !== 0) return undefined;
    this.#handlers.set(token, handler);
    return () => {
      if (this.#handlers.delete(token)) libc.epollCtl(this.#epoll, DELETE, fd, null);
    };
  }

  close(): void {
    this.#unwatch();
    this.#handlers.clear();
    libc.close(this.#epoll);
  }

  #dispatch(): void {
    const count = libc.epollWait(this.#epoll, this.#events, BATCH, 0);
    for (let i = 0; i < count; i++) {
      try {
        this.#handlers.get(Number(this.#events.readBigUInt64LE(i * EVENT_SIZE + DATA_AT)))?.();
      } catch (error) {
        // What a native callback throws is lost: the thread must hear of it.
        setImmediate(() => {
          throw error;
        });
      }
    }
  }
}

const pollfd = Buffer.alloc(8);
/** The events of `wanted` (and hang-up) that hold now. */
export function readyNow(fd: number, wanted: number): number {
  pollfd.writeInt32LE(fd, 0);
  pollfd.writeInt16LE(wanted, 4);
  pollfd.writeInt16LE(0, 6);
  return libc.poll(pollfd, 1, 0) > 0 ? pollfd.readUInt16LE(6) : 0;
}
export const HANG_UP = 0x010;
