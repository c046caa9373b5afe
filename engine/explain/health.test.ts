import { describe, expect, test } from 'vitest';
import { appXml, type FixtureFilter, filtersXml, providerXml, stateXml } from '../dumps/dump-fixture.ts';
import { readDump } from '../dumps/dump-reader.ts';
import { health } from './health.ts';
import { Machine } from './machine.ts';

const found = async (xml: string) => health(new Machine(await readDump('x.xml', [Buffer.from(xml)])));
const short = async (xml: string) =>
  (await found(xml)).map(each => `${each.kind} ${each.filterId}${each.others.length > 0 ? ` by ${each.others.join()}` : ''}`);
const port = (low: number, high = low): NonNullable<FixtureFilter['conditions']>[number] =>
  low === high
    ? ['IP_REMOTE_PORT', 'EQUAL', 'FWP_UINT16', String(low)]
    : [
        'IP_REMOTE_PORT',
        'RANGE',
        'FWP_RANGE_TYPE',
        `<rangeValue><valueLow><type>FWP_UINT16</type><uint16>${low}</uint16></valueLow><valueHigh><type>FWP_UINT16</type><uint16>${high}</uint16></valueHigh></rangeValue>`,
      ];
const net = (addr: string, mask: string): NonNullable<FixtureFilter['conditions']>[number] => [
  'IP_REMOTE_ADDRESS',
  'EQUAL',
  'FWP_V4_ADDR_MASK',
  `<v4AddrMask><addr>${addr}</addr><mask>${mask}</mask></v4AddrMask>`,
];

describe('filters that can never match', () => {
  test.each([
    ['a port in a range above', [port(80)], [port(1, 1000)], true],
    ['a host in a network above', [net('10.1.0.0', '255.255.0.0')], [net('10.0.0.0', '255.0.0.0')], true],
    ['more conditions than the one above', [port(80), net('10.0.0.0', '255.0.0.0')], [port(80)], true],
    ['one of two ports above', [port(80)], [port(80), port(81)], true],
    ['two ports, one above', [port(80), port(81)], [port(80)], false],
    ['a wider range than above', [port(1, 2000)], [port(1, 1000)], false],
    ['another field above', [port(80)], [net('10.0.0.0', '255.0.0.0')], false],
  ] as const)('%s', async (_, below, above, expected) => {
    const xml = filtersXml([
      { id: 2, weight: 20n, conditions: above },
      { id: 1, weight: 10n, action: 'BLOCK', conditions: below },
    ]);
    expect((await short(xml)).includes('shadowed 1 by 2')).toBe(expected);
  });
  test('not by a filter of equal weight, of another sublayer or by an inspection callout', async () => {
    expect(
      await short(
        filtersXml([
          { id: 2, weight: 5n, action: 'BLOCK' },
          { id: 1, weight: 5n, conditions: [port(80)] },
        ]),
      ),
    ).toEqual([]);
    expect(
      await short(
        filtersXml([
          { id: 2, weight: 9n, subLayer: 'FWPM_SUBLAYER_LIPS' },
          { id: 1, weight: 5n, action: 'BLOCK', conditions: [port(80)] },
        ]),
      ),
    ).toEqual([]);
    expect(
      await short(
        filtersXml([
          { id: 2, weight: 9n, action: 'CALLOUT_INSPECTION', callout: '{22222222-2222-4222-8222-222222222222}' },
          { id: 1, weight: 5n, action: 'BLOCK', conditions: [port(80)] },
        ]),
      ),
    ).toEqual([]);
  });
  test('a range with its ends the wrong way round', async () =>
    expect(await short(filtersXml([{ id: 1, action: 'BLOCK', conditions: [port(9, 3)] }]))).toEqual(['never-matches 1']));
});

test('blocks aimed at a security product are named with it', async () => {
  const [finding] = await found(
    filtersXml([
      {
        id: 1,
        action: 'BLOCK',
        conditions: [['ALE_APP_ID', 'EQUAL', 'FWP_BYTE_BLOB_TYPE', appXml('\\device\\harddiskvolume3\\x\\MsMpEng.exe')]],
      },
    ]),
  );
  expect(finding).toMatchObject({ kind: 'blocks-security-product', reason: expect.stringContaining('Microsoft Defender') });
});

