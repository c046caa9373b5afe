import { expect, test } from 'vitest';
import { procStrings, rawBytes, rawVariables } from './raw-strings.ts';

const latin = (text: string) => Buffer.from(text, 'latin1');

test('texts that lost bytes get them back, each its own; others are what they say', () => {
  const originals = [latin('node'), latin('\xff'), latin('\xfe'), Buffer.from('é'), latin('a\xe9')];
  expect(rawBytes(['\ufffd', 'é', '\ufffd', 'a\ufffd'], originals)).toEqual([
    ...[latin('\xff'), Buffer.from('é'), latin('\xfe'), latin('a\xe9')],
  ]);
  // Given here and not by the parent: there is nothing to go back to.
  expect(rawBytes(['b\ufffd'], originals)).toEqual([Buffer.from('b\ufffd')]);
});

test('variables that lost bytes get them back unless they were changed since', () => {
  const originals = [latin('A=\xff'), latin('B=\xff=\xfe'), latin('\xff=1'), Buffer.from('C=é'), latin('D=\xff')];
  const env = { A: '\ufffd', B: '\ufffd=\ufffd', '\ufffd': '1', C: 'é', D: 'changed' };
  expect(rawVariables(env, originals)).toEqual([
    { known: 'A', name: latin('A'), value: latin('\xff') },
    { known: 'B', name: latin('B'), value: latin('\xff=\xfe') },
    { known: '\ufffd', name: latin('\xff'), value: latin('1') },
  ]);
});

test('strings of /proc', () => {
  expect(procStrings('/proc/self/cmdline').length).toBeGreaterThan(1);
  expect(procStrings('/nonexistent/cmdline')).toEqual([]);
});
