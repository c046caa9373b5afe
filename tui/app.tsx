import { render } from 'ink';
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

  const resize = () => store.resize(stdout.columns || 80, stdout.rows || 24);
  resize();
  stdout.on('resize', resize);
  store.start();
  const instance = render(<Screen store={store} />, {
    stdout,
    stdin,
    interactive: true,
    alternateScreen: true,
    incrementalRendering: true,
    patchConsole: false,
    exitOnCtrlC: false,
    maxFps: options.maxFps ?? 120,
  });
  store.terminal = {
    ...store.terminal,
    redraw: () => {
      instance.clear();
      store.changed();
    },
  };
  const cleanUp = () => {
    stdout.off('resize', resize);
    store.stop();
  };
  return {
    store,
    waitUntilExit: async () => {
      try {
        await instance.waitUntilExit();
      } finally {
        cleanUp();
      }
    },
    unmount: () => {
      cleanUp();
      instance.unmount();
    },
    flushed: () => instance.waitUntilRenderFlush(),
  };
}