test('callouts that are missing or not registered', async () => {
  const [missing, there] = ['{22222222-2222-4222-8222-222222222222}', '{33333333-3333-4333-8333-333333333333}'];
  const xml = stateXml(
    [
      { id: 1, action: 'CALLOUT_TERMINATING', callout: missing },
      { id: 2, action: 'CALLOUT_INSPECTION', callout: there, flags: [] },
      { id: 3, action: 'CALLOUT_UNKNOWN', callout: missing, flags: ['FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED'] },
    ],
    { callouts: [[there, false]] },
  );
  const reasons = (await found(xml))
    .filter(each => each.kind === 'callout-not-registered')
    .map(each => each.reason.replace(/.*: /, ''));
  expect(reasons).toEqual(['it blocks what it matches', 'it is skipped', 'it permits what it matches']);
});

test('what a provider left behind, duplicates and broad permits', async () => {
  const gone = '{44444444-4444-4444-8444-444444444444}';
  const off = '{55555555-5555-4555-8555-555555555555}';
  const xml = filtersXml(
    [
      { id: 1, weight: 9n, action: 'BLOCK', provider: gone, conditions: [port(80)] },
      { id: 2, weight: 9n, action: 'BLOCK', provider: off, conditions: [port(80)] },
      { id: 3, weight: 1n },
    ],
    [providerXml(off, 'Old VPN', { disabled: true, service: 'oldvpn' })],
  );
  expect((await short(xml)).sort()).toEqual(['broad-permit 3 by 1,2', 'duplicate 2 by 1', 'leftover 1', 'leftover 2']);
});

describe('near misses', () => {
  const backwards = ['IP_REMOTE_PORT', 'RANGE', 'FWP_RANGE_TYPE', port(1, 9)[3].replace('>1<', '>10<')] as const;
  test('a range that ends before it begins beside one that does not', async () => {
    expect(await short(filtersXml([{ id: 1, conditions: [backwards] }]))).toEqual(['never-matches 1']);
    expect(await short(filtersXml([{ id: 1, conditions: [backwards, port(80)] }]))).toEqual([]);
  });
  test('filters of which something could not be read are no duplicates, nor are callouts that fail differently', async () => {
    const odd = (id: number, action: string) => ({ id, weight: 5n, action });
    expect(await short(filtersXml([odd(1, 'JUGGLE'), odd(2, 'FOLD')]))).toEqual([]);
    const callout = { weight: 5n, action: 'CALLOUT_UNKNOWN', callout: '{11111111-1111-4111-8111-111111111111}' };
    expect(
      await short(
        filtersXml([
          { ...callout, id: 1 },
          { ...callout, id: 2, flags: ['FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED'] },
        ]),
      ),
    ).toEqual([]);
  });
  test("Windows' own sfc.exe is no security product, Cisco's is", async () => {
    const block = (id: number, path: string) => ({
      id,
      weight: BigInt(id),
      action: 'BLOCK',
      conditions: [['ALE_APP_ID', 'EQUAL', 'FWP_BYTE_BLOB_TYPE', appXml(path)]] as const,
    });
    const xml = filtersXml([
      block(1, '\\device\\harddiskvolume3\\windows\\system32\\sfc.exe'),
      block(2, '\\device\\harddiskvolume3\\program files\\cisco\\amp\\sfc.exe'),
    ]);
    expect(await short(xml)).toEqual(['blocks-security-product 2']);
  });
  test('a provider that a damaged file may have listed', async () => {
    const xml = filtersXml(
      [{ id: 1, provider: '{22222222-2222-4222-8222-222222222222}' }],
      [providerXml('{33333333-3333-4333-8333-333333333333}', 'x')],
    );
    expect(await short(xml)).toEqual(['leftover 1']);
    expect(await short(xml.slice(0, xml.indexOf('</providers>')))).toEqual([]);
  });
});
