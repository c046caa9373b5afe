import { expect, test } from 'vitest';
import { RuleError } from '../../../../engine/rules/rule-error.ts';
import { windowsAppIdOf } from './app-ids.ts';

const appIdOf = windowsAppIdOf(path => {
  if (path.startsWith('\\\\')) return `\\Device\\Mup\\${path.slice(2)}`;
  return /^c:/i.test(path) ? `\\Device\\HarddiskVolume3${path.slice(2)}` : undefined;
});

test.each([
  ['C:\\Tools\\Curl.exe', '\\device\\harddiskvolume3\\tools\\curl.exe'],
  ['c:/tools/curl.exe', '\\device\\harddiskvolume3\\tools\\curl.exe'],
  ['\\\\?\\C:\\x.exe', '\\device\\harddiskvolume3\\x.exe'],
  ['\\??\\C:\\x.exe', '\\device\\harddiskvolume3\\x.exe'],
  ['\\\\Server\\Share\\x.exe', '\\device\\mup\\server\\share\\x.exe'],
  ['\\\\?\\UNC\\Server\\Share\\x.exe', '\\device\\mup\\server\\share\\x.exe'],
  ['\\Device\\HarddiskVolume9\\X.exe', '\\device\\harddiskvolume9\\x.exe'],
  ['system', 'System'],
])('%s', (path, expected) => expect(appIdOf(path)).toBe(expected));

test.each([
  ['E:\\x.exe', 'There is no drive E: now'],
  ['/usr/bin/curl', 'is no program path'],
  ['C:curl.exe', 'is no program path'],
  ['curl.exe', 'is no program path'],
  ['C:\\', 'is no program path'],
])('%s is refused', (path, words) => {
  expect(() => appIdOf(path)).toThrow(RuleError);
  expect(() => appIdOf(path)).toThrow(words);
});
