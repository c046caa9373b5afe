import { expect, test } from 'vitest';
import { EmbeddedEngine } from '../embedded/engine.ts';
import { newGuid } from '../model/guid.ts';
import { attemptValues } from './attempt-values.ts';
import { installProvider } from './base.ts';
import { movedPrograms, renewPrograms } from './moved-programs.ts';
import { readRules } from './read-rules.ts';
import type { Rule } from './rule.ts';
import { RuleError } from './rule-error.ts';
import { covers, sameScope } from './scope.ts';
import { writeRules } from './write-rules.ts';

const rule = (app: string, more: Partial<Rule> = {}): Rule => ({
  id: newGuid(),
  verdict: 'block',
  scope: { app, remote: { kind: 'any' }, direction: 'out' },
  lifetime: { kind: 'permanent' },
  enabled: true,
  origin: 'command',
  createdAt: 1,
  ...more,
});

async function machine() {
  const embedded = EmbeddedEngine.open({});
  const engine = await embedded.openSession({});
  await installProvider(engine);
  const drives = new Map([
    ['C:', '\\device\\harddiskvolume3'],
    ['D:', '\\device\\harddiskvolume5'],
  ]);
  const appIdOf = (path: string) => {
    const device = drives.get(path.slice(0, 2));
    if (device === undefined) throw new RuleError(`There is no drive ${path.slice(0, 2)}.`);
    return `${device}${path.slice(2)}`.toLowerCase();
  };
  const decides = (appId: string) =>
    attemptValues({
      id: 1,
      layer: 'ALE_AUTH_CONNECT',
      family: 'v4',
      protocol: 6,
      remote: { address: '203.0.113.9', port: 443 },
      identity: { pid: 1, path: 'C:\\whatever.exe', appId, parents: [] },
      names: [],
      at: 0,
    }).map(({ layerKey, values }) => embedded.classify(layerKey, values).action)[0];
  return { store: { engine, appIdOf }, drives, decides };
}

test('a volume that got another number: the same rule, filters of today', async () => {
  const { store, drives, decides } = await machine();
  const curl = rule('C:\\Tools\\Curl.exe');
  const stays = rule('D:\\x.exe', { createdAt: 2 });
  await writeRules(store, [], { put: [curl, stays] });
  expect(await movedPrograms(store)).toEqual({ moved: [], lost: [] });
  drives.set('C:', '\\device\\harddiskvolume4');
  expect(decides('\\device\\harddiskvolume4\\tools\\curl.exe')).not.toBe('block');
  expect((await renewPrograms(store)).moved.map(one => one.id)).toEqual([curl.id]);
  expect(decides('\\device\\harddiskvolume4\\tools\\curl.exe')).toBe('block');
  expect(decides('\\device\\harddiskvolume3\\tools\\curl.exe')).not.toBe('block');
  expect(decides('\\device\\harddiskvolume5\\x.exe')).toBe('block');
  expect((await readRules(store.engine)).rules).toEqual([curl, stays]);
  expect(await renewPrograms(store)).toEqual({ moved: [], lost: [] });
});

test('a drive that is not there: told, and its filters stay; a new rule for it is refused', async () => {
  const { store, drives, decides } = await machine();
  const away = rule('D:\\x.exe');
  await writeRules(store, [], { put: [away, rule('D:\\off.exe', { enabled: false })] });
  drives.delete('D:');
  expect(await renewPrograms(store)).toEqual({ moved: [], lost: [away] });
  expect(decides('\\device\\harddiskvolume5\\x.exe')).toBe('block');
  await expect(writeRules(store, [], { put: [rule('D:\\y.exe')] })).rejects.toThrow(RuleError);
  expect((await readRules(store.engine)).rules).toHaveLength(2);
});

test('programs on Windows are the same in any case, elsewhere not', () => {
  const scope = (app: string) => rule(app).scope;
  expect(sameScope(scope('C:\\A.exe'), scope('c:\\a.EXE'))).toBe(true);
  expect(sameScope(scope('\\\\Server\\a.exe'), scope('\\\\server\\a.exe'))).toBe(true);
  expect(sameScope(scope('/usr/bin/A'), scope('/usr/bin/a'))).toBe(false);
  const asks = (path: string, appId?: string) =>
    ({
      id: 1,
      layer: 'ALE_AUTH_CONNECT',
      family: 'v4',
      protocol: 6,
      remote: { address: '203.0.113.9', port: 443 },
      identity: { pid: 1, path, ...(appId && { appId }), parents: [] },
      names: [],
      at: 0,
    }) as const;
  expect(covers(scope('C:\\A.exe'), asks('c:\\a.exe'))).toBe(true);
  expect(covers(scope('\\Device\\HarddiskVolume3\\a.exe'), asks('C:\\A.exe', '\\device\\harddiskvolume3\\a.exe'))).toBe(true);
  expect(covers(scope('C:\\B.exe'), asks('C:\\A.exe', '\\device\\harddiskvolume3\\a.exe'))).toBe(false);
  expect(covers(scope('/usr/bin/A'), asks('/usr/bin/a'))).toBe(false);
});
