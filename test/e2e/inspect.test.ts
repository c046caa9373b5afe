import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hasRealData, realFile } from '../dumps/real-data.ts';
import { ProgramInTerminal, temporaryHome } from '../support/pty.ts';

let home: ReturnType<typeof temporaryHome>;
let program: ProgramInTerminal | undefined;
beforeEach(() => {
  home = temporaryHome();
});
afterEach(async () => {
  await program?.end();
  program = undefined;
  home.remove();
});
const start = (args: readonly string[], size?: { columns: number; rows: number }) => {
  program = new ProgramInTerminal(args, { home: home.path, ...size });
  return program;
};

describe.runIf(hasRealData())('inspect on a terminal', () => {
  test('looks around in a real dump, asks what if, and gives the terminal back', async () => {
    const screen = start(['inspect', realFile('keploy.wfpstate.xml')], { columns: 120, rows: 40 });
    await screen.waitFor('1,254 filters in 30 layers');
    expect(screen.bufferType).toBe('alternate');
    screen.press('/searchfilterhost');
    await screen.waitFor(/▌ +block +searchfilterhost\.exe/);
    screen.press('\r');
    await screen.waitFor('/ searchfilterhost');
    screen.press('w');
    await screen.waitFor(/why {2}searchfilterhost\.exe.*BLOCK/);
    await screen.waitFor('■ stopped here');
    screen.press('x\x15');
    await screen.waitFor('program: ');
    screen.press('brave.exe');
    await screen.waitFor(/why {2}brave\.exe.*UNKNOWN/);
    await screen.waitFor('program changed: was BLOCK');
    screen.press('\r');
    await screen.waitFor('what if');
    screen.resize(80, 24);
    await screen.waitFor(text => text.split('\n')[22]!.includes('? help'));
    screen.press('2');
    await screen.waitFor('explorer.exe → 52.109.56.130:443');
    screen.press('q');
    expect((await screen.exited).exitCode).toBe(0);
    await expect.poll(() => screen.bufferType).toBe('normal');
  });

  test('a file of net events opens on them, and Ctrl-C leaves', async () => {
    const screen = start(['inspect', realFile('ms-docs-netevents.xml')]);
    await screen.waitFor('[2 Events 8]');
    screen.press('\r');
    await screen.waitFor('uwpsocketclient.exe');
    screen.press('\x03');
    expect((await screen.exited).exitCode).toBe(0);
    await expect.poll(() => screen.bufferType).toBe('normal');
  });

  test('a damaged file shows what could be read, says so, and exits with 1', async () => {
    const cut = join(home.path, 'cut.xml');
    writeFileSync(cut, readFileSync(realFile('LibGrabber.wfpfilters.xml')).subarray(0, 600_000));
    const screen = start(['inspect', cut]);
    await screen.waitFor('damaged: what could be read');
    await screen.waitFor('[1 Filters');
    screen.press('q');
    expect((await screen.exited).exitCode).toBe(1);
  });
});

test('inspect --live shows this machine, and filters has the same keys', async () => {
  const live = start(['inspect', '--live'], { columns: 100, rows: 30 });
  await live.waitFor("this machine's engine");
  live.press('x');
  await live.waitFor('Enter asks');
  live.press('curl -> 192.0.2.1:443/tcp\r');
  await live.waitFor(/why {2}curl → 192\.0\.2\.1:443 over tcp/);
  live.press('q');
  await live.waitFor('[1 Filters');
  live.press('q');
  expect((await live.exited).exitCode).toBe(0);
  await live.end();
  const guard = start(['filters'], { columns: 100, rows: 30 });
  await guard.waitFor('[4 Filters');
  await guard.waitFor('p provider');
  guard.press('q');
  expect((await guard.exited).exitCode).toBe(0);
});
