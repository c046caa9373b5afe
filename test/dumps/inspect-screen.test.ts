import { describe, expect, test } from 'vitest';
import { readDumpFile } from '../../engine/dumps/dump-reader.ts';
import { Machine } from '../../engine/explain/machine.ts';
import { renderInspector } from '../../tui/inspect/inspector.tsx';
import { bytesOf } from '../support/screen.ts';
import { FakeStdin, FakeTty, until } from '../support/terminal.ts';
import { DUMPS, hasRealData, realFile } from './real-data.ts';

describe.runIf(hasRealData())('the screen of inspect on real dumps', () => {
  test.each(DUMPS)('$name: drawn, searched and left in a terminal', async ({ name, filters }) => {
    const tty = new FakeTty(100, 30);
    const stdin = new FakeStdin();
    const inspector = renderInspector({
      machine: new Machine(await readDumpFile(realFile(name))),
      stdout: tty as unknown as NodeJS.WriteStream,
      stdin: stdin as unknown as NodeJS.ReadStream,
      env: { TERM: 'xterm-256color', LANG: 'C.UTF-8' },
    });
    const see = (text: string) =>
      until(
        () => tty.screen().includes(text),
        () => `${text}:\n${tty.screen()}`,
      );
    await see(filters.toLocaleString('en'));
    for (const char of '/default outbound') stdin.write(char);
    await see('Default Outbound');
    stdin.write(bytesOf('enter'));
    inspector.unmount();
    await inspector.waitUntilExit();
    await tty.drained();
    expect(tty.kind).toBe('normal');
  });
});
