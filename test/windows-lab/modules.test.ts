import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, labReady } from './lab.ts';
import { prepareOwnLab } from './own-lab.ts';
import { type CaseReport, readReports } from './report.ts';

const ready = labReady();
const LIMIT = 300_000;
let lab: Lab;

beforeAll(async () => {
  if (ready) ({ lab } = await prepareOwnLab('modules-lab'));
}, LIMIT);
afterAll(() => lab?.dispose());

/** Cases that start so describe what the driver does not do yet; one that passes is to lose its `wanted:`. */
const wanted = (report: CaseReport): boolean => report.name.startsWith('wanted:');

async function passes(name: string): Promise<readonly CaseReport[]> {
  const run = await lab.node(join(import.meta.dirname, `${name}-entry.ts`), { timeoutMs: LIMIT });
  const reports = readReports(run.stdout);
  expect(reports.filter(report => report.error && !wanted(report))).toEqual([]);
  expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
  expect(reports.filter(report => wanted(report) && !report.error)).toEqual([]);
  return reports;
}

test.runIf(ready)(
  'connects are redirected to the proxy, never twice, and nothing is left when the client dies meanwhile',
  async () => {
    expect((await passes('redirect')).length).toBeGreaterThan(12);
  },
  LIMIT,
);

test.runIf(ready)(
  'the first bytes of streams are told, the stream passes as it was, and contexts go with flow, module and client',
  async () => {
    expect((await passes('stream')).length).toBeGreaterThan(8);
  },
  LIMIT,
);
