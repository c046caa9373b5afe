import { Box, render, Text, useApp, useInput, usePaste, useWindowSize } from 'ink';
import { memo, useEffect, useReducer } from 'react';
import type { Machine } from '../../engine/explain/machine.ts';
import type { AppSettings } from '../app.tsx';
import { readKeys } from '../keys/read-keys.ts';
import { lookOf } from '../terminal/look.ts';
import { Painter } from '../text/paint.ts';
import { Browser } from './browser.ts';

const Row = memo(({ text }: { readonly text: string }) => <Text wrap="truncate">{text === '' ? ' ' : text}</Text>);

function Inspector({ browser, painter }: { readonly browser: Browser; readonly painter: Painter }) {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const { exit } = useApp();
  const { columns, rows } = useWindowSize();
  // What a search needs is made ready between keys, a little at a time.
  useEffect(() => {
    let next: NodeJS.Immediate | undefined;
    const work = () => {
      next = browser.prepare() ? setImmediate(work) : undefined;
    };
    next = setImmediate(work);
    return () => clearImmediate(next);
  }, [browser]);
  const acted = () => {
    redraw();
    if (browser.done) exit();
  };
  useInput((input, key) => {
    for (const press of readKeys(input, key)) if (!browser.done) browser.press(press);
    acted();
  });
  usePaste(text => {
    browser.paste(text);
    acted();
  });
  return (
    <Box flexDirection="column" width={columns} height={Math.max(1, rows - 1)} overflow="hidden">
      {browser.lines(columns, Math.max(1, rows - 1)).map(({ line, selected }, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the place is the identity
        <Row key={i} text={painter.paint(line, columns, selected ? 'selected' : undefined)} />
      ))}
    </Box>
  );
}

export interface InspectScreenOptions {
  readonly stdout?: NodeJS.WriteStream;
  readonly stdin?: NodeJS.ReadStream;
  readonly settings?: AppSettings;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A machine's filters on the alternate screen. Resolves when the person left and the terminal is as it was. */
export async function inspectScreen(machine: Machine, options: InspectScreenOptions = {}): Promise<void> {
  const { stdout = process.stdout, stdin = process.stdin, settings = {} } = options;
  const browser = new Browser(machine);
  const instance = render(<Inspector browser={browser} painter={new Painter(lookOf(settings, options.env ?? process.env))} />, {
    stdout,
    stdin,
    interactive: true,
    alternateScreen: true,
    incrementalRendering: true,
    patchConsole: false,
    exitOnCtrlC: false,
  });
  await instance.waitUntilExit();
}
