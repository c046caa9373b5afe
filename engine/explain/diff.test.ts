import { expect, test } from 'vitest';
import { type FixtureFilter, filtersXml, providerXml, stateXml } from '../dumps/dump-fixture.ts';
import { readDump } from '../dumps/dump-reader.ts';
import { diffDumps } from './diff.ts';
import { Machine } from './machine.ts';

const machine = async (xml: string) => new Machine(await readDump('x.xml', [Buffer.from(xml)]));
const filters: FixtureFilter[] = [
  { id: 1 },
  { id: 2, action: 'BLOCK', conditions: [['IP_REMOTE_PORT', 'EQUAL', 'FWP_UINT16', '80']] },
];

test('line ends make no difference', async () => {
  const xml = filtersXml(filters);
  expect(diffDumps(await machine(xml), await machine(xml.replaceAll('\n', '\r\n')))).toMatchObject({ same: true, renumbered: 0 });
});

test('added, removed, changed field by field', async () => {
  const after: FixtureFilter[] = [
    { ...filters[1]!, action: 'PERMIT', conditions: [['IP_REMOTE_PORT', 'EQUAL', 'FWP_UINT16', '81']] },
    { id: 3 },
  ];
  const result = diffDumps(
    await machine(filtersXml(filters)),
    await machine(filtersXml(after, [providerXml('FWPM_PROVIDER_IKEEXT', 'x')])),
  );
  expect(result.same).toBe(false);
  expect(result.filters.added.map(each => each.filterId)).toEqual(['3']);
  expect(result.filters.removed.map(each => each.filterId)).toEqual(['1']);
  expect(result.filters.changed.map(each => each.changes)).toEqual([
    [
      { field: 'action', before: 'FWP_ACTION_BLOCK', after: 'FWP_ACTION_PERMIT' },
      { field: 'conditions', before: 'IP_REMOTE_PORT EQUAL 80', after: 'IP_REMOTE_PORT EQUAL 81' },
    ],
  ]);
  expect(result.providers.added).toHaveLength(1);
});

test('a sublayer weight and a callout that appears', async () => {
  const key = '{22222222-2222-4222-8222-222222222222}';
  const before = await machine(stateXml(filters, { subLayers: [['FWPM_SUBLAYER_UNIVERSAL', 1]] }));
  const after = await machine(stateXml(filters, { subLayers: [['FWPM_SUBLAYER_UNIVERSAL', 2]], callouts: [[key, true]] }));
  const result = diffDumps(before, after);
  expect(result.subLayers.changed[0]?.changes).toEqual([{ field: 'weight', before: '1', after: '2' }]);
  expect(result.callouts.added).toHaveLength(1);
});

test('what only one of the two tells is not compared, and they are not called the same', async () => {
  const result = diffDumps(await machine(filtersXml(filters)), await machine(stateXml(filters)));
  expect(result).toMatchObject({ same: false, notCompared: ['subLayers', 'callouts'] });
});

test('the order of flags and conditions makes no difference, the type of a value does', async () => {
  const two = [
    ['IP_REMOTE_PORT', 'EQUAL', 'FWP_UINT16', '80'],
    ['IP_PROTOCOL', 'EQUAL', 'FWP_UINT8', '6'],
  ] as const;
  const flags = ['FWPM_FILTER_FLAG_PERSISTENT', 'FWPM_FILTER_FLAG_INDEXED'];
  const before = await machine(filtersXml([{ id: 1, conditions: two, flags }]));
  const turned = await machine(filtersXml([{ id: 1, conditions: two.toReversed(), flags: flags.toReversed() }]));
  expect(diffDumps(before, turned).same).toBe(true);
  const wider = await machine(
    filtersXml([{ id: 1, conditions: [['IP_REMOTE_PORT', 'EQUAL', 'FWP_UINT32', '80'], two[1]], flags }]),
  );
  expect(diffDumps(before, wider).filters.changed[0]?.changes).toEqual([
    {
      field: 'conditionTypes',
      before: 'IP_PROTOCOL FWP_UINT8\nIP_REMOTE_PORT FWP_UINT16',
      after: 'IP_PROTOCOL FWP_UINT8\nIP_REMOTE_PORT FWP_UINT32',
    },
  ]);
});
