import { expect, test } from 'vitest';
import { devicePath, drivePath } from './device-paths.ts';

const drives = new Map([
  ['\\device\\harddiskvolume3', 'C:'],
  ['\\device\\cdrom0', 'D:'],
]);

test.each([
  ['C:\\Windows\\curl.exe', '\\device\\harddiskvolume3\\Windows\\curl.exe'],
  ['c:/tools/a b.exe', '\\device\\harddiskvolume3\\tools\\a b.exe'],
  ['\\\\server\\share\\x.exe', '\\Device\\Mup\\server\\share\\x.exe'],
  ['E:\\gone.exe', undefined],
  ['C:relative.exe', undefined],
  ['curl.exe', undefined],
  ['\\device\\harddiskvolume3\\x.exe', undefined],
  ['\\\\?\\C:\\x.exe', undefined],
])('%s in device form', (path, expected) => expect(devicePath(path, drives)).toBe(expected));

test('there and back', () => {
  const path = 'C:\\Windows\\curl.exe';
  expect(drivePath(devicePath(path, drives)!, drives)).toBe(path);
});
