import { type Instance, type RenderOptions, render } from 'ink';
import type { ReactElement } from 'react';

export interface InkScreenOptions {
  /** What is drawn; asked for again whenever the screen must be drawn from its first cell. */
  readonly element: () => ReactElement;
  readonly stdout: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
  /** Frames a second at most. */
  readonly maxFps: number;
  /** The terminal has this size now; called once before the first frame. */
  readonly resized: (columns: number, rows: number) => void;
  /** The screen was left or could not be drawn; called at least once. */
  readonly left?: () => void;
}

export interface InkScreen {
  /** Resolves when the screen was left and the terminal is as it was; rejects with what went wrong in drawing, after that too. */
  waitUntilExit(): Promise<void>;
  /** Leaves the screen at once. */
  unmount(): void;
  /** Resolves when everything drawn so far was written. */
  flushed(): Promise<void>;
  /** Wipes the terminal and draws the whole frame anew. */
  redraw(): void;
}

/** CSI H, CSI J. */
const HOME_AND_ERASE = '\x1b[H\x1b[J';

/** A whole-screen program under Ink; its way of writing to the terminal. */
export const FULL_SCREEN = {
  interactive: true,
  alternateScreen: true,
  incrementalRendering: true,
  patchConsole: false,
  exitOnCtrlC: false,
} as const satisfies RenderOptions;

/** Draws on the alternate screen until it is left. Ink restores the terminal on every way out: exit, signals, exceptions, errors in drawing. */
export function inkScreen({ element, stdout, stdin, maxFps, resized, left }: InkScreenOptions): InkScreen {
  let instance: Instance | undefined;
  // What a terminal leaves on the screen when its size changes differs (cut, wrapped, moved), and after another program wrote there it can
  // be anything: wipe it and forget the last frame, so that the next one is drawn whole from the first cell.
  const redraw = () => {
    if (!instance) return;
    instance.clear();
    stdout.write(HOME_AND_ERASE);
    // At once: Ink's own listener would draw the lines of the old size, and the terminal would wrap them.
    instance.rerender(element());
  };
  const resize = () => {
    resized(stdout.columns || 80, stdout.rows || 24);
    redraw();
  };
  resize();
  // Before Ink's own listener, which draws at once.
  stdout.on('resize', resize);
  instance = render(element(), { ...FULL_SCREEN, stdout, stdin, maxFps });
  const screen = instance;
  const cleanUp = () => {
    stdout.off('resize', resize);
    left?.();
  };
  return {
    redraw,
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
