import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { callout } from './make.ts';

/** The INF by the rules for primitive drivers, the project for a WDK, and the scripts as a Windows prompt needs them. */

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

const project = readFileSync(join(callout, 'sallyport.vcxproj'), 'utf8').replaceAll(/<!--(?:(?!--)[\s\S])*-->/g, '');

/** Text of the elements of a name; the project has them without attributes of their own. */
const elements = (name: string): string[] =>
  [...project.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(found => found[1]!);

test('the project is well-formed XML', () => {
  const open: string[] = [];
  const rest = project.replaceAll(
    /<\?.*?\?>|<(\/?)([A-Za-z][\w.]*)((?:\s+\w+="[^"<]*")*)\s*(\/?)>/g,
    (_tag, end, name, _attributes, empty) => {
      if (end === '/') expect(open.pop()).toBe(name);
      else if (name !== undefined && empty === '') open.push(name as string);
      return '';
    },
  );
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/[<>]/);
});

test('the project builds what make builds, against the WDK alone', () => {
  expect([...project.matchAll(/<ClCompile Include="([^"]+)"/g)].map(found => found[1])).toEqual(['*.c']);
  const sources = /^SOURCES = ((?:.*\\\n)*.*)$/m.exec(readFileSync(join(callout, 'Makefile'), 'utf8'))![1]!;
  const names = sources.split(/[\s\\]+/).filter(name => name !== '');
  expect(names.length).toBeGreaterThan(15);
  expect(readdirSync(callout).filter(name => name.endsWith('.c'))).toEqual(names.map(name => `${name}.c`).sort());
  expect(project).not.toMatch(/compat|native|AdditionalIncludeDirectories/);
  expect(elements('DriverType')).toEqual(['WDM']);
  expect(elements('TargetVersion')).toEqual(['Windows10']);
  expect(elements('LanguageStandard_C')).toEqual(['stdc11']);
  expect(elements('WarningLevel')).toEqual(['Level4']);
  expect(elements('TreatWarningAsError')).toEqual(['true']);
});

test('the project links a library for each module that the driver imports from', () => {
  const libraries = elements('AdditionalDependencies')[0]!
    .split(';')
    .filter(name => !name.startsWith('%'));
  const definitions = readdirSync(join(callout, 'imports')).map(name => name.replace('.def', '.lib'));
  // IoCreateDeviceSecure is a library of its own; the kernel's is among the inherited ones.
  expect(libraries.map(name => name.replace('$(DDK_LIB_PATH)\\', '')).sort()).toEqual([...definitions, 'wdmsec.lib'].sort());
  expect(elements('PreprocessorDefinitions')[0]!.split(';')).toEqual(
    expect.arrayContaining(['NDIS60=1', 'NDIS_SUPPORT_NDIS6=1']),
  );
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
