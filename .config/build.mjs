/**
 * Builds dist/ when a source is newer than it (`--force`: always). Run before start, test and every npm script that needs the program,
 * so a checkout needs no build step of its own.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
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
  rmSync('dist', { recursive: true, force: true });
  await bundle.write(output);
  await bundle.close();
}
