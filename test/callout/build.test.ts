import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { callout, hasClang, hasMingw, make, output } from './make.ts';

const minutes = (count: number): number => count * 60_000;

/** DLL → names, from the import table that objdump prints. */
function imports(file: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let names: string[] = [];
  for (const line of output('x86_64-w64-mingw32-objdump', '-p', file).split('\n')) {
    const library = /DLL Name: (\S+)/.exec(line)?.[1];
    if (library !== undefined) {
      names = found.get(library) ?? [];
      found.set(library, names);
    }
    const name = /^\t[0-9a-f]+\t\s*\d+ {2}(\w+)$/.exec(line)?.[1];
    if (name !== undefined) names.push(name);
  }
  return found;
}

test.runIf(hasMingw)(
  'mingw-w64 builds a native image that imports from the kernel, NDIS and WFP only',
  { timeout: minutes(5) },
  () => {
    make('', 'all');
    const file = join(callout, 'build', 'sallyport.sys');
    const found = imports(file);
    expect([...found.keys()].sort()).toEqual(['fwpkclnt.sys', 'ndis.sys', 'ntoskrnl.exe']);
    expect(found.get('fwpkclnt.sys')).toEqual(
      expect.arrayContaining(['FwpsPendOperation0', 'FwpsCompleteOperation0', 'FwpsCalloutRegister2']),
    );
    // What only mingw's C library or a newer Windows has would not load.
    expect(found.get('ntoskrnl.exe')).not.toContain('ExAllocatePool2');
    const header = readFileSync(file);
    const pe = header.readUInt32LE(0x3c);
    expect(header.toString('latin1', pe, pe + 4)).toBe('PE\0\0');
    expect(header.readUInt16LE(pe + 4)).toBe(0x8664);
    expect(header.readUInt16LE(pe + 24 + 68)).toBe(1); // IMAGE_SUBSYSTEM_NATIVE
  },
);

test.runIf(hasMingw)(
  'the lab build differs in one import only: Wine has no NET_BUFFER functions',
  { timeout: minutes(5) },
  () => {
    make('', 'lab');
    const found = imports(join(callout, 'build', 'lab', 'sallyport.sys'));
    expect([...found.keys()].sort()).toEqual(['fwpkclnt.sys', 'ntoskrnl.exe']);
  },
);

test.runIf(hasClang)(
  "the sources are clean under clang's MSVC mode, against the stand-in headers",
  { timeout: minutes(5) },
  () => {
    expect(make('', 'syntax')).toBe('');
  },
);

test.runIf(hasClang)('the golden bytes and the layout are what ioctl.h says', { timeout: minutes(5) }, () => {
  const fresh = mkdtempSync(join(tmpdir(), 'sallyport-golden-'));
  try {
    make('', 'build/layout');
    output(join(callout, 'build', 'layout'), 'write', fresh);
    const layout = JSON.parse(readFileSync(join(fresh, 'layout.json'), 'utf8')) as { structures: Record<string, unknown> };
    expect(JSON.parse(readFileSync(join(callout, 'golden', 'layout.json'), 'utf8'))).toEqual(layout);
    const names = Object.keys(layout.structures);
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) {
      expect(readFileSync(join(callout, 'golden', `${name}.bin`)).equals(readFileSync(join(fresh, `${name}.bin`))), name).toBe(
        true,
      );
      output(join(callout, 'build', 'layout'), 'check', name, join(callout, 'golden', `${name}.bin`));
    }
  } finally {
    rmSync(fresh, { recursive: true });
  }
});
