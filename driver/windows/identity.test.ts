import { describe, expect, test } from 'vitest';
import { drivePath } from './device-paths.ts';
import { createIdentifier, type IdentitySources } from './identity.ts';
import { type ProcessFacts, sidText } from './process-facts.ts';

const appId = '\\device\\harddiskvolume3\\tools\\curl.exe';
const drives = new Map([['\\device\\harddiskvolume3', 'C:']]);
const curl: ProcessFacts = {
  pid: 100,
  path: 'C:\\Tools\\curl.exe',
  commandLine: ['curl', 'example.org'],
  startTime: 3000,
  parentPid: 50,
  user: 'LAB\\anna',
};
const shell: ProcessFacts = { pid: 50, path: 'C:\\Windows\\cmd.exe', startTime: 2000, parentPid: 10 };

function identifier(processes: readonly ProcessFacts[], more: Partial<IdentitySources> = {}) {
  return createIdentifier(
    {
      process: pid => processes.find(one => one.pid === pid),
      drivePath: path => drivePath(path, drives),
      services: () => undefined,
      serviceOfTag: () => undefined,
      signer: async () => undefined,
      ...more,
    },
    { pathForm: 'drive' },
  );
}

describe('who asks', () => {
  test('the process with its parents, nearest first', () => {
    const identity = identifier([curl, shell])({ processId: 100, appId });
    expect(identity.path).toBe('C:\\Tools\\curl.exe');
    expect(identity.commandLine).toEqual(['curl', 'example.org']);
    expect(identity.parents.map(parent => parent.pid)).toEqual([50]);
    expect(identity).not.toHaveProperty('parentPid');
  });

  test('the path has the form that a rule needs unless asked otherwise', () => {
    const sources: IdentitySources = {
      process: () => curl,
      drivePath: path => drivePath(path, drives),
      services: () => undefined,
      serviceOfTag: () => undefined,
      signer: async () => undefined,
    };
    expect(createIdentifier(sources)({ processId: 100, appId })).toMatchObject({
      path: appId,
      commandLine: ['curl', 'example.org'],
    });
  });

  test('a process number that was given to another program tells nothing of the first', () => {
    const other = { ...curl, path: 'C:\\Windows\\notepad.exe' };
    expect(identifier([other, shell])({ processId: 100, appId })).toEqual({ pid: 100, path: 'C:\\tools\\curl.exe', parents: [] });
  });

  test('a parent that started after its child is no parent', () => {
    expect(identifier([curl, { ...shell, startTime: 4000 }])({ processId: 100, appId }).parents).toEqual([]);
  });

  test('a ring of parents ends', () => {
    const ring = [curl, { ...shell, parentPid: 100 }];
    expect(identifier(ring)({ processId: 100, appId }).parents.map(parent => parent.pid)).toEqual([50]);
  });

  test('a volume without letter keeps its device path, an unknown process its number', () => {
    expect(identifier([])({ processId: 7, appId: '\\device\\mup\\server\\x.exe' })).toEqual({
      pid: 7,
      path: '\\device\\mup\\server\\x.exe',
      parents: [],
    });
    expect(identifier([])({})).toEqual({ pid: 0, parents: [] });
  });

  test('a source that throws is "not known"', () => {
    const identify = identifier([], {
      process: () => {
        throw new Error('gone');
      },
    });
    expect(identify({ processId: 7 })).toEqual({ pid: 7, parents: [] });
  });

  test('the service of a svchost by its tag, else all of its services', () => {
    const host: ProcessFacts = { pid: 9, path: 'C:\\Windows\\System32\\svchost.exe', startTime: 1 };
    const services = () => ['Dnscache', 'NlaSvc'];
    const serviceOfTag = (_pid: number, tag: bigint) => (tag === 5n ? 'Dnscache' : undefined);
    const identify = identifier([host], { services, serviceOfTag });
    expect(identify({ processId: 9, subProcessTag: 5n }).services).toEqual(['Dnscache']);
    expect(identify({ processId: 9 }).services).toEqual(['Dnscache', 'NlaSvc']);
    expect(identifier([curl], { services })({ processId: 100, appId }).services).toBeUndefined();
  });

  test('the signer is there once it was verified', async () => {
    let verified: (name: string) => void = () => {};
    const signer = () =>
      new Promise<string>(resolve => {
        verified = resolve;
      });
    const identify = identifier([curl], { signer });
    expect(identify({ processId: 100, appId }).signer).toBeUndefined();
    verified('Example Ltd');
    await Promise.resolve();
    await Promise.resolve();
    expect(identify({ processId: 100, appId }).signer).toBe('Example Ltd');
  });
});

test('binary SIDs', () => {
  expect(sidText(Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0))).toBe('S-1-5-18');
  expect(sidText(Uint8Array.of(1, 2, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0))).toBeUndefined();
  expect(sidText(new Uint8Array(3))).toBeUndefined();
});
