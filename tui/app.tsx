import type { GuardClient } from '../machines/guard-client.ts';
import { readKeys } from './keymap.ts';
import { Store, type StoreOptions } from './state/store.ts';
import { type InkScreen, inkScreen } from './terminal/ink-screen.ts';
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

/** Leaving it by `unmount` asks nothing and stops nothing. */
export interface App extends InkScreen {
  readonly store: Store;
}

/** Draws a guard and takes keys until the person quits. */
export function renderApp(options: AppOptions): App {
  const { client, stdout = process.stdout, stdin = process.stdin, settings = {} } = options;
  const { problem, ...look } = lookOf(settings, options.env ?? process.env);
  const { keymap, problems } = readKeys(settings.keys);
  const store = new Store({ ...options, client, keymap, painter: new Painter(look) });
  const wrong = [...(problem ? [problem] : []), ...problems];
  if (wrong.length > 0) store.message = { level: 'warning', text: wrong.join('  ') };

  store.start();
  const screen = inkScreen({
    element: () => <Screen store={store} />,
    stdout,
    stdin,
    maxFps: options.maxFps ?? 250,
    resized: (columns, rows) => store.resize(columns, rows),
    left: () => store.stop(),
  });
  store.terminal = { ...store.terminal, redraw: screen.redraw };
  return { ...screen, store };
}
