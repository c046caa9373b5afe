import { Box, render, Text, useApp, useInput, usePaste, useWindowSize } from 'ink';
import { useReducer } from 'react';
import type { AppSettings } from './app.tsx';
import { readKeys } from './keys/read-keys.ts';
import { type StartChoice, StartMenu } from './state/start-menu.ts';
import { FULL_SCREEN } from './terminal/ink-screen.ts';
import { lookOf } from './terminal/look.ts';
import { Painter } from './text/paint.ts';

export type { StartChoice } from './state/start-menu.ts';

function Menu({ menu, painter }: { readonly menu: StartMenu; readonly painter: Painter }) {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const { exit } = useApp();
  const { columns, rows } = useWindowSize();
  const acted = () => {
    redraw();
    if (menu.choice) exit();
  };
  useInput((input, key) => {
    for (const press of readKeys(input, key)) if (!menu.choice) menu.press(press);
    acted();
  });
  usePaste(text => {
    menu.paste(text);
    acted();
  });
  return (
    <Box flexDirection="column" width={columns} height={Math.max(1, rows - 1)} overflow="hidden">
      {menu
        .lines()
        .slice(0, Math.max(1, rows - 1))
        .map((line, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the place is the identity
          <Text key={i} wrap="truncate">
            {painter.paint(line, columns) || ' '}
          </Text>
        ))}
    </Box>
  );
}

export interface StartScreenOptions {
  readonly stdout?: NodeJS.WriteStream;
  readonly stdin?: NodeJS.ReadStream;
  readonly settings?: AppSettings;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The screen of `sallyport` alone. Resolves to what was chosen, after the terminal is as it was; leaving it any other way is `quit`. */
export async function startScreen(options: StartScreenOptions = {}): Promise<StartChoice> {
  const { stdout = process.stdout, stdin = process.stdin, settings = {} } = options;
  const menu = new StartMenu();
  const instance = render(<Menu menu={menu} painter={new Painter(lookOf(settings, options.env ?? process.env))} />, {
    ...FULL_SCREEN,
    stdout,
    stdin,
  });
  await instance.waitUntilExit();
  return menu.choice ?? { kind: 'quit' };
}
