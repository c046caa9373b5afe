import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TypeObject } from 'koffi';
import { expect, test } from 'vitest';
import { requirement } from '../../test/support/requirement.ts';
import * as layouts from './layouts.ts';

const compiler = 'x86_64-w64-mingw32-gcc';
const objcopy = 'x86_64-w64-mingw32-objcopy';
const ready = requirement(
  compiler,
  spawnSync(compiler, ['--version']).status === 0,
  'apt-get install gcc-mingw-w64-x86-64 to check the layouts against its headers',
);

/** Where mingw-w64 is known to differ from Microsoft's headers: what mingw has, and why ours stays. */
const pinned: Record<string, { mingw: number; reason: string }> = {
  'FWPM_SUBLAYER0.flags size': {
    mingw: 2,
    reason: 'UINT32 at https://learn.microsoft.com/windows/win32/api/fwpmtypes/ns-fwpmtypes-fwpm_sublayer0; mingw says UINT16',
  },
};

/** Our unions have a name where the header's have none. */
const cPath = (path: string): string =>
  path
    .replace(/\b(local|remote)Addr\.v([46])$/, '$1AddrV$2')
    .replace(/\b(value|context)\.(?=\w)/g, '')
    .replace(/^(value|context|localAddr|remoteAddr)$/, '');

function* members(type: TypeObject, prefix = ''): Generator<string> {
  for (const [name, member] of Object.entries(type.members ?? {})) {
    yield prefix + name;
    if (member.type.members) yield* members(member.type, `${prefix}${name}.`);
  }
}

interface Fact {
  readonly label: string;
  readonly expression: string;
  readonly ours: number;
}

function facts(): Fact[] {
  const all: Fact[] = [];
  for (const [name, type] of Object.entries(layouts)) {
    if (typeof type !== 'object' || !('primitive' in type)) continue;
    all.push({ label: `${name} size`, expression: `sizeof(${name})`, ours: type.size });
    all.push({ label: `${name} alignment`, expression: `_Alignof(${name})`, ours: type.alignment });
    for (const path of members(type)) {
      const c = cPath(path);
      if (c === '' || c.endsWith('.')) continue;
      const leaf = path.split('.').at(-1)!;
      if (leaf === 'value' || leaf === 'context' || leaf === 'localAddr' || leaf === 'remoteAddr') continue;
      const label = `${name}.${path}`;
      all.push({ label: `${label} offset`, expression: `offsetof(${name}, ${c})`, ours: layouts.offsetOf(type, path) });
      all.push({ label: `${label} size`, expression: `sizeof(((${name} *)0)->${c})`, ours: layouts.sizeOf(type, path) });
    }
  }
  all.push({
    label: 'NET_EVENT1.type offset',
    expression: 'offsetof(FWPM_NET_EVENT1, type)',
    ours: layouts.NET_EVENT_TYPE_OFFSET[1],
  });
  return all;
}

/** Lets mingw evaluate the expressions and reads the numbers out of the object file: nothing of Windows has to run. */
function probe(expressions: readonly string[]): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-layouts-'));
  try {
    const source = join(folder, 'probe.c');
    const lines = expressions.map(expression => `  (unsigned)${expression},`).join('\n');
    writeFileSync(
      source,
      `#define _WIN32_WINNT 0x0A00\n#define NTDDI_VERSION 0x0A000000\n#include <windows.h>\n#include <stddef.h>\n#include <fwpmu.h>\n` +
        `__attribute__((section(".probe"), used)) const unsigned probe[] = {\n${lines}\n};\n`,
    );
    const object = join(folder, 'probe.o');
    const bytes = join(folder, 'probe.bin');
    execFileSync(compiler, ['-c', source, '-o', object]);
    execFileSync(objcopy, ['-O', 'binary', '--only-section=.probe', object, bytes]);
    const data = readFileSync(bytes);
    return expressions.map((_, index) => data.readUInt32LE(index * 4));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test.runIf(ready)('every member used has the size and offset that the compiler gives it', () => {
  const all = facts();
  const theirs = probe(all.map(fact => fact.expression));
  const differences = all.flatMap((fact, index) =>
    fact.ours === theirs[index] || pinned[fact.label] ? [] : [`${fact.label}: ours ${fact.ours}, mingw ${theirs[index]}`],
  );
  expect(differences).toEqual([]);
  for (const [label, pin] of Object.entries(pinned)) {
    const index = all.findIndex(fact => fact.label === label);
    expect(theirs[index], `${label}: the pin is stale. ${pin.reason}`).toBe(pin.mingw);
  }
  expect(all.length).toBeGreaterThan(300);
});

test('structures that mingw lacks have the sizes of the Windows SDK', () => {
  expect(layouts.NET_EVENT_TYPE_OFFSET).toEqual({ 1: 144, 2: 104, 3: 136, 4: 136, 5: 136 });
  expect(layouts.FWP_V6_ADDR_AND_MASK.alignment).toBe(1);
});
