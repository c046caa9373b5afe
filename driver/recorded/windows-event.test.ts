import { describe, expect, test } from 'vitest';
import type { ConnectionAttempt } from '../../engine/model/attempt.ts';
import { NameTable } from './names.ts';
import { parseWindowsEvent } from './windows-event.ts';

const connection = {
  UtcTime: '2020-08-06 06:26:44.872',
  ProcessId: '1696',
  Image: 'C:\\Windows\\System32\\svchost.exe',
  User: 'NT AUTHORITY\\SYSTEM',
  Protocol: 'tcp',
  Initiated: 'true',
  SourceIp: '10.0.0.1',
  SourcePort: '50000',
  DestinationIp: '0:0:0:0:0:ffff:c000:201',
  DestinationPort: '443',
  DestinationHostname: 'www.example',
};
const flat = { EventID: 3, SourceName: 'Microsoft-Windows-Sysmon', Hostname: 'PC', ...connection };

function attemptOf(
  record: { readonly [name: string]: unknown },
  table = new NameTable(),
): ConnectionAttempt & { recorded?: string } {
  const parsed = parseWindowsEvent(record, table);
  if (!('steps' in parsed)) throw new Error(JSON.stringify(parsed));
  const [step] = parsed.steps;
  if (step?.type !== 'attempt') throw new Error('no attempt');
  return { ...step.attempt, ...(step.verdict && { recorded: step.verdict }) };
}

describe('Sysmon 3', () => {
  test('flat, as NXLog ships it', () => {
    const at = Date.UTC(2020, 7, 6, 6, 26, 44, 872);
    expect(attemptOf(flat)).toEqual({
      id: 0,
      layer: 'ALE_AUTH_CONNECT',
      family: 'v4',
      protocol: 6,
      local: { address: '10.0.0.1', port: 50000 },
      remote: { address: '192.0.2.1', port: 443 },
      identity: { pid: 1696, path: connection.Image, user: connection.User, parents: [] },
      names: [{ name: 'www.example', kind: 'event', at }],
      at,
    });
  });

  test('below event_data, as winlogbeat ships it, and below winlog since version 7: the same attempt', () => {
    const beat = { event_id: 3, source_name: 'Microsoft-Windows-Sysmon', computer_name: 'PC', event_data: connection };
    expect(attemptOf(beat)).toEqual(attemptOf(flat));
    const later = { event_id: 3, provider_name: 'Microsoft-Windows-Sysmon', event_data: connection };
    expect(attemptOf({ '@timestamp': '2020-08-06T06:26:50Z', winlog: later })).toEqual(attemptOf(flat));
  });

  test('inbound: over TCP the source is remote, over UDP it is the own side', () => {
    const tcp = attemptOf({ ...flat, Initiated: 'false' });
    expect(tcp).toMatchObject({ layer: 'ALE_AUTH_RECV_ACCEPT', remote: { port: 50000 }, local: { port: 443 } });
    const udp = attemptOf({ ...flat, Initiated: 'false', Protocol: 'udp' });
    expect(udp).toMatchObject({ layer: 'ALE_AUTH_RECV_ACCEPT', remote: { port: 443 }, local: { port: 50000 } });
  });

  test('a program that Sysmon did not know is not known', () => {
    expect(attemptOf({ ...flat, Image: '<unknown process>', User: '-' }).identity).toEqual({ pid: 1696, parents: [] });
  });
});

describe('Sysmon 22', () => {
  const question = {
    ...flat,
    EventID: 22,
    QueryName: 'Www.Example.',
    QueryResults: 'type:  5 cdn.example;::ffff:192.0.2.1;2001:DB8:0::1;-;',
  };

  test('tells every address of the answer, mapped ones as IPv4, and names later attempts of that machine only', () => {
    const table = new NameTable();
    const parsed = parseWindowsEvent(question, table);
    const named =
      'steps' in parsed ? parsed.steps.map(s => s.type === 'told' && s.event.type === 'named' && s.event.address) : [];
    expect(named).toEqual(['192.0.2.1', '2001:db8::1']);
    const { DestinationHostname: _, ...bare } = flat;
    expect(attemptOf(bare, table).names).toMatchObject([{ name: 'Www.Example', kind: 'dns', pid: 1696 }]);
    expect(attemptOf({ ...bare, Hostname: 'OTHER' }, table).names).toEqual([]);
  });

  test('of a service: the addresses are those of the host it names', () => {
    const table = new NameTable();
    const srv = { ...question, QueryName: '_ldap._tcp.corp.example', QueryResults: 'type:  33 dc01.corp.example;192.0.2.1;' };
    parseWindowsEvent(srv, table);
    expect(table.of('PC', '192.0.2.1').map(n => n.name)).toEqual(['dc01.corp.example']);
  });

  test('without an address is no event of ours', () => {
    expect(parseWindowsEvent({ ...question, QueryResults: '-' }, new NameTable())).toHaveProperty('skipped');
  });
});

