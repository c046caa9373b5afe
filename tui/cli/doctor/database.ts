import { accessSync, constants, existsSync } from 'node:fs';

export interface DatabaseFacts {
  readonly path: string;
  /** `busy`: another process holds it, so nothing is known. */
  readonly state: 'absent' | 'ok' | 'unreadable' | 'unwritable' | 'damaged' | 'busy';
  /** What SQLite said, for `damaged` and `unreadable`. */
  readonly detail?: string;
}

/** Primary result codes of SQLite. Source: https://sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** Looks at an SQLite file without changing it: may it be read and written, and are its pages in order. */
export async function checkDatabase(path: string): Promise<DatabaseFacts> {
  try {
    if (!existsSync(path)) return { path, state: 'absent' };
    accessSync(path, constants.R_OK);
  } catch (error) {
    return { path, state: 'unreadable', detail: (error as NodeJS.ErrnoException).code ?? 'unknown error' };
  }
  try {
    accessSync(path, constants.W_OK);
  } catch {
    return { path, state: 'unwritable' };
  }
  const { DatabaseSync } = await import('node:sqlite');
  try {
    const database = new DatabaseSync(path, { readOnly: true, timeout: 1000 });
    try {
      const answer = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
      return answer === 'ok' ? { path, state: 'ok' } : { path, state: 'damaged', detail: String(answer).slice(0, 200) };
    } finally {
      database.close();
    }
  } catch (error) {
    const { errcode = 0, message } = error as Error & { errcode?: number };
    const code = errcode & 0xff; // the low byte of an extended result code
    if (code === SQLITE_BUSY || code === SQLITE_LOCKED) return { path, state: 'busy' };
    const state = code === SQLITE_CORRUPT || code === SQLITE_NOTADB ? 'damaged' : 'unreadable';
    return { path, state, detail: message.slice(0, 200) };
  }
}
