import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LAYER_KEY } from '../model/keys.ts';
import { FILTER_FLAG } from '../model/objects.ts';
import { appXml, filtersXml, providerXml, stateXml } from './dump-fixture.ts';
import { readDump } from './dump-reader.ts';
import { utf16 } from './keep.ts';

const read = (text: string | Uint8Array) => readDump('x.xml', [typeof text === 'string' ? Buffer.from(text) : text]);

const rich = filtersXml(
  [
    {
      id: 1,
      name: 'Filtre de démarrage 防火墙',
      weight: 18446744073709551615n,
      action: 'BLOCK',
      flags: ['FWPM_FILTER_FLAG_PERSISTENT', 'FWPM_FILTER_FLAG_HAS_FILTER_ORIGIN', '00000040'],
      provider: 'FWPM_PROVIDER_MPSSVC_WF',
      conditions: [
        ['IP_PROTOCOL', 'EQUAL', 'FWP_UINT8', '6'],
        ['IP_REMOTE_ADDRESS', 'EQUAL', 'FWP_UINT32', '192.0.2.1'],
        [
          'IP_REMOTE_ADDRESS',
          'EQUAL',
          'FWP_V4_ADDR_MASK',
          '<v4AddrMask><addr>10.0.0.0</addr><mask>255.0.0.0</mask></v4AddrMask>',
        ],
        [
          'IP_REMOTE_PORT',
          'RANGE',
          'FWP_RANGE_TYPE',
          '<rangeValue><valueLow><type>FWP_UINT16</type><uint16>1</uint16></valueLow><valueHigh><type>FWP_UINT16</type><uint16>1023</uint16></valueHigh></rangeValue>',
        ],
        ['ALE_APP_ID', 'EQUAL', 'FWP_BYTE_BLOB_TYPE', appXml('\\device\\harddiskvolume3\\a b&c.exe')],
      ],
    },
    { id: 2, layer: 'ALE_AUTH_CONNECT_V6', conditions: [['IP_REMOTE_ADDRESS', 'EQUAL', 'FWP_BYTE_ARRAY16_TYPE', 'ff02::1:2']] },
  ],
  [providerXml('FWPM_PROVIDER_MPSSVC_WF', 'Microsoft')],
);

describe('a dump of filters', () => {
  test('becomes objects of the model, 64 bits without loss', async () => {
    const dump = await read(rich);
    expect(dump.problems).toEqual([]);
    const [first, second] = dump.filters;
    expect(first?.displayData).toEqual({ name: 'Filtre de démarrage 防火墙' });
    expect(first?.effectiveWeight).toBe(0xffffffffffffffffn);
    expect(first?.flags).toBe(FILTER_FLAG.PERSISTENT | 0x40);
    expect(first?.flagNames).toEqual(['PERSISTENT', 'HAS_FILTER_ORIGIN', '00000040']);
    const values = first?.filterCondition.map(each => each.conditionValue);
    expect(values?.slice(0, 4)).toEqual([
      { type: 'FWP_UINT8', value: 6 },
      { type: 'FWP_UINT32', value: 0xc0000201 },
      { type: 'FWP_V4_ADDR_MASK', value: { addr: 0x0a000000, mask: 0xff000000 } },
      { type: 'FWP_RANGE_TYPE', value: { low: { type: 'FWP_UINT16', value: 1 }, high: { type: 'FWP_UINT16', value: 1023 } } },
    ]);
    const app = values?.[4];
    expect(app?.type === 'FWP_BYTE_BLOB_TYPE' && utf16(app.value)).toBe('\\device\\harddiskvolume3\\a b&c.exe');
    expect(second?.filterCondition[0]?.conditionValue).toEqual({
      type: 'FWP_BYTE_ARRAY16_TYPE',
      value: Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2),
    });
  });

  test('CRLF and UTF-16 are the same dump', async () => {
    const plain = await read(rich);
    const other = await read(rich.replaceAll('\n', '\r\n'));
    expect(other.filters).toEqual(plain.filters);
    expect((await read(Buffer.from(rich, 'utf16le'))).filters).toEqual(plain.filters);
  });

  test('where the bytes are cut into pieces makes no difference', async () => {
    const whole = await read(rich);
    const bytes = Buffer.from(rich);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 200 }), async sizes => {
        const pieces: Uint8Array[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % sizes.length]!;
          pieces.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(await readDump('x.xml', pieces)).toEqual(whole);
      }),
      { numRuns: 40 },
    );
  });

  test('what nobody knows is kept', async () => {
    const dump = await read(
      filtersXml([
        {
          id: 1,
          layer: 'FUTURE_LAYER_V9',
          extra: '<tomorrow><deep numItems="1"><item>x</item></deep></tomorrow>',
          flags: ['FWPM_FILTER_FLAG_OF_2031'],
          conditions: [
            ['NOBODY_KNOWS', 'EQUAL', 'FWP_UINT8', '1'],
            ['IP_PROTOCOL', 'RESEMBLES', 'FWP_UINT8', '1'],
            ['IP_PROTOCOL', 'EQUAL', 'FWP_QUBIT_TYPE', '<qubit>0+1</qubit>'],
          ],
        },
      ]).replace('</wfpdiag>', '<newSection><a>1</a></newSection></wfpdiag>'),
    );
    const [filter] = dump.filters;
    expect(filter?.unknown).toEqual(['tomorrow = {"deep":["x"]}']);
    expect(filter?.flagNames).toEqual(['OF_2031']);
    expect([...dump.names.values()]).toEqual(
      expect.arrayContaining(['FWPM_LAYER_FUTURE_LAYER_V9', 'FWPM_CONDITION_NOBODY_KNOWS']),
    );
    expect(filter?.filterCondition.map(each => each.asFound)).toEqual([
      undefined,
      'RESEMBLES {"type":"FWP_UINT8","uint8":"1"}'.replace(/^/, 'FWP_MATCH_'),
      'FWP_MATCH_EQUAL {"type":"FWP_QUBIT_TYPE","qubit":"0+1"}',
    ]);
    expect(dump.other.map(each => each.path)).toEqual(['wfpdiag/newSection']);
    expect(dump.errors).toBe(0);
  });
});

