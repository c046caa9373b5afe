import { expect, test } from 'vitest';
import { appXml, filtersXml } from '../dumps/dump-fixture.ts';
import { readDump } from '../dumps/dump-reader.ts';
import { chooseApp } from './app-id.ts';

const naming = async (...paths: string[]) =>
  (
    await readDump('x', [
      Buffer.from(
        filtersXml(
          paths.map((path, id) => ({ id: id + 1, conditions: [['ALE_APP_ID', 'EQUAL', 'FWP_BYTE_BLOB_TYPE', appXml(path)]] })),
        ),
      ),
    ])
  ).filters;

test('on Windows a drive is matched behind the volume, case does not matter', async () => {
  const filters = await naming('\\device\\harddiskvolume4\\a\\b.exe', 'System');
  expect(chooseApp('C:\\A\\B.exe', filters).paths).toEqual(['\\device\\harddiskvolume4\\a\\b.exe']);
  expect(chooseApp('B.EXE', filters).paths).toEqual(['\\device\\harddiskvolume4\\a\\b.exe']);
  expect(chooseApp('system', filters).paths).toEqual(['System']);
  expect(chooseApp('other.exe', filters).paths).toEqual(['\\device\\harddiskvolume4\\other.exe']);
});

test('a program on a share is reached through the redirector', async () => {
  const filters = await naming('\\device\\mup\\server\\share\\a.exe');
  expect(chooseApp('\\\\Server\\share\\A.exe', filters)).toEqual({ paths: ['\\device\\mup\\server\\share\\a.exe'] });
  expect(chooseApp('\\\\server\\share\\b.exe', filters).paths).toEqual(['\\device\\mup\\server\\share\\b.exe']);
});

test('elsewhere a program is its path as it is', async () => {
  const filters = await naming('/usr/bin/curl');
  expect(chooseApp('/usr/bin/curl', filters)).toEqual({ paths: ['/usr/bin/curl'] });
  expect(chooseApp('curl', filters).paths).toEqual(['/usr/bin/curl']);
  expect(chooseApp('/usr/bin/CURL', filters).paths).toEqual(['/usr/bin/CURL']);
  expect(chooseApp('/opt/x', []).paths).toEqual(['/opt/x']);
});
