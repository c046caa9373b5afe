import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { appXml, filtersXml, stateXml } from '../../../engine/dumps/dump-fixture.ts';
import { INSPECT_COMMANDS } from './commands.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-inspect-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

async function run(name: string, args: readonly string[], stdin = ''): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const body = await INSPECT_COMMANDS[name]!();
  const code = await body(args, {
    stdout: { write: text => out.push(text) },
    stderr: { write: text => err.push(text) },
    stdin: (async function* () {
      yield Buffer.from(stdin);
    })(),
    env: {},
  });
  return { code, out: out.join(''), err: err.join('') };
}

const filters = [
  {
    id: 5,
    name: 'no web\u202e',
    action: 'BLOCK',
    weight: 9n,
    conditions: [
      ['IP_REMOTE_PORT', 'EQUAL', 'FWP_UINT16', '80'],
      ['ALE_APP_ID', 'EQUAL', 'FWP_BYTE_BLOB_TYPE', appXml('\\device\\harddiskvolume3\\web.exe')],
    ],
  },
  { id: 6, name: 'tout le reste', layer: 'ALE_AUTH_CONNECT_V6' },
] as const;
const good = file('good.xml', filtersXml(filters));
const cut = file('cut.xml', filtersXml(filters).slice(0, -400));

describe('inspect', () => {
  test('JSON', async () => {
    const { code, out, err } = await run('inspect', [good, '--json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toMatchObject({
      kind: 'filters',
      complete: true,
      counts: { filters: 2, conditions: 2 },
      byAction: { block: 1, permit: 1 },
      byLayer: { ALE_AUTH_CONNECT_V4: 1, ALE_AUTH_CONNECT_V6: 1 },
    });
  });
  test('standard input', async () => expect((await run('inspect', ['-', '--json'], readFileSync(good, 'utf8'))).code).toBe(0));
  test('a damaged file: message with place, what could be read, exit code 1', async () => {
    const { code, out, err } = await run('inspect', [cut, '--json']);
    expect(code).toBe(1);
    expect(err).toMatch(/cut\.xml:\d+:\d+: the file ends before .* truncated/);
    expect(JSON.parse(out)).toMatchObject({ complete: false, counts: { filters: 1 } });
  });
  test.each([
    ['no such file', [join(folder, 'none')], 1, /cannot be read: there is no such file/],
    ['a directory', [folder], 1, /it is a directory/],
    ['no file', [], 2, /needs a FILE/],
    ['an unknown option', ['--nope'], 2, /unknown option --nope/],
  ])('%s', async (_, args, code, message) => {
    const result = await run('inspect', args);
    expect(result.code).toBe(code);
    expect(result.err).toMatch(message);
    expect(result.err.trim().split('\n')).toHaveLength(1);
  });
});

describe('filters', () => {
  test.each([
    [['--layer', 'ale_auth_connect_v4'], ['5']],
    [
      ['--layer', 'ale_auth_connect'],
      ['5', '6'],
    ],
    [['--app', 'WEB'], ['5']],
    [['--action', 'permit'], ['6']],
    [
      ['--port', '80'],
      ['5', '6'],
    ],
    [['--port', '81'], ['6']],
    [['--remote', '2001:db8::1'], ['6']],
    [['--id', '6'], ['6']],
    [['--key', '{00000000-0000-4000-8000-000000000005}'], ['5']],
    [['--search', 'reste'], ['6']],
  ])('%j', async (options, ids) => {
    const { out } = await run('filters', [good, '--json', ...options]);
    expect(JSON.parse(out).filters.map((each: { filterId: string }) => each.filterId)).toEqual(ids);
  });
  test('the table is readable and safe for a terminal', async () => {
    const { out } = await run('filters', [good]);
    expect(out).toContain('remote port is 80, program is \\device\\harddiskvolume3\\web.exe');
    expect(out).not.toContain('\u202e');
  });
  test.each([
    ['--action', 'explode'],
    ['--remote', '1.2.3'],
    ['--port', '99999'],
    ['--id', 'x'],
  ])('%s %s is refused', async (option, value) => expect((await run('filters', [good, option, value])).code).toBe(2));
});

