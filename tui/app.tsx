import { type Instance, render } from 'ink';
import type { GuardClient } from '../machines/guard-client.ts';
import { readKeys } from './keymap.ts';
import { Store, type StoreOptions } from './state/store.ts';
import { lookOf } from './terminal/look.ts';
import { Painter } from './text/paint.ts';
import { Screen } from './views/screen.tsx';

/** What the person chose. Everything has a default; what is wrong is told on the screen and left out. */
export interface AppSettings {
  /** `dark`, `light`, `high-contrast`, `mono`. */
  readonly theme?: string;
  /** Command names with the keys they should have instead of their own. */
  readonly keys?: Readonly<Record<string, unknown>>;
  /** ASCII symbols and borders. Default: by locale and TERM. */
  readonly ascii?: boolean;
}

export interface AppOptions extends Pick<StoreOptions, 'view' | 'now' | 'clock' | 'onQuit'> {
  readonly client: GuardClient;
  readonly stdout?: NodeJS.WriteStream;
  readonly stdin?: NodeJS.ReadStream;
  readonly settings?: AppSettings;
  /** Default: the process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Frames a second at most. */
  readonly maxFps?: number;
}

export interface App {
  /** Resolves when the screen was left and the terminal is as it was; rejects with what went wrong in drawing, after that too. */
  waitUntilExit(): Promise<void>;
  /** Leaves the screen at once, without asking and without stopping anything. */
  unmount(): void;
  /** Resolves when everything drawn so far was written. */
  flushed(): Promise<void>;
  readonly store: Store;
}

/** CSI H, CSI J. */
const HOME_AND_ERASE = '\x1b[H\x1b[J';

/**
 * Draws a guard on the alternate screen and takes keys until the person quits. Ink restores the terminal on every way out: exit, signals,
 * exceptions, errors in drawing.
 */
export function renderApp(options: AppOptions): App {
  const { client, stdout = process.stdout, stdin = process.stdin, settings = {} } = options;
  const { problem, ...look } = lookOf(settings, options.env ?? process.env);
  const { keymap, problems } = readKeys(settings.keys);
  const store = new Store({ ...options, client, keymap, painter: new Painter(look) });
  const wrong = [...(problem ? [problem] : []), ...problems];
  if (wrong.length > 0) store.message = { level: 'warning', text: wrong.join('  ') };

  let instance: Instance | undefined;
  // What a terminal leaves on the screen when its size changes differs (cut, wrapped, moved), and after another program wrote there it can
  // be anything: wipe it and forget the last frame, so that the next one is drawn whole from the first cell.
  const startOver = () => {
    if (!instance) return;
    instance.clear();
    stdout.write(HOME_AND_ERASE);
    // At once: Ink's own listener would draw the lines of the old size, and the terminal would wrap them.
    instance.rerender(<Screen store={store} />);
  };
  const resize = () => {
    store.resize(stdout.columns || 80, stdout.rows || 24);
    startOver();
  };
  resize();
  // Before Ink's own listener, which draws at once.
  stdout.on('resize', resize);
  store.start();
  instance = render(<Screen store={store} />, {
    stdout,
    stdin,
    interactive: true,
    alternateScreen: true,
    incrementalRendering: true,
    patchConsole: false,
    exitOnCtrlC: false,
    maxFps: options.maxFps ?? 250,
  });
  const screen = instance;
  store.terminal = { ...store.terminal, redraw: startOver };
  const cleanUp = () => {
    stdout.off('resize', resize);
    store.stop();
  };
  return {
    store,
    waitUntilExit: async () => {
      try {
        await screen.waitUntilExit();
      } finally {
        cleanUp();
      }
    },
    unmount: () => {
      cleanUp();
      screen.unmount();
    },
    flushed: () => screen.waitUntilRenderFlush(),
  };
}
