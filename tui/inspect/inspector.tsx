import { useApp, useInput, usePaste } from 'ink';
import { useEffect, useSyncExternalStore } from 'react';
import type { Machine } from '../../engine/explain/machine.ts';
import type { AppSettings } from '../app.tsx';
import { readKeys } from '../keymap.ts';
import { readKeys as keysOf } from '../keys/read-keys.ts';
import { type InkScreen, inkScreen } from '../terminal/ink-screen.ts';
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

export interface Inspector extends InkScreen {
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

/** Draws one machine's filters and takes keys until the person quits. */
export function renderInspector(options: InspectorOptions): Inspector {
  const { machine, stdout = process.stdout, stdin = process.stdin, settings = {} } = options;
  const { problem, ...look } = lookOf(settings, options.env ?? process.env);
  const { keymap, problems } = readKeys(settings.keys);
  const store = new InspectStore(machine, keymap, new Painter(look));
  const wrong = [...(options.warning ? [options.warning] : []), ...(problem ? [problem] : []), ...problems];
  if (wrong.length > 0) store.message = { level: 'warning', text: wrong.join('  ') };
  const screen = inkScreen({
    element: () => <InspectScreen store={store} />,
    stdout,
    stdin,
    maxFps: options.maxFps ?? 120,
    resized: (columns, rows) => store.resize(columns, rows),
  });
  store.terminal = { ...store.terminal, redraw: screen.redraw };
  return { ...screen, store };
}
