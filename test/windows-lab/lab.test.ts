import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROGRAM_FILTER } from './fixtures.ts';
import { type Lab, labReady, ONCE_MORE, PROGRAM_LIMIT_MS, prepareLab, winePath } from './lab.ts';
import { readReports } from './report.ts';

const ready = labReady();
const LIMIT = 300_000;
let lab: Lab;

beforeAll(() => {
  if (ready) lab = prepareLab();
}, LIMIT);
afterAll(() => lab?.dispose());

const entry = (name: string) => join(import.meta.dirname, `${name}-entry.ts`);
let traces = 0;

interface Received {
  readonly lines: readonly Record<string, unknown>[];
  readonly names: readonly string[];
}

/** Runs one program under Wine; every case that it reports must have passed and no rule of the stand-in may be broken. */
async function passes(name: string, args: readonly string[] = [], env: Record<string, string> = {}): Promise<Received> {
  const trace = join(lab.folder, `trace-${traces++}`);
  const run = await lab.node(entry(name), {
    args,
    env: { SALLYPORT_LAB_TRACE: winePath(trace), ...env },
    timeoutMs: PROGRAM_LIMIT_MS,
  });
  const reports = readReports(run.stdout);
  if (run.code !== 0 || reports.some(report => report.error)) lab.restart();
  expect(reports.filter(report => report.error)).toEqual([]);
  expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
  expect(reports.length).toBeGreaterThan(0);
  const lines = existsSync(trace)
    ? readFileSync(trace, 'utf8')
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line) as Record<string, unknown>)
    : [];
  expect(lines.filter(line => 'violation' in line)).toEqual([]);
  return { lines, names: reports.map(report => report.name) };
}

test.runIf(ready)(
  'the Windows engine keeps the contract of FilterEngine',
  async () => {
    const { names } = await passes('contract');
    expect(names.length).toBeGreaterThan(30);
  },
  LIMIT,
);

test.runIf(ready)(
  'rules arrive as exact structures, outlive a restart and are taken away',
  async () => {
    const store = { SALLYPORT_LAB_STORE: winePath(join(lab.folder, 'store')) };
    const { lines } = await passes('engine', ['install'], store);
    const filter = lines.find(line => line['call'] === 'FwpmFilterAdd0' && line['key'] === PROGRAM_FILTER.filterKey);
    const app = Buffer.from('\\device\\harddiskvolume3\\curl.exe\0', 'utf16le').toString('hex');
    expect(filter).toMatchObject({
      error: 0,
      name: 'curl to one network',
      flags: 1,
      layerKey: PROGRAM_FILTER.layerKey,
      subLayerKey: PROGRAM_FILTER.subLayerKey,
      providerKey: PROGRAM_FILTER.providerKey,
      providerData: '0102feff',
      weight: { type: 4, value: '9223372036854775809' },
      action: { type: 0x1002 },
      conditions: [
        { matchType: 0, value: { type: 12, value: app } },
        { matchType: 0, value: { type: 14 } },
        { matchType: 0, value: { type: 0x100, value: [0xcb007100, 0xffffff00] } },
        {
          matchType: 5,
          value: {
            type: 0x102,
            value: [
              { type: 2, value: 440 },
              { type: 2, value: 450 },
            ],
          },
        },
        { matchType: 0, value: { type: 1, value: 6 } },
      ],
    });
    await passes('engine', ['readBack'], store);
  },
  LIMIT,
);

test.runIf(ready)(
  'a stopped Base Filtering Engine is told in one sentence',
  () => passes('engine', ['stopped'], { SALLYPORT_LAB_STOPPED: '1' }),
  LIMIT,
);

test.runIf(ready)('subscriptions, large enumerations and application ids', () => passes('engine', ['changes']), LIMIT);

test.runIf(ready)(
  'net events, and asking after the drop where there is no driver',
  async () => {
    await passes('engine', ['netEvents']);
    await passes('engine', ['netEventMode']);
  },
  LIMIT,
);

test.runIf(ready)(
  'the real driver holds, answers, times out, survives its clients and leaves nothing behind',
  ONCE_MORE,
  async () => {
    const { names } = await passes('driver');
    expect(names.length).toBeGreaterThan(15);
  },
);

test.runIf(ready)('the guard in line mode: asked, answered, kept over a restart', ONCE_MORE, async () => {
  const store = { SALLYPORT_LAB_STORE: winePath(join(lab.folder, `guard-store-${traces}`)) };
  const home = winePath(join(lab.folder, `guard-home-${traces}`));
  mkdirSync(join(lab.folder, `guard-home-${traces}`));
  await passes('guard', ['make', home], store);
  await passes('guard', ['find', home], store);
});

test.runIf(ready)(
  'the program: guard, rules, doctor and the others as commands, with the driver and without',
  ONCE_MORE,
  async () => {
    const store = winePath(join(lab.folder, `command-store-${traces}`));
    const env = {
      SALLYPORT_LAB_ONE_ENGINE: '1',
      SALLYPORT_LAB_STORE: store,
      SALLYPORT_HOME: winePath(join(lab.folder, `home-${traces}`)),
    };
    const { names } = await passes('command', [lab.program(), winePath(lab.folder), store], env);
    expect(names.length).toBe(11);
  },
);

test.runIf(ready)("guards that begin and end in one another's way, or without the service", ONCE_MORE, async () => {
  const store = winePath(join(lab.folder, `endings-store-${traces}`));
  const home = winePath(join(lab.folder, `endings-home-${traces}`));
  const env = { SALLYPORT_LAB_ONE_ENGINE: '1', SALLYPORT_LAB_STORE: store, SALLYPORT_HOME: home };
  const { names } = await passes('endings', [lab.program(), winePath(lab.folder), store, home], env);
  expect(names.length).toBe(5);
});

test.runIf(ready)('both halves connected: filters of the engine decide whom the kernel asks', ONCE_MORE, async () => {
  const home = winePath(join(lab.folder, `connected-home-${traces}`));
  const env = {
    SALLYPORT_LAB_KERNEL: '1',
    SALLYPORT_LAB_ONE_ENGINE: '1',
    SALLYPORT_LAB_STORE: winePath(join(lab.folder, `connected-store-${traces}`)),
    SALLYPORT_HOME: home,
  };
  const { names } = await passes('connected', [lab.program(), winePath(lab.folder), home], env);
  expect(names.length).toBe(12);
});

test.runIf(ready)('who asks, from a real Windows process', () => passes('identity'), LIMIT);