describe('Security', () => {
  const base = {
    SourceName: 'Microsoft-Windows-Security-Auditing',
    '@timestamp': '2020-08-06T06:26:38.315Z',
    EventTime: '2020-08-06 02:26:36',
    ProcessID: '0xdc',
    Application: '\\device\\harddiskvolume2\\a.exe',
    Protocol: '17',
    SourceAddress: '10.0.0.1',
    SourcePort: '53',
    DestAddress: '10.0.0.2',
    DestPort: '54',
    LayerName: '%%14611',
    Direction: '%%14593',
  };

  test.each([
    [5152, { LayerName: '%%14597' }, 'ALE_AUTH_CONNECT', 'block'],
    [5153, { LayerName: '%%14597', Direction: '%%14592' }, 'ALE_AUTH_RECV_ACCEPT', 'block'],
    [5154, {}, 'ALE_AUTH_LISTEN', 'permit'],
    [5155, {}, 'ALE_AUTH_LISTEN', 'block'],
    [5156, {}, 'ALE_AUTH_CONNECT', 'permit'],
    [5157, { LayerName: '%%14610', Direction: '%%14592' }, 'ALE_AUTH_RECV_ACCEPT', 'block'],
    [5158, {}, 'ALE_RESOURCE_ASSIGNMENT', 'permit'],
    [5159, {}, 'ALE_RESOURCE_ASSIGNMENT', 'block'],
  ])('%i', (EventID, fields, layer, recorded) => {
    const attempt = attemptOf({ ...base, EventID, ...fields });
    expect(attempt).toMatchObject({ layer, recorded, protocol: 17, identity: { pid: 220, path: base.Application } });
    expect(attempt.at).toBe(Date.parse('2020-08-06T06:26:38.315Z'));
  });

  test('names the sides of the packet: inbound, the source is remote', () => {
    expect(attemptOf({ ...base, EventID: 5156, Direction: '%%14592', LayerName: '%%14610' })).toMatchObject({
      local: { address: '10.0.0.2', port: 54 },
      remote: { address: '10.0.0.1', port: 53 },
    });
  });

  test('a bind has no remote side; at a V4 layer `::` is the V4 wildcard', () => {
    const bind = attemptOf({ ...base, EventID: 5158, SourceAddress: '::', LayerRTID: '36' });
    expect(bind).toMatchObject({ family: 'v4', local: { address: '0.0.0.0', port: 53 } });
    expect(bind).not.toHaveProperty('remote');
    expect(attemptOf({ ...base, EventID: 5158, SourceAddress: '::', LayerRTID: '38' })).toMatchObject({ family: 'v6' });
  });
});

test.each([
  [{ EventID: 'x' }, 'bad'],
  [{ EventID: 4624 }, 'skipped'],
  [{ EventID: 3, SourceName: 'Something else' }, 'skipped'],
  [{ ...flat, UtcTime: 'once' }, 'bad'],
  [{ ...flat, DestinationPort: '65536' }, 'bad'],
  [{ ...flat, Protocol: 'constructor' }, 'bad'],
])('%o is %s', (record, outcome) => {
  expect(parseWindowsEvent(record, new NameTable())).toHaveProperty(outcome);
});

test('the table of names forgets the addresses longest unused', () => {
  const table = new NameTable();
  const learn = (i: number) => table.learn('PC', `a${i}`, { name: 'n', kind: 'dns', at: i });
  for (let i = 0; i < 4096; i++) learn(i);
  learn(0);
  learn(4096);
  expect([0, 1, 2, 4096].map(i => table.of('PC', `a${i}`).length)).toEqual([1, 0, 1, 1]);
});

test('one name in two spellings is one name', () => {
  const table = new NameTable();
  for (const name of ['DC01.example', 'other.example', 'dc01.example']) table.learn('PC', 'a', { name, kind: 'dns', at: 0 });
  expect(table.of('PC', 'a').map(n => n.name)).toEqual(['dc01.example', 'other.example']);
});
