import { describe, expect, test } from 'vitest';
import { readDumpFile } from '../../engine/dumps/dump-reader.ts';
import { Machine } from '../../engine/explain/machine.ts';
import { Browser } from '../../tui/inspect/browser.ts';
import { inspectScreen } from '../../tui/inspect/inspect-screen.tsx';
import { bytesOf } from '../support/screen.ts';
import { FakeStdin, FakeTty, until } from '../support/terminal.ts';
import { DUMPS, hasRealData, realFile } from './real-data.ts';

const machineOf = async (name: string) => new Machine(await readDumpFile(realFile(name)));
const key = (name: string) => ({ name, burst: false });

describe.runIf(hasRealData())('the screen of inspect on real dumps', () => {
  test.each(DUMPS)('$name: drawn, searched and left in a terminal', async ({ name, filters }) => {
    const tty = new FakeTty(100, 30);
    const stdin = new FakeStdin();
    const left = inspectScreen(await machineOf(name), {
      stdout: tty as unknown as NodeJS.WriteStream,
      stdin: stdin as unknown as NodeJS.ReadStream,
      env: { TERM: 'xterm-256color', LANG: 'C.UTF-8' },
    });
    const see = (text: string) =>
      until(
        () => tty.screen().includes(text),
        () => `${text}:\n${tty.screen()}`,
      );
    await see(`filters ${filters.toLocaleString('en')}`);
    for (const char of '/default outbound') stdin.write(char === ' ' ? ' ' : char);
    await see('Default Outbound');
    stdin.write(bytesOf('enter'));
    stdin.write(bytesOf('w'));
    await see('sublayer');
    stdin.write(bytesOf('ctrl-c'));
    await left;
    await tty.drained();
    expect(tty.kind).toBe('normal');
  });

  test('every row of every list and every detail can be drawn', async () => {
    for (const { name } of DUMPS) {
      const browser = new Browser(await machineOf(name));
      for (const view of ['1', '2', '3', '4', '5']) {
        browser.press(key(view));
        for (let page = 0; page < 60; page++) {
          expect(browser.lines(80, 24).length).toBeLessThanOrEqual(24);
          browser.press(key('enter'));
          expect(browser.lines(80, 24).length).toBeLessThanOrEqual(24);
          browser.press(key('escape'));
          browser.press(key('page-down'));
        }
      }
    }
  });

  test('ten thousand filters: a frame builds only the rows that are seen', async () => {
    const machine = await machineOf('keploy.wfpstate.xml');
    const many = Array.from({ length: 8 }, (_, copy) =>
      machine.dump.filters.map(filter => ({ ...filter, filterId: filter.filterId + BigInt(copy) * 1_000_000n })),
    ).flat();
    const large = new Machine({ ...machine.dump, filters: many });
    let described = 0;
    const original = large.conditionsText.bind(large);
    large.conditionsText = filter => {
      described++;
      return original(filter);
    };
    const browser = new Browser(large);
    for (let i = 0; i < 50; i++) {
      browser.press(key('page-down'));
      browser.lines(100, 40);
    }
    expect(many.length).toBeGreaterThan(10_000);
    expect(described).toBeLessThanOrEqual(50 * 40);
  });
});
