import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as nodePty from '@lydell/node-pty';
import xterm from '@xterm/headless';

const root = new URL('../..', import.meta.url).pathname;

/** The built program; npm scripts build it before tests. */
export const CLI = join(root, 'dist/cli.mjs');

/** A private SALLYPORT_HOME that the caller removes with `remove`. */
export function temporaryHome(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface TerminalOptions {
  readonly home: string;
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** The real program in a real pseudo terminal, its screen kept by a real emulator. */
export class ProgramInTerminal {
  readonly exited: Promise<{ exitCode: number; signal?: number }>;
  readonly pid: number;
  /** Everything that was written, as it was. */
  raw = '';
  #terminal;
  #pty;
  #watchers = new Set<() => void>();
  #arrivals = new Set<() => void>();
  #over = false;

  constructor(args: readonly string[], options: TerminalOptions) {
    const { columns = 80, rows = 24 } = options;
    this.#terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    const env: Record<string, string | undefined> = {
      ...process.env,
      TERM: 'xterm-256color',
      LANG: 'C.UTF-8',
      LC_ALL: 'C.UTF-8',
      SALLYPORT_HOME: options.home,
      ...options.env,
    };
    for (const name of ['CI', 'NO_COLOR', 'FORCE_COLOR', 'COLORTERM', 'VITEST', 'NODE_OPTIONS', 'NODE_ENV'])
      if (options.env?.[name] === undefined) delete env[name];
    this.#pty = nodePty.spawn(process.execPath, [CLI, ...args], {
      name: 'xterm-256color',
      cols: columns,
      rows,
      cwd: options.cwd ?? root,
      env,
    });
    this.pid = this.#pty.pid;
    this.#pty.onData(data => {
      this.raw += data;
      for (const listener of this.#arrivals) listener();
      this.#terminal.write(data, () => this.#tell());
    });
    this.exited = new Promise(resolve =>
      this.#pty.onExit(end => {
        this.#over = true;
        this.#terminal.write('', () => this.#tell());
        resolve(end);
      }),
    );
  }

  #tell() {
    for (const watcher of this.#watchers) watcher();
  }

  /** Calls for every chunk of output as it comes, before the emulator takes it in. */
  onData(listener: () => void): () => void {
    this.#arrivals.add(listener);
    return () => this.#arrivals.delete(listener);
  }

  /** Calls after every chunk of output that the emulator took in. */
  onOutput(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  lines(): string[] {
    const buffer = this.#terminal.buffer.active;
    return Array.from(
      { length: this.#terminal.rows },
      (_, y) => buffer.getLine(buffer.viewportY + y)?.translateToString(true) ?? '',
    );
  }

  screen(): string {
    return this.lines().join('\n');
  }

  /** `alternate` while the full-screen program owns the terminal. */
  get bufferType(): 'normal' | 'alternate' {
    return this.#terminal.buffer.active.type;
  }

  press(keys: string): void {
    this.#pty.write(keys);
  }

  resize(columns: number, rows: number): void {
    this.#terminal.resize(columns, rows);
    this.#pty.resize(columns, rows);
  }

  kill(signal: string): void {
    this.#pty.kill(signal);
  }

  /** Resolves when the screen satisfies the condition; rejects with the screen when the deadline passes or the program ends before. */
  waitFor(wanted: string | RegExp | ((screen: string) => boolean), deadlineMs = 20_000): Promise<string> {
    const holds = (screen: string) =>
      typeof wanted === 'string' ? screen.includes(wanted) : wanted instanceof RegExp ? wanted.test(screen) : wanted(screen);
    return new Promise((resolve, reject) => {
      const end = (outcome: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        outcome();
      };
      const give = (why: string) =>
        end(() => reject(new Error(`${why} before the screen showed ${String(wanted)}:\n${this.screen()}`)));
      const look = () => {
        const screen = this.screen();
        if (holds(screen)) end(() => resolve(screen));
        else if (this.#over) give('the program ended');
      };
      const timer = setTimeout(() => give(`${deadlineMs} ms passed`), deadlineMs);
      this.#watchers.add(look);
      look();
    });
  }

  async end(): Promise<void> {
    if (!this.#over) this.#pty.kill('SIGKILL');
    await this.exited;
    this.#terminal.dispose();
  }
}
