import { describe, expect, test } from 'vitest';
import { readAuditLog } from '../dumps/audit-reader.ts';
import { PROVIDER_KEY } from '../model/keys.ts';
import { replay } from './replay.ts';

const CONNECT = '{c38d57d1-05a7-4c33-904f-7fbceee60e82}';
const REMOTE_PORT = '{c35a604d-d22b-4e1a-91b4-68f674ee674b}';
const PACKAGE = '{71bc78fa-f17c-4997-a602-6abb261f351c}';
const PROFILE = '{ab3033c9-c0e3-4759-937d-5758c65d4ae3}';

const condition = (id: string, match: string, value: string) =>
  `\n\tCondition ID:\t${id}\n\tMatch value:\t${match}\n\tCondition value:\t${value}\n`;
const filter = (
  id: number,
  options: { action?: string; weight?: number; conditions?: string; provider?: string; change?: string } = {},
) => ({
  EventID: 5447,
  ChangeType: options.change ?? '%%16384',
  FilterId: String(id),
  FilterKey: '{00000000-0000-4000-8000-000000000001}',
  FilterName: `filter ${id}`,
  LayerKey: CONNECT,
  LayerId: '48',
  ProviderKey: `{${options.provider ?? PROVIDER_KEY.MPSSVC_WF}}`,
  CalloutKey: '{00000000-0000-0000-0000-000000000000}',
  FilterType: '%%16388',
  Action: options.action ?? '%%16390',
  Weight: String(options.weight ?? id),
  Conditions: options.conditions ?? '-',
});
const connection = (id: number, port: number, options: { event?: number; pid?: string } = {}) => ({
  EventID: options.event ?? 5156,
  FilterRTID: String(id),
  LayerRTID: '48',
  Direction: '%%14593',
  Protocol: '6',
  SourceAddress: '10.0.0.1',
  SourcePort: '50000',
  DestAddress: '192.0.2.7',
  DestPort: String(port),
  ProcessId: options.pid ?? '77',
  Application: '\\device\\harddiskvolume2\\a.exe',
});
async function play(events: readonly object[], shape = (event: object): object => event) {
  const text = events.map((event, i) => JSON.stringify(shape({ ...event, RecordNumber: i + 1 }))).join('\n');
  return replay(
    await readAuditLog(
      'x',
      (async function* () {
        yield Buffer.from(text);
      })(),
    ),
  );
}

const web = condition(REMOTE_PORT, 'Equal to', '0x50');
const table = [filter(1), filter(2, { weight: 9, action: '%%16389', conditions: web })];

