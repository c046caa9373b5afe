import { describe, expect, test } from 'vitest';
import { appXml, type FixtureFilter, filtersXml, stateXml } from '../dumps/dump-fixture.ts';
import { readDump } from '../dumps/dump-reader.ts';
import { explainFlow } from './explain.ts';
import { FlowError, parseEndpoint, parseShortFlow } from './flow.ts';
import { Machine } from './machine.ts';

const machine = async (xml: string) => new Machine(await readDump('x.xml', [Buffer.from(xml)]));
const OWN = '{11111111-1111-4111-8111-111111111111}';
const CHROME = '\\device\\harddiskvolume3\\program files\\chrome.exe';

describe('flows in short', () => {
  test.each([
    [
      'chrome.exe -> 1.1.1.1:443/tcp',
      { app: 'chrome.exe', layer: 'ALE_AUTH_CONNECT_V4', remote: '1.1.1.1', remotePort: 443, protocol: 6 },
    ],
    [
      'C:\\a b\\c.exe -> [2001:db8::1]:53/udp',
      { app: 'C:\\a b\\c.exe', layer: 'ALE_AUTH_CONNECT_V6', remote: '2001:db8::1', remotePort: 53, protocol: 17 },
    ],
    [
      'svchost.exe <- 10.0.0.9:50000/tcp :445',
      {
        app: 'svchost.exe',
        layer: 'ALE_AUTH_RECV_ACCEPT_V4',
        remote: '10.0.0.9',
        remotePort: 50000,
        protocol: 6,
        localPort: 445,
      },
    ],
    ['httpd listens :80/tcp', { app: 'httpd', layer: 'ALE_AUTH_LISTEN_V4', localPort: 80, protocol: 6 }],
    ['-> ::ffff:192.0.2.1', { layer: 'ALE_AUTH_CONNECT_V4', remote: '192.0.2.1' }],
  ])('%s', (text, flow) => {
    expect(parseShortFlow(text)).toEqual(flow);
  });
  test.each([
    '',
    'chrome',
    'a -> b',
    'a -> 1.2.3.4:70000/tcp',
    'a -> 1.2.3.4:1/nope',
    'a -> 1.2.3.256:1',
  ])('"%s" is refused in one sentence', text => expect(() => parseShortFlow(text)).toThrow(FlowError));
  test.each([
    ['192.0.2.1:443', { address: '192.0.2.1', port: 443 }],
    ['[::1]', { address: '::1' }],
    [':80', { port: 80 }],
    ['[::ffff:192.0.2.1]:1', { address: '192.0.2.1', port: 1 }],
  ])('%s', (text, expected) => expect(parseEndpoint(text)).toEqual(expected));
});

