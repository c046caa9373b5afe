import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import xterm from '@xterm/headless';

/** A terminal that a test looks into: an emulator behind what the program takes for a tty. */
export class FakeTty extends EventEmitter {
  readonly isTTY = true;
  readonly writable = true;
  readonly term: InstanceType<typeof xterm.Terminal>;
  columns: number;
  rows: number;
  /** Everything written, piece by piece. */
  raw: string[] = [];
  bytes = 0;

  constructor(columns: number, rows: number) {
    super();
    this.columns = columns;
    this.rows = rows;
    // A real tty adds the carriage return; the emulator must be told.
    this.term = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true });
  }

  write(data: string | Uint8Array, done?: () => void): boolean {
    const text = String(data);
    this.bytes += Buffer.byteLength(text);
    this.raw.push(text);
    this.term.write(text, done);
    return true;
  }

  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    this.term.resize(columns, rows);
    this.emit('resize');
  }

  /** Resolves when the emulator has taken in everything written so far. */
  drained(): Promise<void> {
    return new Promise(resolve => this.term.write('', resolve));
  }

  /** The screen's lines without the blanks at their ends. A line that was longer before a resize keeps its old cells: not on the screen. */
  lines(): string[] {
    const buffer = this.term.buffer.active;
    return Array.from(
      { length: this.term.rows },
      (_, y) =>
        buffer
          .getLine(buffer.viewportY + y)
          ?.translateToString(true, 0, this.term.cols)
          .trimEnd() ?? '',
    );
  }

  screen(): string {
    return this.lines().join('\n');
  }

  cell(x: number, y: number) {
    const buffer = this.term.buffer.active;
    return buffer.getLine(buffer.viewportY + y)!.getCell(x)!;
  }

  /** `alternate` while the program has the screen. */
  get kind(): string {
    return this.term.buffer.active.type;
  }
}

/** Keyboard of a FakeTty. */
export class FakeStdin extends PassThrough {
  readonly isTTY = true;
  isRaw = false;
  setRawMode(value: boolean): this {
    this.isRaw = value;
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

/** Polls until `fact` holds; fails with what was seen last. */
export async function until(fact: () => boolean | Promise<boolean>, describe: () => string, deadline = 10_000): Promise<void> {
  const end = performance.now() + deadline;
  while (!(await fact())) {
    if (performance.now() > end) throw new Error(`never happened: ${describe()}`);
    await new Promise(resolve => setImmediate(resolve));
  }
}
