import { expect, test } from 'vitest';
import { devicePath, drivePath, drivesOf } from './device-paths.ts';

const drives = drivesOf(
  new Map([
    ['C:', '\\Device\\HarddiskVolume3'],
    ['D:', '\\Device\\CdRom0'],
    ['S:', '\\??\\C:\\Work\\tools'],
    ['T:', '\\??\\S:\\deep'],
    ['U:', '\\??\\UNC\\server\\share'],
    ['X:', '\\??\\X:\\self'],
    ['Y:', '\\??\\unix\\home'],
    ['Z:', '\\Device\\LanmanRedirector\\;Z:000000000003e7\\server\\share'],
  ]),
);

test.each([
  ['C:\\Windows\\curl.exe', '\\Device\\HarddiskVolume3\\Windows\\curl.exe'],
  ['c:\\tools\\a b.exe', '\\Device\\HarddiskVolume3\\tools\\a b.exe'],
  ['\\\\server\\share\\x.exe', '\\Device\\Mup\\server\\share\\x.exe'],
  ['s:\\x.exe', '\\Device\\HarddiskVolume3\\Work\\tools\\x.exe'],
  ['T:\\x.exe', '\\Device\\HarddiskVolume3\\Work\\tools\\deep\\x.exe'],
  ['U:\\x.exe', '\\Device\\Mup\\server\\share\\x.exe'],
  ['Z:\\x.exe', '\\Device\\Mup\\server\\share\\x.exe'],
  ['X:\\x.exe', undefined],
  ['Y:\\x.exe', undefined],
  ['E:\\gone.exe', undefined],
  ['C:relative.exe', undefined],
  ['curl.exe', undefined],
  ['\\device\\harddiskvolume3\\x.exe', undefined],
  ['\\\\?\\C:\\x.exe', undefined],
])('%s in device form', (path, expected) => expect(devicePath(path, drives)).toBe(expected));

test.each(['C:\\Windows\\curl.exe', 'D:\\setup.exe', '\\\\server\\share\\x.exe'])('%s there and back', path =>
  expect(drivePath(devicePath(path, drives)!, drives)).toBe(path));

test('a program on a subst drive is named where it is', () =>
  expect(drivePath('\\device\\harddiskvolume3\\work\\tools\\x.exe', drives)).toBe('C:\\work\\tools\\x.exe'));

test.each(['\\device\\harddiskvolume9\\x.exe', '\\device\\mup\\;lanman\\x', 'System', ''])('%s has no drive', path =>
  expect(drivePath(path, drives)).toBeUndefined());
