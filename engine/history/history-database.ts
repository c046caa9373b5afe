import { chmodSync, closeSync, existsSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ConnectionAttempt } from '../model/attempt.ts';
import { type HistoryEntry, HistoryError, type HistoryReason } from './history-entry.ts';

const VERSION = 1;

/** `attempt` and `why` are JSON; the columns beside them are what queries look for. */
const SCHEMA = `
  CREATE TABLE entry (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    app TEXT,
    verdict TEXT NOT NULL,
    filter_id TEXT,
    rule_id TEXT,
    waited INTEGER NOT NULL,
    result TEXT,
    why TEXT NOT NULL,
    attempt TEXT NOT NULL
  ) STRICT;
  CREATE INDEX entry_at ON entry (at);
  CREATE TABLE counter (next INTEGER NOT NULL) STRICT;
  INSERT INTO counter VALUES (1);
  PRAGMA user_version = ${VERSION};
`;

const codeOf = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 255 : undefined;

/** SQLITE_BUSY, SQLITE_LOCKED */
const isLocked = (error: unknown): boolean => codeOf(error) === 5 || codeOf(error) === 6;
/** SQLITE_CORRUPT, SQLITE_NOTADB */
const isCorrupt = (error: unknown): boolean => codeOf(error) === 11 || codeOf(error) === 26;

function sentence(path: string, error: unknown): HistoryError {
  if (error instanceof HistoryError) return error;
  if (isLocked(error)) return new HistoryError(`History in ${path} is locked by another program. Try again when that has ended.`);
  if (isCorrupt(error)) {
    return new HistoryError(
      `History in ${path} is damaged. The next guarded run moves it aside and begins a new one; or move it away yourself.`,
    );
  }
  return new HistoryError(`History in ${path} cannot be used: ${error instanceof Error ? error.message : String(error)}.`);
}

const versionOf = (database: DatabaseSync): number =>
  Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);

/** Tables without a version of ours belong to another program. The version comes with our tables, so it is read after them. */
function mustNotBeForeign(database: DatabaseSync, path: string): void {
  const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'];
  if (tables === 0 || versionOf(database) > 0) return;
  throw new HistoryError(`${path} is not a history of Sallyport. Move it away, or use another SALLYPORT_HOME.`);
}

function prepare(database: DatabaseSync, path: string): void {
  database.exec('PRAGMA busy_timeout = 2000');
  mustNotBeForeign(database, path);
  const version = versionOf(database);
  if (version > VERSION)
    throw new HistoryError(`History in ${path} was written by a newer Sallyport. Use that one, or another SALLYPORT_HOME.`);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  if (version === VERSION) {
    database.prepare('SELECT next FROM counter').get();
    return;
  }
  database.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have made the tables while this one waited for the lock.
    if (versionOf(database) === 0) database.exec(SCHEMA);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

function tryOpen(path: string): DatabaseSync {
  // SQLite gives its -wal and -shm files the mode of the database.
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  const database = new DatabaseSync(path);
  try {
    prepare(database, path);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Moves a damaged database with its companions aside; nothing is deleted. Gives the new path. */
function moveAside(path: string, now: number): string {
  const aside = `${path}.damaged-${new Date(now).toISOString().replace(/[:.]/g, '-')}`;
  for (const suffix of ['', '-wal', '-shm']) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  return aside;
}

/**
 * Opens the database for writing, mode 0600, makes it when it is not there. A damaged one is moved aside (`aside` is its new path) and a
 * new one begun.
 * @throws HistoryError when it is locked, newer, or cannot be made
 */
export function openDatabase(path: string, now: number): { readonly database: DatabaseSync; readonly aside?: string } {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    try {
      return { database: tryOpen(path) };
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      const aside = moveAside(path, now);
      return { database: tryOpen(path), aside };
    }
  } catch (error) {
    throw sentence(path, error);
  }
}

/** Opens the database for reading; undefined when there is none. Never changes anything. */
export function openForReading(path: string): DatabaseSync | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    database.exec('PRAGMA busy_timeout = 2000');
    mustNotBeForeign(database, path);
    const version = versionOf(database);
    if (version <= VERSION) return version === 0 ? undefined : database;
    throw new HistoryError(`History in ${path} was written by a newer Sallyport. Use that one, or another SALLYPORT_HOME.`);
  } catch (error) {
    throw sentence(path, error);
  }
}

/** Runs work on the database; what goes wrong becomes a sentence about the file. */
export function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw sentence(path, error);
  }
}

/** A row as an entry. */
export function entryOfRow(row: { readonly [column: string]: unknown }): HistoryEntry {
  const optional = (name: string, column: string) => (row[column] === null ? {} : { [name]: String(row[column]) });
  return {
    seq: Number(row['seq']),
    at: Number(row['at']),
    attempt: JSON.parse(String(row['attempt'])) as ConnectionAttempt,
    verdict: String(row['verdict']) as HistoryEntry['verdict'],
    by: JSON.parse(String(row['why'])) as HistoryReason,
    waited: Number(row['waited']),
    ...optional('filterId', 'filter_id'),
    ...optional('result', 'result'),
    ...optional('ruleId', 'rule_id'),
  };
}
