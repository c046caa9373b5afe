import { type App, type AppOptions, renderApp } from '../../tui/app.tsx';
import { NOON, ScriptedClient } from './scripted-client.ts';
import { FakeStdin, FakeTty, until } from './terminal.ts';

/** A clock that a test moves: both the time of day and the machines' timers. */
export class TestClock {
  at = NOON;
  #next = 1;
  readonly #timers = new Map<number, { at: number; run: (...args: unknown[]) => void }>();

  readonly now = () => this.at;
  setTimeout(run: (...args: unknown[]) => void, ms: number): number {
    this.#timers.set(this.#next, { at: this.at + ms, run });
    return this.#next++;
  }
  clearTimeout(id: number): void {
    this.#timers.delete(id);
  }
  advance(ms: number): void {
    const end = this.at + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.at = Math.max(this.at, due[1].at);
      due[1].run();
    }
    this.at = end;
  }
}

export interface TestScreen {
  readonly app: App;
  readonly client: ScriptedClient;
  readonly tty: FakeTty;
  readonly stdin: FakeStdin;
  readonly clock: TestClock;
  /** Lets everything that was set off be drawn. */
  settle(): Promise<void>;
  /** Types, one read per argument. */
  press(...keys: string[]): Promise<void>;
  lines(): string[];
  screen(): string;
  line(part: string): string;
  close(): void;
}

/** Bytes of keys by their name in the keymap. */
export const bytesOf = (key: string): string =>
  ({
    enter: '\r',
    tab: '\t',
    'shift-tab': '\x1b[Z',
    escape: '\x1b',
    up: '\x1b[A',
    down: '\x1b[B',
    right: '\x1b[C',
    left: '\x1b[D',
    home: '\x1b[H',
    end: '\x1b[F',
    'page-up': '\x1b[5~',
    'page-down': '\x1b[6~',
    delete: '\x1b[3~',
    backspace: '\x7f',
    space: ' ',
  })[key] ?? (key.startsWith('ctrl-') ? String.fromCharCode(key.charCodeAt(5) - 96) : key);

/** The real screen on an emulated terminal, over a guard in memory, with a clock that only the test moves. */
export async function openScreen(
  options: Partial<Omit<AppOptions, 'client' | 'stdout' | 'stdin'>> & {
    client?: ScriptedClient;
    columns?: number;
    rows?: number;
  } = {},
): Promise<TestScreen> {
  const { columns = 80, rows = 24, client = new ScriptedClient(), ...rest } = options;
  const tty = new FakeTty(columns, rows);
  const stdin = new FakeStdin();
  const clock = new TestClock();
  const app = renderApp({
    client,
    stdout: tty as unknown as NodeJS.WriteStream,
    stdin: stdin as unknown as NodeJS.ReadStream,
    env: { TERM: 'xterm-256color', LANG: 'C.UTF-8' },
    now: clock.now,
    clock: clock as unknown as NonNullable<AppOptions['clock']>,
    maxFps: 1000,
    ...rest,
  });
  const settle = async () => {
    for (let i = 0; i < 3; i++) {
      await new Promise(resolve => setImmediate(resolve));
      await app.flushed();
    }
    await tty.drained();
  };
  await settle();
  const press = async (...keys: string[]) => {
    for (const key of keys) {
      const taken = stdin.readableFlowing;
      stdin.write(key);
      await until(
        () => stdin.readableLength === 0,
        () => `key ${JSON.stringify(key)} was read (${taken})`,
      );
      // A lone Esc is a key only when nothing follows it for 20 ms.
      if (key === '\x1b') await new Promise(resolve => setTimeout(resolve, 30));
      await settle();
    }
  };
  return {
    app,
    client,
    tty,
    stdin,
    clock,
    settle,
    press,
    lines: () => tty.lines(),
    screen: () => tty.screen(),
    line: part => tty.lines().find(line => line.includes(part)) ?? '',
    close: () => app.unmount(),
  };
}