describe('explain', () => {
  test('a flow', async () => {
    const { code, out } = await run('explain', [good, 'web.exe -> 192.0.2.1:80/tcp', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      verdict: 'block',
      filter: { filterId: '5' },
      subLayers: [{ yields: 'block', filters: [{ outcome: 'matched' }] }],
    });
  });
  test('the same by options, and in words', async () => {
    const { out } = await run('explain', [
      good,
      '--layer',
      'ale_auth_connect_v4',
      '--app',
      'web.exe',
      '--protocol',
      'tcp',
      '--remote',
      '192.0.2.1:81',
    ]);
    expect(out).toMatch(/^PERMIT at ALE_AUTH_CONNECT_V4: no filter matches, which permits/);
  });
  test('a run-time id', async () => {
    expect(JSON.parse((await run('explain', [good, '--filter-id', '5', '--json'])).out)).toMatchObject({
      filter: { filterId: '5' },
      position: { above: 0, inSubLayer: 1 },
    });
    expect(await run('explain', [good, '--filter-id', '77'])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/no filter with run-time id 77/),
    });
  });
  test('a net event', async () => {
    const events = file(
      'events.xml',
      '<netEvents numItems="1"><item><header><timeStamp>2024-01-01T00:00:00.000Z</timeStamp><ipVersion>FWP_IP_VERSION_V4</ipVersion><ipProtocol>6</ipProtocol><remoteAddrV4>192.0.2.1</remoteAddrV4><remotePort>80</remotePort><appId><data>5c006400650076006900630065005c0068006100720064006400690073006b0</data></appId></header><type>FWPM_NET_EVENT_TYPE_CLASSIFY_DROP</type><classifyDrop><filterId>5</filterId><layerId>48</layerId></classifyDrop></item></netEvents>',
    );
    const { out } = await run('explain', [good, '--events', events, '--event', '1', '--json']);
    expect(JSON.parse(out)).toMatchObject({
      verdict: 'unknown',
      event: { number: 1, verdict: 'block', filterInDump: true },
      named: { filterId: '5' },
    });
    expect((await run('explain', [good, '--events', events, '--event', '2'])).err).toMatch(
      /has 1 net event, so there is no event 2/,
    );
  });
  test.each([
    ['nonsense'],
    ['a -> 1.1.1.1:1/tcp', '--profile', 'work'],
    ['a -> 1.1.1.1:1/tcp', '--user', 'bob'],
    ['a -> 1.1.1.1:1/tcp', '--field', 'NOPE=1'],
  ])('%s %s is refused in one sentence', async (...args) => {
    const { code, err } = await run('explain', [good, ...args.filter(each => each !== undefined)]);
    expect(code).toBe(2);
    expect(err.trim().split('\n')).toHaveLength(1);
  });
});

test('diff says when two files are the same and what differs', async () => {
  const crlf = file('crlf.xml', filtersXml(filters).replaceAll('\n', '\r\n'));
  expect((await run('diff', [good, crlf])).out).toMatch(/are the same/);
  const other = file('other.xml', filtersXml([filters[0]]));
  expect(JSON.parse((await run('diff', [good, other, '--json'])).out)).toMatchObject({
    same: false,
    filters: { added: [], removed: [{ filterId: '6' }], changed: [] },
  });
  expect(await run('diff', [cut, cut])).toMatchObject({ code: 1, out: expect.stringMatching(/not all of it could be read/) });
  expect((await run('diff', [good])).code).toBe(2);
});

test('health tells what it could not check', async () => {
  const { out } = await run('health', [good, '--json']);
  expect(JSON.parse(out)).toMatchObject({ filters: 2, findings: [], notChecked: [expect.stringMatching(/callouts/)] });
  expect(JSON.parse((await run('health', [file('state.xml', stateXml(filters)), '--json'])).out).notChecked).toEqual([]);
});

test('replay writes its report', async () => {
  const log = file('log.jsonl', '{"EventID":5156,"FilterRTID":"1","LayerRTID":"48"}\n');
  const report = join(folder, 'report.json');
  expect((await run('replay', [log, '--report', report])).code).toBe(0);
  expect(JSON.parse(readFileSync(report, 'utf8'))).toEqual({
    events: 1,
    decisions: 1,
    described: 0,
    exact: 0,
    candidate: 0,
    wrong: 0,
    notDescribed: 1,
    wrongDecisions: [],
  });
  expect(await run('replay', [good])).toMatchObject({ code: 1, err: expect.stringMatching(/no JSON object/) });
});

test('explain takes one question', async () => {
  const path = file('one-question.xml', filtersXml([{ id: 5 }]));
  for (const more of [['a.exe -> 192.0.2.1:1/tcp'], ['--remote', '192.0.2.1'], ['--filter-id', '5']])
    expect(await run('explain', [path, '--event', '1', ...more])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('one question: a flow, --event or --filter-id'),
    });
  expect(await run('explain', [path, '--event', '0'])).toMatchObject({ code: 2, err: 'sallyport: --event counts from 1\n' });
});
