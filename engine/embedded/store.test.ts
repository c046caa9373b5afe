import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LAYER_KEY } from '../model/keys.ts';
import { FILTER_FLAG } from '../model/objects.ts';
import { EmbeddedEngine, StoreError } from './engine.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-store-'));
  path = join(folder, 'filters.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

function openError(at = path): StoreError {
  try {
    EmbeddedEngine.open({ path: at }).close();
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError);
    return error as StoreError;
  }
  throw new Error('the store opened');
}

/** One sentence that says what, where and what to do. */
function expectSentence({ message }: StoreError, what: RegExp, at = path): void {
  expect(message).toMatch(what);
  expect(message).toContain(at);
  expect(message).toMatch(/: .+\.$/);
  expect(message).not.toContain('\n');
}

async function fill(count: number): Promise<void> {
  const engine = EmbeddedEngine.open({ path });
  const session = engine.openSession();
  await session.transaction(async () => {
    for (let number = 0; number < count; number++) {
      await session.filterAdd({
        displayData: { name: `filter ${number}` },
        layerKey: LAYER_KEY.ALE_AUTH_CONNECT_V4,
        flags: FILTER_FLAG.PERSISTENT,
        filterCondition: [],
        action: { type: 'FWP_ACTION_PERMIT' },
      });
    }
  });
  engine.close();
}

describe('a store that cannot be used is told in one sentence and left as it is', () => {
  test('a file that is no database', () => {
    writeFileSync(path, 'this is not a database, but it is long enough to look at. '.repeat(50));
    const before = readFileSync(path);
    expectSentence(openError(), /is damaged/);
    expect(readFileSync(path)).toEqual(before);
  });

  test('a database of something else', () => {
    const db = new DatabaseSync(path);
    db.exec('CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)');
    db.close();
    const before = readFileSync(path);
    expectSentence(openError(), /is not a filter store/);
    expect(readFileSync(path)).toEqual(before);
  });

  test('a store of a newer version', async () => {
    await fill(1);
    const db = new DatabaseSync(path);
    db.exec('PRAGMA user_version = 99');
    db.close();
    const before = readFileSync(path);
    expectSentence(openError(), /newer version/);
    expect(readFileSync(path)).toEqual(before);
  });

  test('a store that was cut short', async () => {
    await fill(200);
    truncateSync(path, 16_384);
    const before = readFileSync(path);
    expectSentence(openError(), /is damaged/);
    expect(readFileSync(path)).toEqual(before);
  });

  test.each([
    '{"filterKey":',
    '{}',
    '[]',
    'null',
    '{"filterKey":"x","displayData":{"name":"x"},"flags":1}',
  ])('a row that is %s', async text => {
    await fill(1);
    const db = new DatabaseSync(path);
    db.prepare("UPDATE object SET data = ? WHERE kind = 'filter'").run(text);
    db.close();
    expectSentence(openError(), /is damaged/);
  });

  test('a store that another program holds locked', async () => {
    await fill(1);
    const db = new DatabaseSync(path);
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
    expectSentence(openError(), /is locked by another process/);
    db.close();
    EmbeddedEngine.open({ path }).close();
  });

  test('a folder that is not there, and one in the place of the file', () => {
    const lost = join(folder, 'nowhere', 'filters.db');
    expectSentence(openError(lost), /cannot be made \(ENOENT\)/, lost);
    mkdirSync(path);
    expectSentence(openError(), /cannot be opened/);
  });
});

test('an empty file becomes a store', async () => {
  writeFileSync(path, '');
  await fill(3);
  const engine = EmbeddedEngine.open({ path });
  expect(await engine.openSession().filterEnum()).toHaveLength(3);
  engine.close();
});

test('a disk that is full costs the transaction, not what was there before', async () => {
  await fill(1);
  const engine = EmbeddedEngine.open({ path });
  const session = engine.openSession();
  const db = new DatabaseSync(path);
  db.exec("CREATE TRIGGER full BEFORE INSERT ON object BEGIN SELECT raise(ABORT, 'full'); END");
  db.close();
  const filter = {
    displayData: { name: 'one more' },
    layerKey: LAYER_KEY.ALE_AUTH_CONNECT_V4,
    flags: FILTER_FLAG.PERSISTENT,
    filterCondition: [],
    action: { type: 'FWP_ACTION_BLOCK' },
  } as const;
  await expect(session.filterAdd(filter)).rejects.toBeInstanceOf(StoreError);
  expect(engine.classify(LAYER_KEY.ALE_AUTH_CONNECT_V4, {}).action).toBe('permit');
  expect(await session.filterEnum()).toHaveLength(1);
  const other = new DatabaseSync(path);
  other.exec('DROP TRIGGER full');
  other.close();
  await session.filterAdd(filter);
  expect(engine.classify(LAYER_KEY.ALE_AUTH_CONNECT_V4, {}).action).toBe('permit');
  expect(await session.filterEnum()).toHaveLength(2);
  engine.close();
});
