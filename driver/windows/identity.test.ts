import { describe, expect, test } from 'vitest';
import { drivePath } from './device-paths.ts';
import { createIdentifier, type IdentitySources } from './identity.ts';
import { type ProcessFacts, processStartTime, sidText } from './process-facts.ts';

const appId = '\\device\\harddiskvolume3\\tools\\curl.exe';
const drives = new Map([['C:', '\\Device\\HarddiskVolume3']]);
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
  return createIdentifier({
    process: pid => processes.find(one => one.pid === pid),
    drivePath: path => drivePath(path, drives),
    services: () => undefined,
    serviceOfTag: () => undefined,
    signer: async () => undefined,
    file: () => ({ mark: 'one', changedAt: 0 }),
    ...more,
  });
}

describe('who asks', () => {
  test('the process with its parents, nearest first', () => {
    const identity = identifier([curl, shell])({ processId: 100, appId });
    expect(identity.path).toBe('C:\\Tools\\curl.exe');
    expect(identity.appId).toBe(appId);
    expect(identity.commandLine).toEqual(['curl', 'example.org']);
    expect(identity.parents.map(parent => parent.pid)).toEqual([50]);
    expect(identity).not.toHaveProperty('parentPid');
  });

  test('a process number that was given to another program tells nothing of the first', () => {
    const other = { ...curl, path: 'C:\\Windows\\notepad.exe' };
    expect(identifier([other, shell])({ processId: 100, appId })).toEqual({
      pid: 100,
      path: 'C:\\tools\\curl.exe',
      appId,
      parents: [],
    });
  });

  test('a parent that started after its child is no parent', () => {
    expect(identifier([curl, { ...shell, startTime: 4000 }])({ processId: 100, appId }).parents).toEqual([]);
  });

  test('a ring of parents ends', () => {
    const ring = [curl, { ...shell, parentPid: 100 }];
    expect(identifier(ring)({ processId: 100, appId }).parents.map(parent => parent.pid)).toEqual([50]);
  });

  test('a volume without letter keeps its device path, an unknown process its number', () => {
    const volume = '\\device\\harddiskvolume7\\x.exe';
    expect(identifier([])({ processId: 7, appId: volume })).toEqual({
      pid: 7,
      path: volume,
      appId: volume,
      parents: [],
    });
    expect(identifier([])({})).toEqual({ pid: 0, parents: [] });
  });

  test.each([
    'process',
    'drivePath',
    'services',
    'serviceOfTag',
    'signer',
    'file',
  ] as const)('what cannot be said of the %s is "not known", the rest is said', source => {
    const host: ProcessFacts = { pid: 9, path: 'C:\\Windows\\svchost.exe', startTime: 1 };
    const identify = identifier([host], {
      services: () => ['Dnscache'],
      signer: async () => 'Microsoft',
      [source]: () => {
        throw new Error('gone');
      },
    });
    const device = '\\device\\harddiskvolume3\\windows\\svchost.exe';
    const identity = identify({ processId: 9, appId: device, subProcessTag: 5n });
    expect(identity).toMatchObject({ pid: 9, appId: device, parents: [] });
    expect(identity.path?.toLowerCase()).toBe(source === 'drivePath' ? device : 'c:\\windows\\svchost.exe');
    // Where the driver's path has no drive, it cannot be told whether the process is the one that asked.
    expect(identity.startTime).toBe(source === 'process' || source === 'drivePath' ? undefined : 1);
    expect(identity.services).toEqual(source === 'services' ? undefined : ['Dnscache']);
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

test('the signer is that of the file that runs, or not known', async () => {
  const verified: string[] = [];
  let file: { mark: string; changedAt: number } | undefined = { mark: 'one', changedAt: 1000 };
  const identify = identifier([curl], {
    file: () => file,
    signer: async () => {
      verified.push(file?.mark ?? 'none');
      return `signer of ${file?.mark}`;
    },
  });
  const asked = async () => {
    identify({ processId: 100, appId });
    await new Promise(resolve => setImmediate(resolve));
    return identify({ processId: 100, appId }).signer;
  };
  expect(await asked()).toBe('signer of one');
  file = { mark: 'two', changedAt: 2000 };
  expect(await asked()).toBe('signer of two');
  file = { mark: 'three', changedAt: 3001 };
  expect(await asked()).toBeUndefined();
  file = undefined;
  expect(await asked()).toBeUndefined();
  expect(verified).toEqual(['one', 'two']);
});

test('a file that is put in place of another while it is verified has no signer', async () => {
  let mark = 'one';
  const identify = identifier([curl], {
    file: () => ({ mark, changedAt: 0 }),
    signer: async () => {
      mark = 'two';
      return 'somebody';
    },
  });
  identify({ processId: 100, appId });
  await new Promise(resolve => setImmediate(resolve));
  mark = 'one';
  expect(identify({ processId: 100, appId }).signer).toBeUndefined();
});

test('binary SIDs', () => {
  expect(sidText(Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0))).toBe('S-1-5-18');
  expect(sidText(Uint8Array.of(1, 2, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0))).toBeUndefined();
  expect(sidText(new Uint8Array(3))).toBeUndefined();
});

describe('when a process began', () => {
  type Calls = NonNullable<Parameters<typeof processStartTime>[1]>;
  function calls(opened: bigint | null, error: number, timed = 1) {
    const closed: bigint[] = [];
    const fake = {
      OpenProcess: () => opened,
      GetLastError: () => error,
      GetProcessTimes: (_handle: bigint, creation: Buffer) => {
        creation.writeBigUInt64LE(116_444_736_000_000_000n + 12_340_000n);
        return timed;
      },
      CloseHandle: (handle: bigint) => closed.push(handle),
    } as unknown as Calls;
    return { fake, closed };
  }

  test('of one that can be opened, and the handle is closed', () => {
    const { fake, closed } = calls(88n, 0);
    expect(processStartTime(100, fake)).toBe(1234);
    expect(closed).toEqual([88n]);
  });

  test('gone only when Windows says that there is none', () => {
    expect(processStartTime(100, calls(null, 87).fake)).toBe('gone');
    expect(processStartTime(100, calls(null, 5).fake)).toBeUndefined();
    expect(processStartTime(0, calls(null, 87).fake)).toBeUndefined();
    expect(processStartTime(-1, calls(null, 87).fake)).toBeUndefined();
  });

  test('a process that tells no time is closed all the same', () => {
    const { fake, closed } = calls(88n, 0, 0);
    expect(processStartTime(100, fake)).toBeUndefined();
    expect(closed).toEqual([88n]);
  });
});
