import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Paths } from './paths.ts';

/** Who runs this; undefined where the platform has no such number. */
export type Uid = number | undefined;
export const ownUid = (): Uid => process.getuid?.();

/**
 * Why a file or folder cannot be trusted: it belongs to somebody else than this user or root, or others may write to it.
 * Undefined: it can, or it is not there.
 */
export function mistrust(path: string, uid: Uid = ownUid()): string | undefined {
  if (uid === undefined) return undefined;
  const facts = statSync(path, { throwIfNoEntry: false });
  if (!facts) return undefined;
  if (facts.uid !== uid && facts.uid !== 0)
    return `${path} belongs to another user (id ${facts.uid}): give it to yourself with chown`;
  if ((facts.mode & 0o022) !== 0) return `${path} may be written by others: chmod go-w ${path}`;
  return undefined;
}

/** What is wrong with a folder that is there: not ours, writable by others, or not by us. The mode is never changed. */
function existingFolder(path: string, uid: Uid): string | undefined {
  const facts = statSync(path);
  if (!facts.isDirectory()) return inTheWay(path);
  if (uid !== undefined && facts.uid !== uid) {
    return `${path} belongs to another user (id ${facts.uid}): run as that user, or set SALLYPORT_HOME to a folder of your own.`;
  }
  if (uid !== undefined && (facts.mode & 0o022) !== 0) {
    return `${path} may be written by others: chmod go-w ${path}, or set SALLYPORT_HOME to another folder.`;
  }
  accessSync(path, constants.W_OK | constants.X_OK);
  return undefined;
}

const impossible = (path: string, why: string) =>
  `the folder ${path} cannot be made or written, ${why}: set SALLYPORT_HOME to a folder you can write.`;
const inTheWay = (path: string) => impossible(path, 'a file is in its way');

function because(path: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  if (code === 'EEXIST' || code === 'ENOTDIR') return inTheWay(path);
  return impossible(path, code === 'EROFS' ? 'the file system is read-only' : `no permission (${code})`);
}

/**
 * Makes a folder of mode 0700 with what leads to it, or checks the one that is there: ours, and writable by us alone.
 * The mode of a folder that is there is never changed: SALLYPORT_HOME might name somebody's home.
 * @returns a sentence when it cannot be used
 */
export function privateFolder(path: string, uid: Uid = ownUid()): string | undefined {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return existingFolder(path, uid);
  } catch (error) {
    return because(path, error);
  }
}

/**
 * Whether `privateFolder` would succeed, without making anything.
 * @returns a sentence when it would not
 */
export function lookAtFolder(path: string, uid: Uid = ownUid()): string | undefined {
  try {
    if (existsSync(path)) return existingFolder(path, uid);
    let parent = dirname(path);
    while (!existsSync(parent)) parent = dirname(parent);
    if (!statSync(parent).isDirectory()) return inTheWay(path);
    accessSync(parent, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return because(path, error);
  }
}

const foldersOf = (where: Paths) => new Set([where.home, dirname(where.settings), where.cache]);

/**
 * Makes every folder that Sallyport writes to.
 * @returns a sentence when one cannot be used
 */
export function ensureFolders(where: Paths, uid: Uid = ownUid()): string | undefined {
  for (const folder of foldersOf(where)) {
    const problem = privateFolder(folder, uid);
    if (problem) return problem;
  }
  return undefined;
}

/** Whether `ensureFolders` would succeed, without making anything. */
export function lookAtFolders(where: Paths, uid: Uid = ownUid()): string | undefined {
  for (const folder of foldersOf(where)) {
    const problem = lookAtFolder(folder, uid);
    if (problem) return problem;
  }
  return undefined;
}
