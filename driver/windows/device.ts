import { DEVICE_PATH, SALLYPORT, sizeOf } from './contract.ts';
import { allocate, type Block, type Kernel32, kernel32, wide } from './kernel32.ts';
import { at, OVERLAPPED } from './layouts.ts';
import { decodeWelcome, encodeHello, type Welcome } from './requests.ts';

const GENERIC_READ = 0x80000000;
const GENERIC_WRITE = 0x40000000;
const OPEN_EXISTING = 3;
const FILE_FLAG_OVERLAPPED = 0x40000000;
const INFINITE = 0xffffffff;
const WAIT_FAILED = 0xffffffff;
/** How often outstanding calls are looked at while they cannot be waited for, milliseconds. */
const LOOK_MS = 50;
const INVALID_HANDLE_VALUE = 0xffffffffffffffffn;
const ERROR_IO_PENDING = 997;
const STATUS_PENDING = 0x103;
const STATUS_BUFFER_OVERFLOW = 0x80000005;
/** Finished because we cancelled it or closed the handle. */
export const STATUS_CANCELLED = 0xc0000120;
/** The driver unloads or its device is gone. */
export const GONE = new Set([0xc0000056, 0xc000000e, 0xc00000c0, 0xc000009d, 0xc00002d3]);

/** What NTSTATUS or Win32 codes mean to the person in front of the screen. */
const WHY: { readonly [code: number]: string } = {
  2: 'the driver is not loaded; type: sc start sallyport',
  3: 'the driver is not loaded; type: sc start sallyport',
  5: 'access denied; start Sallyport as administrator',
  32: 'another Sallyport decides already; end it, or watch with an observer',
  69: 'too many observers watch already',
  1306: 'the driver is of another version; install the one that came with this program',
  [0xc0000022]: 'access denied; start Sallyport as administrator',
  [0xc0000043]: 'another Sallyport decides already; end it, or watch with an observer',
  [0xc00000ce]: 'too many observers watch already',
  [0xc0000059]: 'the driver is of another version; install the one that came with this program',
};

/** A call to the driver failed. */
export class DriverError extends Error {
  readonly call: string;
  /** Win32 code for opening, NTSTATUS (unsigned) for the rest. */
  readonly code: number;
  constructor(call: string, code: number) {
    const text = WHY[code] ?? `error 0x${(code >>> 0).toString(16)}`;
    super(`${call}: ${text}`);
    this.name = 'DriverError';
    this.call = call;
    this.code = code >>> 0;
  }
}

/** One overlapped call with memory of its own. */
interface Slot {
  readonly overlapped: Block;
  readonly input: Block;
  readonly output: Block;
  readonly event: bigint;
  settle: ((status: number, moved: number) => void) | undefined;
}

/** WaitForMultipleObjects takes 64 handles at most, one of which is our own. */
const MOST_SLOTS = 63;

/**
 * The driver's device, opened for overlapped calls. Any number of calls (up to 63) is outstanding; one worker thread waits for all of
 * them together, so neither the event loop nor the thread pool is held by a person who thinks.
 */
export class DriverDevice {
  readonly #kernel: Kernel32;
  readonly #handle: bigint;
  readonly #wake: bigint;
  readonly #handles: Block;
  readonly #free: Slot[] = [];
  readonly #busy = new Set<Slot>();
  #waiting = false;
  #closed = false;
  #idle: (() => void) | undefined;

  /** Node joins its worker threads when the process ends, by whatever way; the one that waits here must come back for that. */
  readonly #atExit = () => void this.#kernel.SetEvent(this.#wake);

