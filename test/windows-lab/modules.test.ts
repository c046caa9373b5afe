import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requirement } from '../support/requirement.ts';
import { type Lab, labReady, ONCE_MORE, PROGRAM_LIMIT_MS, winePath } from './lab.ts';
import { prepareOwnLab } from './own-lab.ts';
import { type CaseReport, readReports } from './report.ts';

const ready = labReady();
const signs = requirement(
  'osslsigncode and openssl',
  ['osslsigncode', 'openssl'].every(command => spawnSync(command, ['--help']).status === 0),
  'apt-get install osslsigncode openssl (they sign a file for the test of signers)',
);
const LIMIT = 300_000;
let lab: Lab;

beforeAll(async () => {
  if (ready) ({ lab } = await prepareOwnLab('modules-lab'));
}, LIMIT);
afterAll(() => lab?.dispose());

async function passes(name: string, args: readonly string[] = []): Promise<readonly CaseReport[]> {
  const run = await lab.node(join(import.meta.dirname, `${name}-entry.ts`), { args, timeoutMs: PROGRAM_LIMIT_MS });
  const reports = readReports(run.stdout);
  if (run.code !== 0 || reports.some(report => report.error)) lab.restart();
  expect(reports.filter(report => report.error)).toEqual([]);
  expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
  return reports;
}

test.runIf(ready)(
  'connects are redirected to the proxy, never twice, and nothing is left when the client dies meanwhile',
  ONCE_MORE,
  async () => {
    expect((await passes('redirect')).length).toBeGreaterThan(12);
  },
);

test.runIf(ready)(
  'the first bytes of streams are told, the stream passes as it was, and contexts go with flow, module and client',
  ONCE_MORE,
  async () => {
    expect((await passes('stream')).length).toBeGreaterThan(8);
  },
);

/** A Windows program signed with a certificate made for it. */
function signedProgram(): Buffer {
  const file = (name: string) => join(lab.folder, name);
  const certificate = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=Sallyport Lab Signer'];
  const usage = ['-addext', 'extendedKeyUsage=codeSigning'];
  const quiet = { stdio: 'ignore' } as const;
  execFileSync('openssl', ['req', ...certificate, ...usage, '-keyout', file('key.pem'), '-out', file('cert.pem')], quiet);
  const [from, to] = [join(lab.system32, 'sc.exe'), file('signed.exe')];
  const sign = ['sign', '-certs', file('cert.pem'), '-key', file('key.pem'), '-h', 'sha256', '-in', from, '-out', to];
  execFileSync('osslsigncode', sign, quiet);
  return readFileSync(to);
}

test.runIf(ready && signs)(
  'services of a svchost process, and the signer of a program as long as nobody changes it',
  async () => {
    const program = signedProgram();
    program[0x1000]! ^= 0xff;
    writeFileSync(join(lab.folder, 'tampered.exe'), program);
    const reports = await passes(
      'identity',
      ['signed.exe', 'tampered.exe'].map(name => winePath(join(lab.folder, name))),
    );
    expect(reports.length).toBeGreaterThan(6);
  },
  LIMIT,
);
