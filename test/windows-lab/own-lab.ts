import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Lab } from './lab.ts';

const here = import.meta.dirname;
const root = join(here, '..', '..');

function link(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  symlinkSync(from, to);
}

/**
 * A lab of its own for another test file, which may run at the same time: lab.ts keeps builds and bundles in a folder beside itself and its
 * Wine prefix by the project's path, so it is loaded from a second view of the project. Everything in it is a link, but lab.ts itself.
 */
export async function prepareOwnLab(name: string): Promise<{ readonly lab: Lab; readonly folder: string }> {
  const id = createHash('sha1').update(root).digest('hex').slice(0, 8);
  const view = join(tmpdir(), `sallyport-${name}-${userInfo().uid}-${id}`);
  const folder = join(view, 'test', 'windows-lab');
  const cache = join(folder, '.cache', 'dist');
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  for (const file of ['driver', 'engine', 'machines', 'tui', 'themes', 'node_modules', 'package.json', 'package-lock.json'])
    link(join(root, file), join(view, file));
  link(join(root, 'test', 'support'), join(view, 'test', 'support'));
  for (const file of readdirSync(here)) {
    if (file === '.cache' || file === 'lab.ts') continue;
    link(join(here, file), join(folder, file));
  }
  cpSync(join(here, 'lab.ts'), join(folder, 'lab.ts'));
  // Packages that the other lab has fetched and checked.
  const fetched = join(here, '.cache', 'dist');
  for (const entry of existsSync(fetched) ? readdirSync(fetched) : []) {
    if (existsSync(join(fetched, entry, 'package')) && !existsSync(join(cache, entry)))
      link(join(fetched, entry), join(cache, entry));
  }
  const { prepareLab } = (await import(join(folder, 'lab.ts'))) as typeof import('./lab.ts');
  return { lab: prepareLab(), folder };
}