  private constructor(kernel: Kernel32, handle: bigint, wake: bigint) {
    this.#kernel = kernel;
    this.#handle = handle;
    this.#wake = wake;
    this.#handles = allocate(8 * (MOST_SLOTS + 1));
    process.on('exit', this.#atExit);
  }

  /** @throws DriverError when there is no driver, or the caller is no administrator */
  static open(access: 'decider' | 'observer', path = DEVICE_PATH): DriverDevice {
    const kernel = kernel32();
    const rights = access === 'decider' ? GENERIC_READ | GENERIC_WRITE : GENERIC_READ;
    const handle = kernel.CreateFileW(wide(path), rights >>> 0, 0, 0n, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, 0n);
    if (handle === null || BigInt.asUintN(64, BigInt(handle)) === INVALID_HANDLE_VALUE) {
      throw new DriverError('opening the driver', kernel.GetLastError());
    }
    try {
      return new DriverDevice(kernel, BigInt(handle), createEvent(kernel, 'auto'));
    } catch (error) {
      kernel.CloseHandle(BigInt(handle));
      throw error;
    }
  }

  /** First call on a handle. @throws Error in one sentence when the versions differ */
  async attach(role: 'decider' | 'observer'): Promise<Welcome> {
    const code = role === 'decider' ? SALLYPORT.IOCTL_ATTACH_DECIDER : SALLYPORT.IOCTL_ATTACH_OBSERVER;
    const welcome = decodeWelcome(await this.control('attaching to the driver', code, encodeHello(), sizeOf('WELCOME')));
    if (!welcome) throw new Error(`${DEVICE_PATH} belongs to another driver; remove it and install Sallyport's`);
    if (!welcome.accepted) {
      const older = welcome.contractVersion < SALLYPORT.CONTRACT_VERSION ? 'driver' : 'program';
      throw new Error(
        `driver ${welcome.driverVersion} speaks version ${welcome.contractVersion}, this program ${SALLYPORT.CONTRACT_VERSION}; ` +
          `the ${older} is older: install both from the same package`,
      );
    }
    return welcome;
  }

  /** DeviceIoControl, answered when the driver completes it. @throws DriverError with the NTSTATUS */
  async control(call: string, code: number, input: Uint8Array, outputSize: number): Promise<Uint8Array> {
    if (this.#closed) throw new DriverError(call, STATUS_CANCELLED);
    const slot = this.#take(input.length, outputSize);
    if (!slot) throw new Error(`${call}: more than ${MOST_SLOTS} calls at once`);
    slot.input.bytes.set(input);
    const result = new Promise<Uint8Array>((resolve, reject) => {
      slot.settle = (status, moved) => {
        if (status === 0 || status === STATUS_BUFFER_OVERFLOW) resolve(slot.output.bytes.slice(0, moved));
        else reject(new DriverError(call, status));
      };
    });
    const { overlapped } = slot;
    overlapped.bytes.fill(0);
    new DataView(overlapped.bytes.buffer).setBigUint64(at(OVERLAPPED, 'hEvent'), slot.event, true);
    this.#kernel.ResetEvent(slot.event);
    this.#busy.add(slot);
    const done = this.#kernel.DeviceIoControl(
      this.#handle,
      code,
      slot.input.address,
      input.length,
      slot.output.address,
      outputSize,
      0n,
      overlapped.address,
    );
    const error = done ? 0 : this.#kernel.GetLastError();
    // A call that fails at once need not write its status block, so the Win32 code is what counts then.
    if (!done && error !== ERROR_IO_PENDING) this.#settle(slot, win32Status(error));
    else if (this.#status(slot) !== STATUS_PENDING) this.#settle(slot, this.#status(slot));
    else this.#wait();
    return result;
  }

  #status(slot: Slot): number {
    return Number(new DataView(slot.overlapped.bytes.buffer).getBigUint64(at(OVERLAPPED, 'Internal'), true) & 0xffffffffn);
  }

  #settle(slot: Slot, status: number): void {
    const moved = Number(new DataView(slot.overlapped.bytes.buffer).getBigUint64(at(OVERLAPPED, 'InternalHigh'), true));
    this.#busy.delete(slot);
    const settle = slot.settle;
    slot.settle = undefined;
    settle?.(status, Math.min(moved, slot.output.bytes.length));
    if (this.#free.length < 16) this.#free.push(slot);
    else this.#dispose(slot);
    if (this.#busy.size === 0) this.#idle?.();
  }

  #take(inputSize: number, outputSize: number): Slot | undefined {
    if (this.#busy.size >= MOST_SLOTS) return undefined;
    const found = this.#free.findIndex(slot => slot.input.bytes.length >= inputSize && slot.output.bytes.length >= outputSize);
    if (found >= 0) return this.#free.splice(found, 1)[0];
    const event = createEvent(this.#kernel, 'manual');
    return {
      overlapped: allocate(OVERLAPPED.size),
      input: allocate(Math.max(inputSize, 64)),
      output: allocate(Math.max(outputSize, 64)),
      event,
      settle: undefined,
    };
  }

  #dispose(slot: Slot): void {
    this.#kernel.CloseHandle(slot.event);
    for (const block of [slot.overlapped, slot.input, slot.output]) block.free();
  }

  /** One wait for everything outstanding, on a worker thread; a call that comes meanwhile wakes it and is waited for too. */
  #wait(): void {
    if (this.#waiting) {
      this.#kernel.SetEvent(this.#wake);
      return;
    }
    if (this.#busy.size === 0) return;
    this.#waiting = true;
    const view = new DataView(this.#handles.bytes.buffer);
    view.setBigUint64(0, this.#wake, true);
    let count = 1;
    for (const slot of this.#busy) view.setBigUint64(count++ * 8, slot.event, true);
    const look = () => {
      this.#waiting = false;
      for (const slot of [...this.#busy]) {
        const status = this.#status(slot);
        if (status !== STATUS_PENDING) this.#settle(slot, status);
      }
      this.#wait();
    };
    this.#kernel.WaitForMultipleObjects.async(count, this.#handles.address, 0, INFINITE, (error: unknown, result: number) => {
      // The driver still has the calls, so they cannot be given up: they are looked at now and then instead.
      if (error || result === WAIT_FAILED) setTimeout(look, LOOK_MS);
      else look();
    });
  }

  /** Cancels what is outstanding, waits until the driver has given everything back, closes. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#busy.size > 0) {
      const drained = new Promise<void>(resolve => {
        this.#idle = resolve;
      });
      this.#kernel.CancelIoEx(this.#handle, 0n);
      await drained;
    }
    this.#kernel.CloseHandle(this.#handle);
    for (const slot of this.#free.splice(0)) this.#dispose(slot);
    // A wait that was just woken still reads the list of handles.
    while (this.#waiting) await new Promise(resolve => setImmediate(resolve));
    process.off('exit', this.#atExit);
    this.#kernel.CloseHandle(this.#wake);
    this.#handles.free();
  }
}

/** @throws DriverError when Windows has no more of them: a wait on no event at all would never end */
function createEvent(kernel: Kernel32, reset: 'manual' | 'auto'): bigint {
  const event = kernel.CreateEventW(0n, reset === 'manual' ? 1 : 0, 0, 0n);
  if (!event) throw new DriverError('making an event', kernel.GetLastError());
  return BigInt(event);
}

/** The few Win32 codes with which DeviceIoControl fails before there is an NTSTATUS. */
function win32Status(error: number): number {
  if (error === 5) return 0xc0000022;
  if (error === 6 || error === 433 || error === 1167) return 0xc000000e;
  return error;
}
