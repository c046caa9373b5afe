import { expect, test } from 'vitest';
import { splitCommandLine } from './command-line.ts';

/** The table of Microsoft's page on parsing C command-line arguments, and what programs really are started with. */
test.each<[string, string[]]>([
  ['x.exe "a b c" d e', ['x.exe', 'a b c', 'd', 'e']],
  ['x.exe "ab\\"c" "\\\\" d', ['x.exe', 'ab"c', '\\', 'd']],
  ['x.exe a\\\\\\b d"e f"g h', ['x.exe', 'a\\\\\\b', 'de fg', 'h']],
  ['x.exe a\\\\\\"b c d', ['x.exe', 'a\\"b', 'c', 'd']],
  ['x.exe a\\\\\\\\"b c" d e', ['x.exe', 'a\\\\b c', 'd', 'e']],
  ['x.exe a"b"" c d', ['x.exe', 'ab" c d']],
  ['"C:\\Program Files\\x.exe" -k netsvcs -p', ['C:\\Program Files\\x.exe', '-k', 'netsvcs', '-p']],
  ['"C:\\a\\b\\" next', ['C:\\a\\b\\', 'next']],
  ['only', ['only']],
  ['x  ', ['x']],
  ['x ""', ['x', '']],
])('%s', (line, args) => {
  expect(splitCommandLine(line)).toEqual(args);
});
