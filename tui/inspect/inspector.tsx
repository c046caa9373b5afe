import { type Instance, render, useApp, useInput, usePaste } from 'ink';
import { useEffect, useSyncExternalStore } from 'react';
import type { Machine } from '../../engine/explain/machine.ts';
import type { AppSettings } from '../app.tsx';
import { readKeys } from '../keymap.ts';
import { readKeys as keysOf } from '../keys/read-keys.ts';
import { lookOf } from '../terminal/look.ts';
import { Painter } from '../text/paint.ts';
import { inspectFrame } from '../views/inspect-frame.ts';
import { FrameView } from '../views/screen.tsx';
import { pasteInspect, pressInspect } from './inspect-keys.ts';
import { InspectStore } from './inspect-store.ts';

export interface InspectorOptions {
  /** What is looked at: a dump that was read, or a live engine. */
  readonly machine: Machine;
  readonly stdout?: NodeJS.WriteStream;
  readonly stdin?: NodeJS.ReadStream;
  readonly settings?: AppSettings;
  /** Default: the process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Said at first, for example that the file is damaged. */
  readonly warning?: string;
  /** Frames a second at most. */
  readonly maxFps?: number;
}

export interface Inspector {
  /** Resolves when the screen was left and the terminal is as it was; rejects with what went wrong in drawing, after that too. */
  waitUntilExit(): Promise<void>;
  /** Leaves the screen at once. */
  unmount(): void;
  /** Resolves when everything drawn so far was written. */
  flushed(): Promise<void>;
  readonly store: InspectStore;
}

function InspectScreen({ store }: { readonly store: InspectStore }) {
  useSyncExternalStore(store.subscribe, () => store.version);
  const app = useApp();
  useEffect(() => {
    store.terminal = {
      ...store.terminal,
      exit: () => app.exit(),
      suspend: () => {
        if (process.platform === 'win32') return store.say('This system cannot suspend a program.');
        void app.suspendTerminal(() => {
          process.kill(process.pid, 'SIGTSTP');
        });
      },
    };
  }, [app, store]);
  useInput((input, key) => {
    for (const press of keysOf(input, key)) pressInspect(store, press);
  });
  usePaste(text => pasteInspect(store, text));
  return <FrameView frame={inspectFrame(store)} size={store.size} painter={store.painter} />;
}

/** CSI H, CSI J. */
const HOME_AND_ERASE = '\x1b[H\x1b[J';

/** Draws one machine's filters on the alternate screen and takes keys until the person quits. Ink restores the terminal on every way out. */
export function renderInspector(options: InspectorOptions): Inspector {
  const { machine, stdout = process.stdout, stdin = process.stdin, settings = {} } = options;
  const { problem, ...look } = lookOf(settings, options.env ?? process.env);
  const { keymap, problems } = readKeys(settings.keys);
  const store = new InspectStore(machine, keymap, new Painter(look));
  const wrong = [...(options.warning ? [options.warning] : []), ...(problem ? [problem] : []), ...problems];
  if (wrong.length > 0) store.message = { level: 'warning', text: wrong.join('  ') };
  let instance: Instance | undefined;
  // What stood there is not known any more: wipe it and draw the next frame whole, before Ink draws lines of the old size.
  const startOver = () => {
    if (!instance) return;
    instance.clear();
    stdout.write(HOME_AND_ERASE);
    instance.rerender(<InspectScreen store={store} />);
  };
  const resize = () => {
    store.resize(stdout.columns || 80, stdout.rows || 24);
    startOver();
  };
  resize();
  stdout.on('resize', resize);
  store.terminal = { ...store.terminal, redraw: startOver };
  instance = render(<InspectScreen store={store} />, {
    stdout,
    stdin,
    interactive: true,
    alternateScreen: true,
    incrementalRendering: true,
    patchConsole: false,
    exitOnCtrlC: false,
    maxFps: options.maxFps ?? 120,
  });
  const screen = instance;
  return {
    store,
    waitUntilExit: async () => {
      try {
        await screen.waitUntilExit();
      } finally {
        stdout.off('resize', resize);
      }
    },
    unmount: () => {
      stdout.off('resize', resize);
      screen.unmount();
    },
    flushed: () => screen.waitUntilRenderFlush(),
  };
}
