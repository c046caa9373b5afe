import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { callout } from './make.ts';

/** The INF by the rules for primitive drivers, and the scripts as a Windows prompt needs them. */

const inf = readFileSync(join(callout, 'sallyport.inf'), 'utf8').replaceAll(/;.*$/gm, '');
const sections = new Map(
  inf
    .split(/^\[/m)
    .slice(1)
    .map(text => {
      const [name, ...lines] = text.split('\n');
      const pairs = lines.filter(line => line.includes('=')).map(line => line.split('=').map(part => part.trim()));
      return [name!.replace(/\].*$/, ''), Object.fromEntries(pairs) as Record<string, string>] as const;
    }),
);

test('the INF installs a primitive driver into the driver store', () => {
  expect(sections.get('Version')).toMatchObject({
    Class: 'WFPCALLOUTS',
    ClassGuid: '{57465043-616C-6C6F-7574-5F636C617373}',
    Provider: '%Provider%',
    CatalogFile: 'sallyport.cat',
    PnpLockdown: '1',
  });
  for (const forbidden of ['Manufacturer', 'DefaultInstall', 'DefaultUninstall', 'DefaultUninstall.NTamd64']) {
    expect([...sections.keys()], forbidden).not.toContain(forbidden);
  }
  expect(sections.get('DestinationDirs')).toEqual({ DefaultDestDir: '13' });
  expect(sections.get('DefaultInstall.NTamd64')).toMatchObject({ CopyFiles: 'Sallyport.CopyFiles' });
  expect(sections.get('Sallyport.Service')).toMatchObject({
    ServiceType: '1',
    StartType: '3',
    ErrorControl: '1',
    ServiceBinary: '%13%\\sallyport.sys',
    Dependencies: 'tcpip',
  });
  for (const used of inf.matchAll(/%(\w+)%/g)) {
    if (used[1] !== '13') expect(sections.get('Strings'), used[1]).toHaveProperty(used[1]!);
  }
});

test.each(['install.cmd', 'uninstall.cmd'])('%s: lines end as a prompt reads them, and every refusal has its exit code', name => {
  const script = readFileSync(join(callout, 'scripts', name), 'latin1');
  expect(script.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  const lines = script.split('\r\n').filter(line => line !== '');
  expect(lines.at(-1)).toMatch(/^exit \/b \d$/);
  for (const line of lines.filter(each => each.includes('(echo '))) {
    // In a block the first closing bracket ends it: a message may have none.
    expect(line, line).toMatch(/\(echo [^()]*& exit \/b \d\)$/);
  }
  expect(script).toContain('fltmc.exe');
  expect(script).toContain('PROCESSOR_ARCHITEW6432');
});