describe('why', () => {
  const filters: FixtureFilter[] = [
    {
      id: 10,
      name: 'no chrome',
      action: 'BLOCK',
      subLayer: OWN,
      weight: 20n,
      conditions: [
        ['ALE_APP_ID', 'EQUAL', 'FWP_BYTE_BLOB_TYPE', appXml(CHROME)],
        ['IP_REMOTE_PORT', 'EQUAL', 'FWP_UINT16', '443'],
      ],
    },
    { id: 11, name: 'all else', subLayer: OWN, weight: 10n },
    {
      id: 12,
      name: 'users only',
      action: 'BLOCK',
      subLayer: 'FWPM_SUBLAYER_MPSSVC_WF',
      weight: 5n,
      conditions: [['ALE_USER_ID', 'EQUAL', 'FWP_SECURITY_DESCRIPTOR_TYPE', 'O:SYG:SYD:(A;;CC;;;S-1-5-80-1)']],
    },
  ];
  const xml = stateXml(filters, {
    subLayers: [
      [OWN, 50000],
      ['FWPM_SUBLAYER_MPSSVC_WF', 2],
    ],
  });

  test('a block is named with its filter, whatever the form of the program', async () => {
    const subject = await machine(xml);
    for (const app of ['chrome.exe', 'C:\\Program Files\\chrome.exe', CHROME, CHROME.toUpperCase()]) {
      const report = explainFlow(subject, { layer: 'ale_auth_connect_v4', app, remote: '1.1.1.1', remotePort: 443, protocol: 6 });
      expect(report).toMatchObject({ verdict: 'block', filter: { filterId: '10', name: 'no chrome', subLayer: OWN } });
    }
  });

  test('the trace says which condition fails and which is unknown', async () => {
    const report = explainFlow(await machine(xml), parseShortFlow('chrome.exe -> 1.1.1.1:80/tcp'));
    expect(report).toMatchObject({ verdict: 'unknown', possible: ['permit', 'block'] });
    expect(report.candidates.map(each => each.filterId).sort()).toEqual(['11', '12']);
    const [own, firewall] = report.subLayers;
    expect(own?.filters.map(each => each.outcome)).toEqual(['not-matched', 'matched']);
    expect(own?.filters[0]?.conditions.map(each => each.outcome)).toEqual(['matched', 'not-matched']);
    expect(firewall).toMatchObject({ weight: 2, yields: 'unknown' });
    expect(report.needs.join()).toMatch(/ALE_USER_ID/);
  });

  test('what is told settles it', async () => {
    const subject = await machine(xml);
    const flow = parseShortFlow('curl.exe -> 1.1.1.1:80/tcp');
    expect(explainFlow(subject, { ...flow, sids: ['S-1-5-80-1'] }).verdict).toBe('block');
    expect(explainFlow(subject, { ...flow, sids: ['S-1-5-21-1'], wholeToken: true }).verdict).toBe('permit');
  });

  test('a condition that cannot be read makes the verdict unknown, never certain', async () => {
    const subject = await machine(
      stateXml([{ id: 1, action: 'BLOCK', conditions: [['IP_PROTOCOL', 'RESEMBLES', 'FWP_UINT8', '6']] }], {
        subLayers: [['FWPM_SUBLAYER_UNIVERSAL', 32768]],
      }),
    );
    expect(explainFlow(subject, parseShortFlow('a.exe -> 1.1.1.1:80/tcp')).verdict).toBe('unknown');
  });

  test('an unknown action makes it unknown as well', async () => {
    const subject = await machine(stateXml([{ id: 1, action: 'TELEPORT' }], { subLayers: [['FWPM_SUBLAYER_UNIVERSAL', 32768]] }));
    expect(explainFlow(subject, parseShortFlow('a.exe -> 1.1.1.1:80/tcp')).verdict).toBe('unknown');
  });

  test('a callout that no driver registered blocks; one that is there may do anything', async () => {
    const key = '{22222222-2222-4222-8222-222222222222}';
    const one: FixtureFilter[] = [{ id: 1, action: 'CALLOUT_TERMINATING', callout: key }];
    const ask = async (registered: boolean) =>
      explainFlow(
        await machine(stateXml(one, { callouts: [[key, registered]], subLayers: [['FWPM_SUBLAYER_UNIVERSAL', 32768]] })),
        parseShortFlow('a.exe -> 1.1.1.1:80/tcp'),
      ).verdict;
    expect([await ask(false), await ask(true)]).toEqual(['block', 'unknown']);
  });

  test('flags are settled by the addresses only when no other bit is asked for', async () => {
    const ask = async (bits: string) =>
      explainFlow(
        await machine(filtersXml([{ id: 1, action: 'BLOCK', conditions: [['FLAGS', 'FLAGS_ALL_SET', 'FWP_UINT32', bits]] }])),
        parseShortFlow('a.exe -> 1.1.1.1:80/tcp'),
      ).verdict;
    expect([await ask('1'), await ask('33554432')]).toEqual(['permit', 'unknown']);
  });

  test('a name that fits two programs with different verdicts is left open', async () => {
    const other = '\\device\\harddiskvolume3\\other\\chrome.exe';
    const subject = await machine(
      filtersXml([
        { id: 2, action: 'BLOCK', conditions: [['ALE_APP_ID', 'EQUAL', 'FWP_BYTE_BLOB_TYPE', appXml(CHROME)]] },
        { id: 1, conditions: [['ALE_APP_ID', 'EQUAL', 'FWP_BYTE_BLOB_TYPE', appXml(other)]] },
      ]),
    );
    const report = explainFlow(subject, parseShortFlow('chrome.exe -> 1.1.1.1:80/tcp'));
    expect(report).toMatchObject({ verdict: 'unknown', possible: ['permit', 'block'] });
    expect(report.needs[0]).toMatch(/the whole path/);
  });

  test('an address of the other IP version is refused', async () => {
    const subject = await machine(xml);
    expect(() => explainFlow(subject, { layer: 'ALE_AUTH_CONNECT_V4', remote: '2001:db8::1' })).toThrow(/that layer is for IPv4/);
    expect(() => explainFlow(subject, { layer: 'NO_SUCH_LAYER' })).toThrow(FlowError);
  });
});

test('what only the user of an app is granted is not certain for the app', async () => {
  const all = await machine(
    filtersXml([
      {
        id: 1,
        subLayer: OWN,
        weight: 9n,
        conditions: [
          ['ALE_PACKAGE_ID', 'NOT_EQUAL', 'FWP_SID', 'S-1-0-0'],
          ['ALE_USER_ID', 'EQUAL', 'FWP_SECURITY_DESCRIPTOR_TYPE', 'O:LSD:(A;;CC;;;S-1-15-3-2)(A;;CC;;;WD)(A;;CC;;;AN)'],
        ],
      },
      { id: 2, action: 'BLOCK', subLayer: OWN, weight: 1n, conditions: [['ALE_PACKAGE_ID', 'NOT_EQUAL', 'FWP_SID', 'S-1-0-0']] },
    ]),
  );
  const flow = { layer: 'ALE_AUTH_CONNECT_V4', sids: ['S-1-5-21-1-2-3-1001', 'S-1-1-0'], wholeToken: true };
  expect(explainFlow(all, { ...flow, packageSid: 'S-1-15-2-1-2-3-4-5-6-7' })).toMatchObject({
    verdict: 'unknown',
    possible: ['permit', 'block'],
  });
  expect(explainFlow(all, { ...flow, packageSid: 'S-1-0-0' }).verdict).toBe('permit');
});