describe('a decision', () => {
  test('is exact where nothing is unknown', async () => {
    expect(await play([...table, connection(2, 80, { event: 5157 }), connection(1, 443)])).toEqual({
      events: 4,
      decisions: 2,
      described: 2,
      exact: 2,
      candidate: 0,
      wrong: 0,
      notDescribed: 0,
      wrongDecisions: [],
    });
  });
  test('of a lower sublayer is a candidate when something unknown may turn the one above it', async () => {
    const user = condition('{af043a0a-b34d-4f86-979c-c90371af6e66}', 'Equal to', 'O:SYG:SYD:(A;;CCRC;;;S-1-5-80-1)');
    const events = [
      filter(1, { action: '%%16389' }),
      filter(2, { provider: PROVIDER_KEY.MPSSVC_WSH, action: '%%16389' }),
      filter(3, { provider: PROVIDER_KEY.MPSSVC_WSH, conditions: user }),
      connection(1, 80, { event: 5157 }),
      connection(2, 80, { event: 5157 }),
    ];
    expect(await play(events)).toMatchObject({ described: 2, candidate: 2, wrong: 0 });
  });
  test('of a log that began later may be turned by a filter it never told, except in its own sublayer', async () => {
    const lower = filter(1, { action: '%%16389' });
    const upper = filter(2, { provider: PROVIDER_KEY.MPSSVC_WSH });
    const untold = connection(9, 80);
    expect(await play([lower, upper, connection(2, 80)])).toMatchObject({ wrong: 1 });
    expect(await play([lower, upper, connection(2, 80), untold])).toMatchObject({ wrong: 0, candidate: 1, notDescribed: 1 });
    const above = filter(3, { provider: PROVIDER_KEY.MPSSVC_WSH, weight: 9, action: '%%16389' });
    expect(await play([lower, upper, above, connection(2, 80), untold])).toMatchObject({ wrong: 1 });
  });
  test('is the same from winlogbeat', async () => {
    const beat = (event: object) => {
      const { EventID, RecordNumber, ...data } = event as { EventID: number; RecordNumber: number };
      return { event_id: EventID, record_number: String(RecordNumber), computer_name: 'h', event_data: data };
    };
    expect(await play([...table, connection(2, 80, { event: 5157 })], beat)).toMatchObject({ described: 1, exact: 1, wrong: 0 });
  });
  test('is wrong when arbitration says otherwise', async () => {
    const result = await play([...table, connection(1, 80)]);
    expect(result).toMatchObject({ described: 1, exact: 0, wrong: 1 });
    expect(result.wrongDecisions[0]).toMatchObject({
      line: 3,
      logged: { action: 'permit', filterId: '1' },
      computed: { action: 'block', filterIds: ['2'] },
    });
  });
  test('is a candidate when a filter of the same moment may not have been there yet', async () => {
    const at = (time: string, event: object) => ({ ...event, EventTime: `2026-01-01 00:00:${time}` });
    const play2 = (second: string) => play([at('00', table[0]!), at('10', table[1]!), at(second, connection(1, 80))]);
    expect(await play2('11')).toMatchObject({ candidate: 1, wrong: 0 });
    expect(await play2('20')).toMatchObject({ candidate: 0, wrong: 1 });
  });
  test('cannot be compared when its filter is gone or never was', async () => {
    expect(
      await play([
        ...table,
        filter(2, { change: '%%16385' }),
        connection(2, 80, { event: 5157 }),
        connection(99, 1),
        connection(0, 1),
      ]),
    ).toMatchObject({ decisions: 3, described: 0, notDescribed: 3 });
  });
  test('is a candidate where only an unknown separates two filters', async () => {
    const apps = condition(PACKAGE, 'Not equal to', '-');
    expect(await play([filter(1), filter(3, { conditions: apps, weight: 9 }), connection(1, 443)])).toMatchObject({
      described: 1,
      candidate: 1,
      exact: 0,
      wrong: 0,
    });
  });
});

describe('what earlier decisions prove', () => {
  const profiled = condition(PROFILE, 'Equal to', '0x00000003');
  const blocked = filter(5, {
    provider: PROVIDER_KEY.MPSSVC_WSH,
    action: '%%16389',
    conditions: condition(PACKAGE, 'Not equal to', '-'),
  });
  const proof = [
    blocked,
    filter(1, { weight: 1 }),
    filter(2, { weight: 9, conditions: profiled }),
    connection(2, 443),
    connection(2, 444),
  ];
  test('the second decision of the same process on the same interface is exact', async () => {
    expect(await play(proof)).toMatchObject({ described: 2, candidate: 1, exact: 1, wrong: 0 });
  });
  test('another process proves nothing about its package', async () => {
    expect(await play([...proof.slice(0, 4), connection(2, 444, { pid: '78' })])).toMatchObject({
      candidate: 2,
      exact: 0,
      wrong: 0,
    });
  });
  test('a profile that changed is no wrong decision', async () => {
    expect(await play([...proof, connection(1, 445), connection(1, 446)])).toMatchObject({
      described: 4,
      exact: 1,
      candidate: 3,
      wrong: 0,
    });
  });
});

test('filters of an unknown sublayer are reckoned with above and below the others', async () => {
  const other = '99999999-9999-4999-8999-999999999999';
  expect(await play([filter(1), filter(2, { provider: other }), connection(1, 443), connection(2, 443)])).toMatchObject({
    described: 2,
    candidate: 2,
    exact: 0,
    wrong: 0,
  });
});

test('tables of two hosts do not mix', async () => {
  const of = (host: string, event: object) => ({ ...event, Hostname: host });
  expect(await play([of('a', filter(1)), of('b', connection(1, 443))])).toMatchObject({ described: 0, notDescribed: 1 });
});
