import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fieldsHeader, layersHeader } from './generate-layers.ts';

/** Compiles the stand-ins of WFP's two halves and the real driver with mingw, and puts them where Windows has them. */

const here = import.meta.dirname;
const root = join(here, '..', '..');
/** mingw-w64's C compiler. */
export const COMPILER = 'x86_64-w64-mingw32-gcc';

const sourcesOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter(file => file.endsWith('.c'))
    .map(file => join(folder, file));

const STRICT = ['-O1', '-g', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-Wno-format'];

const KERNEL = [
  '-ffreestanding',
  '-fno-builtin',
  '-mno-red-zone',
  '-Wno-unknown-pragmas',
  '-Wno-multichar',
  '-D_WIN32_WINNT=0x0A00',
  '-DNTDDI_VERSION=0x0A000000',
  '-D_AMD64_',
  '-nostdlib',
  '-shared',
  '-Wl,--subsystem,native:10.0',
  '-Wl,-e,DriverEntry',
];

/** The stand-in of the Base Filtering Engine. @param build folder for what is made on the way */
export function buildFwpuclnt(build: string, system32: string): void {
  const folder = join(here, 'fwpuclnt');
  writeFileSync(join(build, 'layers.gen.h'), layersHeader());
  const output = join(build, 'fwpuclnt.dll');
  const inputs = [...sourcesOf(folder), join(folder, 'fwpuclnt.def')];
  execFileSync(COMPILER, [...STRICT, '-shared', '-static', `-I${build}`, '-o', output, ...inputs, '-lrpcrt4', '-ladvapi32'], {
    stdio: 'inherit',
  });
  cpSync(output, join(system32, 'fwpuclnt.dll'));
}

/** The kernel stand-in and the real driver. */
export function buildDrivers(build: string, system32: string): void {
  const callout = join(root, 'driver', 'callout');
  const folder = join(here, 'fwpkclnt');
  writeFileSync(join(build, 'fields.gen.h'), fieldsHeader());
  const includes = [
    `-I${build}`,
    `-I${callout}`,
    `-I${join(callout, 'include')}`,
    '-isystem',
    '/usr/share/mingw-w64/include/ddk',
  ];
  const output = join(build, 'fwpkclnt.sys');
  const inputs = [...sourcesOf(folder), join(folder, 'fwpkclnt.def'), '-lntoskrnl', '-lhal'];
  execFileSync(COMPILER, [...STRICT, ...KERNEL, ...includes, '-o', output, ...inputs], { stdio: 'inherit' });
  // A copy of the sources: the driver's own tests may be building in its folder at the same time.
  const copy = join(build, 'callout');
  cpSync(callout, copy, { recursive: true, filter: source => source !== join(callout, 'build'), preserveTimestamps: true });
  execFileSync('make', ['-s', '-C', copy, 'lab'], { stdio: ['ignore', 'ignore', 'inherit'] });
  mkdirSync(join(system32, 'drivers'), { recursive: true });
  cpSync(output, join(system32, 'drivers', 'fwpkclnt.sys'));
  cpSync(join(copy, 'build', 'lab', 'sallyport.sys'), join(system32, 'drivers', 'sallyport.sys'));
}

/** Makes both drivers services of the prefix, once. @param wine runs a Windows command in it and waits */
export function installDrivers(prefix: string, wine: (args: readonly string[]) => void): void {
  const installed = join(prefix, '.sallyport-services');
  if (existsSync(installed)) return;
  // One load order group: Wine gives every group a process of its own, and the driver must find the stand-in in its own process.
  for (const name of ['fwpkclnt', 'sallyport']) {
    const path = `C:\\windows\\system32\\drivers\\${name}.sys`;
    wine(['sc', 'create', name, 'type=', 'kernel', 'start=', 'demand', 'group=', 'sallyport-lab', 'binPath=', path]);
  }
  writeFileSync(installed, '');
}
