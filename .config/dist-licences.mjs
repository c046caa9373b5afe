import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const LICENCE_FILE = /^(licen[cs]e|copying|notice)(\.(md|txt))?$/i;

/** The package that a bundled module comes from; undefined for the project's own and for the bundler's helpers. */
function packageOf(module) {
  const parts = module.split(/[\\/]node_modules[\\/]/);
  if (parts.length < 2 || module.startsWith('\0')) return undefined;
  const [first, second] = parts.at(-1).split(/[\\/]/);
  const name = first.startsWith('@') ? `${first}/${second}` : first;
  return [...parts.slice(0, -1), name].join('/node_modules/');
}

function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (!license) throw new Error(`${name} names no licence: it cannot be given to others`);
  const files = readdirSync(folder).filter(file => LICENCE_FILE.test(file));
  const texts = files.sort().map(file => readFileSync(join(folder, file), 'utf8').trim());
  const text = texts.join('\n\n') || `The package carries no licence text; its package.json says: ${license}`;
  return { name, version, license, text };
}

/** Licences of every package that has code in the bundle, and of further installed ones, sorted by name. */
export function licences(modules, further) {
  const folders = new Set([...modules.map(packageOf).filter(Boolean), ...further.map(name => join(root, 'node_modules', name))]);
  return [...folders]
    .map(licenceOf)
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1));
}

/** One text of all of them. */
export function licenceText(all) {
  const line = '-'.repeat(78);
  const entries = all.map(({ name, version, license, text }) => `${line}\n${name} ${version} (${license})\n${line}\n\n${text}\n`);
  return `Sallyport contains these packages. Node.js, in node/, has its own LICENSE there.\n\n${entries.join('\n')}`;
}
