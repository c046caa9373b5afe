import { describe, expect, it } from 'vitest';
import { FakeStdin, FakeTty, until } from '../test/support/terminal.ts';
import { startScreen } from './start-screen.tsx';
import { splitCommand } from './state/split-command.ts';

describe('splitting a command line', () => {
  it.each([
    ['npm ci', ['npm', 'ci']],
    ['  curl  -s   x ', ['curl', '-s', 'x']],
    [`sh -c "echo 'a b' | wc"`, ['sh', '-c', "echo 'a b' | wc"]],
    [`echo 'it''s' a\\ b ""`, ['echo', 'its', 'a b', '']],
    ['echo "a\\"b"', ['echo', 'a"b']],
    ['echo $HOME *', ['echo', '$HOME', '*']],
  ])('%s', (text, words) => expect(splitCommand(text)).toEqual(words));

  it.each([
    ['', 'Type a command'],
    ['   ', 'Type a command'],
    ['echo "a', 'never closed'],
    ['a | b', 'No shell runs this'],
    ['a && b', 'No shell runs this'],
  ])('%j is told', (text, told) => expect(splitCommand(text)).toContain(told));
});

const open = () => {
  const tty = new FakeTty(80, 24);
  const stdin = new FakeStdin();
  const choice = startScreen({
    stdout: tty as unknown as NodeJS.WriteStream,
    stdin: stdin as unknown as NodeJS.ReadStream,
    env: { TERM: 'xterm', LANG: 'C.UTF-8' },
  });
  const shows = (text: string) =>
    until(
      () => tty.drained().then(() => tty.screen().includes(text)),
      () => `${text} in\n${tty.screen()}`,
    );
  return { tty, stdin, choice, shows };
};

describe('the start screen', () => {
  it('offers what there is and takes a command line', async () => {
    const { tty, stdin, choice, shows } = open();
    await shows('Guard a command');
    for (const entry of ['Lab', 'Rules', 'Filters', 'Doctor', 'Quit']) expect(tty.screen()).toContain(entry);
    stdin.write('g');
    await shows('Command');
    stdin.write('npm "ci');
    await shows('npm "ci');
    stdin.write('\r');
    await shows('never closed');
    stdin.write('"');
    await shows('npm "ci"');
    stdin.write('\r');
    expect(await choice).toEqual({ kind: 'run', command: ['npm', 'ci'] });
    await tty.drained();
    expect(tty.kind).toBe('normal');
  });

  it.each([
    ['l', 'lab'],
    ['r', 'rules'],
    ['f', 'filters'],
    ['d', 'doctor'],
    ['q', 'quit'],
    ['\x03', 'quit'],
    ['jjj\r', 'filters'],
  ])('%j is %s', async (keys, kind) => {
    const { stdin, choice, shows } = open();
    await shows('Doctor');
    stdin.write(keys);
    expect(await choice).toEqual({ kind });
  });
});
