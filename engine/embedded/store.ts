import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { decode, encode } from './codec.ts';
import { KINDS, type Kind, luidOf, type ObjectRecord, type ObjectStep } from './object-table.ts';

/** Something is wrong with the store's file. The message says what, where and what to do; the file was not changed. */
export class StoreError extends Error {
  readonly path: string;
  constructor(what: string, path: string, whatToDo: string) {
    super(`The filter store ${path} ${what}: ${whatToDo}.`);
    this.name = 'StoreError';
    this.path = path;
  }
}

/** "SLPT": tells our file from any other SQLite file. */
const APPLICATION_ID = 0x534c5054;
const SCHEMA_VERSION = 1;
const SCHEMA = `
  CREATE TABLE object (kind TEXT NOT NULL, key TEXT NOT NULL, luid INTEGER, boottime INTEGER NOT NULL, revision INTEGER NOT NULL,
    data TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
  CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO counter VALUES ('revision', 0), ('luid', 65536);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;
/** LUIDs are taken in blocks, so that an object that is not persistent costs no write to the disk. */
const LUID_BLOCK = 1024;

interface Row {
  readonly kind: string;
  readonly key: string;
  readonly boottime: number;
  readonly revision: number;
  readonly data: string;
}

const KEY_FIELD: { readonly [kind in Kind]: string } = {
  provider: 'providerKey',
  providerContext: 'providerContextKey',
  sublayer: 'subLayerKey',
  callout: 'calloutKey',
  filter: 'filterKey',
};

/** Whether what was read has what the engine relies on; a row that was tampered with must not fail somewhere deep inside. */
function isWhole(kind: Kind, key: string, object: unknown): boolean {
  const fields = object as Record<string, unknown> | null;
  if (typeof fields !== 'object' || fields === null || fields[KEY_FIELD[kind]] !== key || typeof fields['flags'] !== 'number')
    return false;
  if (typeof (fields['displayData'] as { name?: unknown } | undefined)?.name !== 'string') return false;
  if (kind === 'sublayer') return typeof fields['weight'] === 'number';
  if (kind !== 'filter') return true;
  const conditions = fields['filterCondition'];
  return (
    typeof fields['filterId'] === 'bigint' &&
    typeof fields['effectiveWeight'] === 'bigint' &&
    typeof (fields['action'] as { type?: unknown } | undefined)?.type === 'string' &&
    Array.isArray(conditions) &&
    conditions.every(
      one =>
        typeof one?.fieldKey === 'string' && typeof one.matchType === 'string' && typeof one.conditionValue?.type === 'string',
    )
  );
}

/** What changed in the file since it was last read: objects that are new or replaced, and the keys that are gone. */
export interface StoreDifference {
  readonly added: readonly ObjectRecord[];
  readonly deleted: readonly { readonly kind: Kind; readonly key: string }[];
}

const codeOf = (error: unknown): number => (error as { errcode?: number }).errcode ?? 0;
/** How long reading and opening wait for another process, in milliseconds; the lock for writing is waited for elsewhere, without blocking. */
const BUSY_TIMEOUT = 2000;
const BUSY = 5;
const LOCKED = 6;

/**
 * Persistent objects in a SQLite file that several processes may have open.
 *
 * WAL with synchronous=FULL: a transaction is on the disk, log written and flushed, before its commit returns, so neither kill -9 nor a
 * power loss takes away what was committed, as far as the disk keeps its own promise to have written. Half a transaction is never seen.
 */
export class Store {
  readonly #db: DatabaseSync;
  readonly #path: string;
  /** kind/key → revision at which the row was written. */
  readonly #known = new Map<string, number>();
  #revision = 0;
  #dataVersion = -1;
  #nextLuid = 0n;
  #lastLuid = 0n;
  #reservedInTransaction = false;

  constructor(path: string) {
    this.#path = path;
    let fresh = false;
    try {
      if (!existsSync(path)) {
        closeSync(openSync(path, 'wx', 0o600));
        fresh = true;
      }
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST')
        throw new StoreError(
          `cannot be made (${(error as { code?: string }).code})`,
          path,
          'check the folder and who may write there',
        );
    }
    let db: DatabaseSync | undefined;
    try {
      db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT });
      this.#check(db, fresh);
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
      this.#db = db;
    } catch (error) {
      db?.close();
      throw this.#explain(error);
    }
  }

  /** Says what an empty, foreign, newer or damaged file is before anything is written to it. */
  #check(db: DatabaseSync, fresh: boolean): void {
    const pragma = (name: string) => Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
    const empty = () => db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0;
    if (fresh || (pragma('application_id') === 0 && empty())) {
      db.exec('BEGIN IMMEDIATE');
      if (empty()) db.exec(SCHEMA);
      db.exec('COMMIT');
    }
    if (pragma('application_id') !== APPLICATION_ID)
      throw new StoreError('is not a filter store', this.#path, 'name another file or move this one away');
    if (pragma('user_version') > SCHEMA_VERSION)
      throw new StoreError('was written by a newer version', this.#path, 'run that version, or name another file');
  }

  #explain(error: unknown): unknown {
    if (error instanceof StoreError) return error;
    const code = codeOf(error) & 0xff;
    if (code === BUSY || code === LOCKED)
      return new StoreError('is locked by another process', this.#path, 'wait until it is done or end it, then try again');
    if (code === 11 || code === 26 || error instanceof SyntaxError)
      return new StoreError(
        'is damaged',
        this.#path,
        'move it away to start with an empty one, or restore a copy; it was left as it is',
      );
    if (code === 13) return new StoreError('cannot be written, the disk is full', this.#path, 'make room and try again');
    if (code === 8 || code === 14 || code === 3 || code === 23)
      return new StoreError('cannot be opened for writing', this.#path, 'check who owns it and its folder');
    if ((error as { code?: string }).code === 'ERR_SQLITE_ERROR')
      return new StoreError(
        `cannot be used (${(error as Error).message})`,
        this.#path,
        'check the file and the disk, which may be full',
      );
    return error;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** Takes the writer lock of all processes. False when another holds it. */
  tryBegin(): boolean {
    try {
      this.#db.exec('PRAGMA busy_timeout = 0; BEGIN IMMEDIATE;');
      this.#reservedInTransaction = false;
      return true;
    } catch (error) {
      if ((codeOf(error) & 0xff) === BUSY) return false;
      throw this.#explain(error);
    } finally {
      this.#db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`);
    }
  }

  /** A LUID that no other process gives out. Only between `tryBegin` and `commit` or `rollback`. */
  takeLuid(): bigint {
    if (this.#nextLuid === this.#lastLuid) {
      const sql = `UPDATE counter SET value = value + ${LUID_BLOCK} WHERE name = 'luid' RETURNING value`;
      this.#lastLuid = BigInt(Number(this.#guard(() => this.#db.prepare(sql).get()!['value'])));
      this.#nextLuid = this.#lastLuid - BigInt(LUID_BLOCK);
      this.#reservedInTransaction = true;
    }
    return this.#nextLuid++;
  }

  /** Writes the persistent ones among the steps and ends the transaction. */
  commit(steps: readonly ObjectStep[]): void {
    const written = steps.filter(({ record }) => record.lifetime === 'persistent' || record.lifetime === 'boottime');
    if (written.length === 0 && !this.#reservedInTransaction) {
      this.rollback();
      return;
    }
    const revision = this.#revision + 1;
    this.#guard(() => {
      const add = this.#db.prepare('INSERT INTO object (kind, key, luid, boottime, revision, data) VALUES (?, ?, ?, ?, ?, ?)');
      const remove = this.#db.prepare('DELETE FROM object WHERE kind = ? AND key = ?');
      for (const { change, record } of written) {
        const { kind, key, object, lifetime } = record;
        if (change === 'delete') remove.run(kind, key);
        else add.run(kind, key, luidOf(record) ?? null, lifetime === 'boottime' ? 1 : 0, revision, encode(object));
      }
      if (written.length > 0) this.#db.prepare("UPDATE counter SET value = ? WHERE name = 'revision'").run(revision);
      this.#db.exec('COMMIT');
    });
    this.#reservedInTransaction = false;
    if (written.length === 0) return;
    this.#revision = revision;
    for (const { change, record } of written) {
      if (change === 'delete') this.#known.delete(`${record.kind}/${record.key}`);
      else this.#known.set(`${record.kind}/${record.key}`, revision);
    }
  }

  rollback(): void {
    if (this.#reservedInTransaction) this.#nextLuid = this.#lastLuid = 0n;
    this.#reservedInTransaction = false;
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
  }

  /** Whether another process committed since `read` was last called. Cheap: no rows are read. */
  changedElsewhere(): boolean {
    const version = Number(this.#guard(() => this.#db.prepare('PRAGMA data_version').get()!['data_version']));
    if (version === this.#dataVersion) return false;
    this.#dataVersion = version;
    return (
      Number(this.#guard(() => this.#db.prepare("SELECT value FROM counter WHERE name = 'revision'").get()!['value'])) !==
      this.#revision
    );
  }

  /** Reads what is new since the last time; the first time, everything. */
  read(): StoreDifference {
    return this.#guard(() => {
      const own = !this.#db.isTransaction;
      if (own) this.#db.exec('BEGIN');
      try {
        this.#revision = Number(this.#db.prepare("SELECT value FROM counter WHERE name = 'revision'").get()!['value']);
        return this.#difference();
      } finally {
        if (own) this.#db.exec('COMMIT');
      }
    });
  }

  #difference(): StoreDifference {
    const added: ObjectRecord[] = [];
    const gone = new Set(this.#known.keys());
    const data = this.#db.prepare('SELECT boottime, data FROM object WHERE kind = ? AND key = ?');
    for (const row of this.#db.prepare('SELECT kind, key, revision FROM object ORDER BY luid').iterate()) {
      const { kind, key, revision } = row as unknown as Row;
      gone.delete(`${kind}/${key}`);
      if (this.#known.get(`${kind}/${key}`) === Number(revision)) continue;
      if (!KINDS.includes(kind as Kind)) throw new SyntaxError(`unknown kind ${kind}`);
      const { boottime, data: text } = data.get(kind, key) as unknown as Row;
      const object = decode(text) as ObjectRecord['object'];
      if (!isWhole(kind as Kind, key, object)) throw new SyntaxError(`not a ${kind}`);
      added.push({ kind: kind as Kind, key, object, lifetime: Number(boottime) === 1 ? 'boottime' : 'persistent' });
      this.#known.set(`${kind}/${key}`, Number(revision));
    }
    const deleted = [...gone].map(name => {
      this.#known.delete(name);
      const slash = name.indexOf('/');
      return { kind: name.slice(0, slash) as Kind, key: name.slice(slash + 1) };
    });
    return { added, deleted };
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}
