import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join, relative } from 'node:path';
import { layersHeader } from './generate-layers.ts';

/** The zip for Windows: built, unpacked, and run under Wine and on Linux side by side. */

export const root = join(import.meta.dirname, '..', '..');
const LIMIT = 120_000;

/** Builds the zip into a folder, in the given surroundings. @returns its path */
export function buildZip(out: string, env: Readonly<Record<string, string>>): string {
  execFileSync(process.execPath, [join(root, '.config', 'dist.mjs'), '--out', out], {
    cwd: tmpdir(),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: LIMIT,
  });
  const names = readdirSync(out).filter(name => name.endsWith('.zip'));
  if (names.length !== 1) throw new Error(`expected one zip in ${out}, got ${names.join(', ') || 'none'}`);
  return join(out, names[0]!);
}

/** Unpacks with another implementation of the format than the one that wrote it. @returns the one folder inside */
export function unpack(zip: string, into: string): string {
  mkdirSync(into, { recursive: true });
  execFileSync('python3', ['-m', 'zipfile', '-e', zip, into], { timeout: LIMIT });
  const names = readdirSync(into);
  if (names.length !== 1) throw new Error(`expected one folder in the zip, got ${names.join(', ')}`);
  return join(into, names[0]!);
}

/** Every file below a folder, relative and sorted. */
export const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)))
    .sort();

/** Every file below a folder with its hash. */
export const hashesBelow = (folder: string): Record<string, string> =>
  Object.fromEntries(
    filesBelow(folder).map(name => [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    ]),
  );

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Compiles the lab's stand-in of the Base Filtering Engine; not in the lab's own cache, which another test may be writing to. */
function buildEngine(folder: string, output: string): void {
  const sources = join(import.meta.dirname, 'fwpuclnt');
  const inputs = readdirSync(sources).filter(file => /\.(c|def)$/.test(file));
  writeFileSync(join(folder, 'layers.gen.h'), layersHeader());
  execFileSync(
    'x86_64-w64-mingw32-gcc',
    ['-O1', '-std=gnu11', '-shared', '-static', `-I${folder}`, '-o', output]
      .concat(inputs.map(file => join(sources, file)))
      .concat('-lrpcrt4', '-ladvapi32'),
    { stdio: 'inherit', timeout: LIMIT },
  );
}

/**
 * A Wine prefix of its own, as fresh as a new machine: other tests end every process of the lab's prefix when they are done.
 * Output goes through files, because Windows programs under Wine cannot write to what Node calls a pipe.
 */
export class FreshWindows {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sallyport-dist-wine-'));
  readonly #env: NodeJS.ProcessEnv = {
    ...process.env,
    // Wine links a user's documents to the home folder.
    HOME: this.#folder,
    // Wine reads and writes Linux file names in the locale's encoding.
    LC_ALL: 'C.UTF-8',
    WINEPREFIX: join(this.#folder, 'prefix'),
    WINEARCH: 'win64',
    WINEDEBUG: '-all',
    WINEDLLOVERRIDES: 'mscoree,mshtml=;fwpuclnt=n',
    SALLYPORT_LAB_STORE: `Z:${this.#folder.replaceAll('/', '\\')}\\store`,
  };

  constructor() {
    mkdirSync(this.#env['WINEPREFIX']!, { mode: 0o700 });
    this.#wine(['wineboot', '-i'], this.#folder);
    // Wine 8 says that it is Windows 7, on which Node does not start.
    this.#wine(['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'], this.#folder);
    buildEngine(this.#folder, join(this.#env['WINEPREFIX']!, 'drive_c', 'windows', 'system32', 'fwpuclnt.dll'));
  }

  /** A folder of the user's own data, as Wine keeps it. */
  appData(kind: 'Local' | 'Roaming'): string {
    return join(this.#env['WINEPREFIX']!, 'drive_c', 'users', userInfo().username, 'AppData', kind, 'sallyport');
  }

  run(program: string, args: readonly string[], cwd: string): Ran {
    return this.#wine([program, ...args], cwd);
  }

  dispose(): void {
    spawnSync('wineserver', ['-k'], { env: this.#env, timeout: LIMIT });
    spawnSync('wineserver', ['-w'], { env: this.#env, timeout: LIMIT });
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #wine(args: readonly string[], cwd: string): Ran {
    const files = ['stdout', 'stderr'].map(name => join(this.#folder, name)) as [string, string];
    const descriptors = files.map(file => openSync(file, 'w'));
    const { status, error } = spawnSync('wine', args, {
      cwd,
      env: this.#env,
      stdio: ['ignore', ...descriptors],
      timeout: LIMIT,
    });
    for (const descriptor of descriptors) closeSync(descriptor);
    if (error) throw error;
    return { code: status, stdout: readFileSync(files[0], 'utf8'), stderr: readFileSync(files[1], 'utf8') };
  }
}

/** The same bundle, run by this machine's Node in a home of its own. */
export function onLinux(unpacked: string, args: readonly string[], home: string): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(unpacked, 'app', 'cli.mjs'), ...args], {
    cwd: unpacked,
    env: { ...process.env, SALLYPORT_HOME: home },
    encoding: 'utf8',
    timeout: LIMIT,
    maxBuffer: 2 ** 26,
  });
  return { code: status, stdout, stderr };
}

/** A copy of the unpacked folder without its Node, as if the zip had been unpacked in part. */
export function withoutNode(unpacked: string, into: string): string {
  cpSync(unpacked, into, { recursive: true, filter: source => !source.endsWith('node.exe') });
  return into;
}