describe('a dump of the state', () => {
  test('two roots are one dump', async () => {
    const dump = await read(
      stateXml([{ id: 7 }], {
        subLayers: [
          ['FWPM_SUBLAYER_UNIVERSAL', 32768],
          ['{11111111-1111-4111-8111-111111111111}', 65535],
        ],
        callouts: [['{22222222-2222-4222-8222-222222222222}', true]],
      }),
    );
    expect(dump).toMatchObject({
      kind: 'state',
      errors: 0,
      warnings: 0,
      timeStamp: '2024-10-22T20:48:53.891Z',
      tellsCallouts: true,
    });
    expect(dump.subLayers.map(each => each.weight)).toEqual([32768, 65535]);
    expect(dump.callouts[0]).toMatchObject({ flags: 0x40300, flagNames: ['REGISTERED', '00000300'] });
  });
});

describe('damage is told with its place, and what could be read is kept', () => {
  const filters = filtersXml([{ id: 1 }, { id: 2 }]);
  test.each([
    [
      'truncated',
      filters.slice(0, filters.indexOf('<filterId>2')),
      /ends before <\/item> \(inside wfpdiag \/ filters \/ item\)/,
      1,
    ],
    ['without its end', filters.replace('</wfpdiag>\n', ''), /ends before <\/wfpdiag>/, 2],
    ['swapped roots', stateXml([{ id: 1 }], { swapped: true }), /roots are swapped/, 1],
    [
      'wrong numItems',
      stateXml([{ id: 1 }]).replace('<filters numItems="1">', '<filters numItems="2">'),
      /numItems="2" but holds 1/,
      1,
    ],
    ['a wrong closing tag', filters.replace('</filters>', '</providers>'), /unexpected close tag/, 2],
    ['a bare ampersand', filters.replace('filter 2', 'a & b'), /an ampersand that begins no entity/, 2],
    ['not XML', 'hello', /not XML: it begins with "hello"/, 0],
    ['binary', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 3, 4]), /not XML/, 0],
    ['empty', '', /the file is empty/, 0],
    ['only a declaration', '<?xml version="1.0"?>\n', /no element/, 0],
    ['another document', '<html><body/></html>', /root element is <html>/, 0],
    ['half a state', '<firewallState/>', /no <wfpstate>/, 0],
    [
      'a number that is none',
      filters.replace('<filterId>2<', '<filterId>two<'),
      /<filterId> of a filter cannot be read: "two"/,
      2,
    ],
    ['a filter without layer', filters.replace(/<layerKey>.*?<\/layerKey>/, ''), /no layerKey/, 2],
    ['too deep', `<wfpdiag><filters><item>${'<a>'.repeat(100)}`, /nested deeper/, 0],
  ])('%s', async (_, text, message, count) => {
    const dump = await read(text);
    expect(dump.errors).toBeGreaterThan(0);
    expect(dump.problems.map(each => each.message).join('\n')).toMatch(message);
    expect(dump.problems.every(each => each.line > 0 && each.column > 0)).toBe(true);
    expect(dump.filters).toHaveLength(count);
  });

  test('a filter id that stands twice is told', async () => {
    const dump = await read(filtersXml([{ id: 1 }, { id: 1 }]));
    expect(dump).toMatchObject({ errors: 0, warnings: 1 });
    expect(dump.problems[0]?.message).toMatch(/filterId 1 stands here a second time/);
  });
});

