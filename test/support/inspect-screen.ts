import type { Dump } from '../../engine/dumps/dump.ts';
import { Machine } from '../../engine/explain/machine.ts';
import { type Inspector, type InspectorOptions, renderInspector } from '../../tui/inspect/inspector.tsx';
import { FakeStdin, FakeTty, until } from './terminal.ts';

export interface InspectScreen {
  readonly inspector: Inspector;
  readonly tty: FakeTty;
  press(...keys: string[]): Promise<void>;
  lines(): string[];
  screen(): string;
  line(part: string): string;
  close(): void;
}

/** The screen over a dump on an emulated terminal. */
export async function openInspector(
  dump: Dump,
  options: Partial<InspectorOptions> & { columns?: number; rows?: number } = {},
): Promise<InspectScreen> {
  const { columns = 80, rows = 24, ...rest } = options;
  const tty = new FakeTty(columns, rows);
  const stdin = new FakeStdin();
  const inspector = renderInspector({
    machine: new Machine(dump),
    stdout: tty as unknown as NodeJS.WriteStream,
    stdin: stdin as unknown as NodeJS.ReadStream,
    env: { TERM: 'xterm-256color', LANG: 'C.UTF-8' },
    maxFps: 1000,
    ...rest,
  });
  const settle = async () => {
    for (let i = 0; i < 3; i++) {
      await new Promise(resolve => setImmediate(resolve));
      await inspector.flushed();
    }
    await tty.drained();
  };
  await import('../../tui/views/filters-table.tsx');
  await settle();
  const press = async (...keys: string[]) => {
    for (const key of keys) {
      stdin.write(key);
      await until(
        () => stdin.readableLength === 0,
        () => `key ${JSON.stringify(key)} was read`,
      );
      // A lone Esc is a key only when nothing follows it for 20 ms.
      if (key === '\x1b') await new Promise(resolve => setTimeout(resolve, 30));
      await settle();
    }
  };
  return {
    inspector,
    tty,
    press,
    lines: () => tty.lines(),
    screen: () => tty.screen(),
    line: part => tty.lines().find(line => line.includes(part)) ?? '',
    close: () => inspector.unmount(),
  };
}
