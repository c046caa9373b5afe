/**
 * Builds dist/ when a source is newer than it (`--force`: always). Run before start, test and every npm script that needs the program,
 * so a checkout needs no build step of its own.
 */
import { readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import config from './rolldown.config.mjs';

const root = new URL('..', import.meta.url).pathname;
const sources = ['engine', 'driver', 'machines', 'tui', 'themes', '.config', 'package.json', 'package-lock.json'];

function newest(path) {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (!facts) return 0;
  if (!facts.isDirectory()) return /\.(ts|tsx|mjs|json|jsonl)$/.test(path) ? facts.mtimeMs : 0;
  return Math.max(0, ...readdirSync(path).map(name => newest(join(path, name))));
}

process.chdir(root);
const built = statSync('dist/cli.mjs', { throwIfNoEntry: false })?.mtimeMs ?? 0;
if (process.argv.includes('--force') || built < Math.max(...sources.map(newest))) {
  const { output, ...input } = config;
  const bundle = await rolldown({ ...input, logLevel: 'warn' });
  // Written beside and moved into place: a build that fails leaves the old one, and no start ever sees half of one.
  rmSync('dist.next', { recursive: true, force: true });
  await bundle.write({ ...output, dir: 'dist.next' });
  await bundle.close();
  rmSync('dist', { recursive: true, force: true });
  renameSync('dist.next', 'dist');
}