test.each([
  ['show netevents', (event: string) => `<netEvents numItems="1"><item>${event}</item></netEvents>`],
  ['a capture', (event: string) => `<wfpdiag><netEvents numItems="1"><netEvent>${event}</netEvent></netEvents></wfpdiag>`],
  [
    'a capture with a state before the events',
    (event: string) =>
      `<wfpdiag><initialState><wfpstate><layers/></wfpstate></initialState><events numItems="1"><netEvent>${event}</netEvent></events></wfpdiag>`,
  ],
  ['events without a list', (event: string) => `<wfpdiag><netEvent>${event}</netEvent></wfpdiag>`],
])('a net event of %s', async (_, wrap) => {
  const dump = await read(
    wrap(
      '<header><localAddrV6.byteArray16>::1</localAddrV6.byteArray16></header><type>FWPM_NET_EVENT_TYPE_CLASSIFY_DROP</type><classifyDrop><filterId>18446744073709551615</filterId></classifyDrop>',
    ),
  );
  expect(dump.errors).toBe(0);
  expect(dump.netEvents).toMatchObject([{ filterId: 0xffffffffffffffffn, localAddress: '::1' }]);
});

test('a state without the root that netsh writes last is told', async () => {
  const text = stateXml([{ id: 1 }]);
  expect((await read(text)).warnings).toBe(0);
  const cut = await read(text.slice(0, text.indexOf('<firewallState>')));
  expect(cut).toMatchObject({ errors: 0, warnings: 1 });
  expect(cut.problems[0]?.message).toContain('the end of the file may be missing');
});

describe('only one layer', () => {
  const one = { onlyLayer: LAYER_KEY.ALE_AUTH_CONNECT_V6 };
  const some = [
    { id: 1, layer: 'ALE_AUTH_CONNECT_V4', flags: ['FWPM_FILTER_FLAG_PERSISTENT'] },
    { id: 2, layer: 'ALE_AUTH_CONNECT_V6' },
    { id: 3, layer: 'ALE_AUTH_LISTEN_V4' },
  ];
  test.each([
    ['filters', filtersXml(some, [providerXml('FWPM_PROVIDER_IKEEXT', 'x')])],
    [
      'state',
      stateXml(some, { subLayers: [['FWPM_SUBLAYER_UNIVERSAL', 32768]], providers: [providerXml('FWPM_PROVIDER_IKEEXT', 'x')] }),
    ],
  ])('%s: its filters are the same as of the whole', async (_, text) => {
    const whole = await read(text);
    const part = await readDump('x.xml', [Buffer.from(text)], one);
    expect(part.filters).toEqual(whole.filters.filter(filter => filter.filterId === 2n));
    const layers = whole.layers.filter(layer => layer.layerKey === one.onlyLayer);
    expect(part).toMatchObject({ errors: 0, providers: whole.providers, layers });
  });
  test('filters that stand before the layer which they belong to are read all the same', async () => {
    const text = stateXml(some).replace(
      /(<layer>[\s\S]*?<\/layer>)\n([\s\S]*?)(?=<\/item>\n<item><layer>|<\/item>\n<\/layers>)/g,
      '$2\n$1',
    );
    expect((await readDump('x.xml', [Buffer.from(text)], one)).filters.map(each => each.filterId)).toEqual([2n]);
    expect((await read(text)).filters).toHaveLength(3);
  });
  test('the form of the rest is checked all the same', async () => {
    const text = stateXml(some)
      .replace('numItems="1"><item>FWPM_FILTER_FLAG_PERSISTENT', 'numItems="2"><item>FWPM_FILTER_FLAG_PERSISTENT')
      .replace('numItems="1">\n<item>FWPM_FILTER_FLAG_PERSISTENT', 'numItems="2">\n<item>FWPM_FILTER_FLAG_PERSISTENT');
    expect((await readDump('x.xml', [Buffer.from(text)], one)).problems[0]?.message).toMatch(
      /<flags> says numItems="2" but holds 1/,
    );
    expect((await readDump('x.xml', [Buffer.from(text.slice(0, 900))], one)).errors).toBeGreaterThan(0);
  });
});

test('a sublayer that no file tells gets its place from the order of the filters', async () => {
  const own = '{11111111-1111-4111-8111-111111111111}';
  const below = '{22222222-2222-4222-8222-222222222222}';
  const dump = await read(
    filtersXml([
      { id: 1, subLayer: own },
      { id: 2, subLayer: 'FWPM_SUBLAYER_UNIVERSAL' },
      { id: 3, subLayer: below },
      { id: 4, subLayer: 'FWPM_SUBLAYER_MPSSVC_WF' },
    ]),
  );
  const weights = new Map(dump.subLayers.map(each => [each.subLayerKey, each]));
  expect(weights.get(own.slice(1, -1))).toMatchObject({ weightFrom: 'order' });
  expect(weights.get(own.slice(1, -1))?.weight).toBeGreaterThan(32768);
  expect(weights.get(below.slice(1, -1))?.weight).toBeLessThan(32768);
  expect(weights.get(below.slice(1, -1))?.weight).toBeGreaterThan(2);
});
