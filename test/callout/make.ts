import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { requirement } from '../support/requirement.ts';

/** The callout driver's folder: its builds are make's, these tests only run them and read what they print. */
export const callout = join(import.meta.dirname, '..', '..', 'driver', 'callout');

const works = (command: string): boolean => spawnSync(command, ['--version']).status === 0;

export const hasClang =
  requirement('make', works('make'), 'apt-get install make') &&
  requirement(
    'clang',
    works('clang'),
    'apt-get install clang lld llvm libclang-rt-14-dev (the driver runs under its sanitizers)',
  );

export const hasMingw = requirement(
  'mingw-w64',
  works('make') && works('x86_64-w64-mingw32-gcc'),
  'apt-get install gcc-mingw-w64-x86-64 (builds the driver)',
);

/**
 * Runs make in the driver's folder or a folder below it and gives what it printed, both streams.
 * @throws with the end of the output when make fails
 */
export function make(folder: string, ...words: readonly string[]): string {
  const done = spawnSync('make', ['-s', '-C', join(callout, folder), ...words], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const output = `${done.stdout}${done.stderr}`;
  if (done.status !== 0) throw new Error(`make ${words.join(' ')} failed:\n${output.slice(-4000)}`);
  return output;
}

/** Output of a program that must succeed. */
export function output(program: string, ...words: readonly string[]): string {
  return execFileSync(program, words, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}
