import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** Of these only the start is declared. */
const STARTS = new Set(['CRYPT_PROVIDER_CERT']);

function facts() {
  return Object.entries(layouts).flatMap(([name, type]) => {
    if (typeof type === 'function') return [];
    const whole = STARTS.has(name) ? [] : [{ label: `${name} size`, expression: `sizeof(${name})`, ours: type.size }];
    const members = Object.entries(type.members ?? {}).flatMap(([member, { offset, type: of }]) => [
      { label: `${name}.${member} offset`, expression: `offsetof(${name}, ${member})`, ours: offset },
      { label: `${name}.${member} size`, expression: `sizeof(((${name} *)0)->${member})`, ours: of.size },
    ]);
    return [...whole, ...members];
  });
}

test.runIf(ready)('every member has the size and offset that the compiler gives it', () => {
  const all = facts();
  expect(all.length).toBeGreaterThan(100);
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-layouts-'));
  try {
    const [source, object, raw] = ['layouts.c', 'layouts.o', 'layouts.bin'].map(file => join(folder, file)) as [
      string,
      string,
      string,
    ];
    writeFileSync(
      source,
      `#include <stddef.h>
#include <windows.h>
#include <winternl.h>
#include <winsvc.h>
#include <wintrust.h>
__attribute__((section(".facts"))) const unsigned long long facts[] = {
${all.map(({ expression }) => `  ${expression},`).join('\n')}
};
`,
    );
    execFileSync(compiler, ['-c', '-D_WIN32_WINNT=0x0A00', '-o', object, source]);
    execFileSync(objcopy, ['-O', 'binary', '-j', '.facts', object, raw]);
    const bytes = readFileSync(raw);
    const theirs = Object.fromEntries(all.map(({ label }, index) => [label, Number(bytes.readBigUInt64LE(index * 8))]));
    expect(Object.fromEntries(all.map(({ label, ours }) => [label, ours]))).toEqual(theirs);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
