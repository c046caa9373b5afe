import { describe, expect, test } from 'vitest';
import { mutate, random } from '../../test/dumps/mutate.ts';
import { filtersXml, providerXml, stateXml } from './dump-fixture.ts';
import { PlainXml, plainText } from './plain-xml.ts';
import type { XmlNode } from './xml-node.ts';
import { XmlReader } from './xml-reader.ts';

/** Everything that a reader hands over and complains of. */
async function read(text: string, sizes: () => number): Promise<unknown> {
  const found: unknown[] = [];
  const reader: XmlReader = new XmlReader({
    isContainer: (name, path) => path.length < 2 && name !== 'timeStamp' && name !== 'flat',
    opened: (name, path, line) => found.push(['opened', name, [...path], line, reader.column]),
    node: (node: XmlNode, path) => found.push([node, [...path], reader.line, reader.column]),
    skips: name => name === 'skipped',
    abandons: child => child.text === 'abandoned',
  });
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    const size = sizes();
    await reader.write(bytes.subarray(at, at + size));
    at += size;
  }
  await reader.end();
  // Bare ampersands are told for a whole piece at once, so the order is not that of the places.
  const problems = reader.problems.list.map(each => JSON.stringify(each)).sort();
  return { found, problems };
}

/** The same text with a comment in front, as long as the declaration, so that the library reads all of it. */
const DECLARATION = '<?xml version="1.0"?>\n';
const COMMENT = `<!--${'.'.repeat(DECLARATION.length - 8)}-->\n`;

async function same(body: string, size: number): Promise<void> {
  const next = random(size);
  const sizes = size === 0 ? () => 1 << 20 : () => 1 + next(size);
  expect(await read(DECLARATION + body, sizes)).toEqual(await read(COMMENT + body, () => 1 << 20));
}

const filters = [1, 2, 3].map(id => ({
  id,
  name: ['Größe 💥 <&> "x"', 'a\tb', ''][id - 1]!,
  flags: ['FWPM_FILTER_FLAG_PERSISTENT'],
  conditions: [['IP_REMOTE_PORT', 'EQUAL', 'FWP_UINT16', '443']] as const,
}));
const bodyOf = (text: string) => text.replace(/^.*\n/, '');
const BODIES = [
  bodyOf(filtersXml(filters, [providerXml('{00000000-0000-4000-8000-000000000001}', 'x')])),
  bodyOf(stateXml(filters, { subLayers: [['FWPM_SUBLAYER_UNIVERSAL', 32768]] })).replaceAll('\n', '\r\n'),
  '<a>\n<b>\n<skipped numItems="2"><c>1</c></skipped>\n<flat>1<x>abandoned</x><y>2</y> 3 </flat>\n</b>\n</a>\n',
];

describe('the plain lane says what the library says', () => {
  test.each([
    ...BODIES,
    '<a>text <b>1 > 2</b>\r<c>\r\n x\r</c></a>',
    '<a><b>&amp;&lt;&gt;&quot;&apos;</b><b>&#65;&unknown; & &amp</b></a>',
    '<a><b>💥</b>💥<c/><c numItems="0"/></a>',
    '<a><b x="1" numItems="1"/><b numItems=""/><b numItems="x"/><b  numItems="1"></b ></a>',
    '<a><b>]]></b><b>\u0001</b></a>',
    '<a><b><![CDATA[<x>]]></b><!-- --><?p i?></a>',
    '<a><?xml version="1.0"?></a><?xml version="1.0"?>\n<b/>',
    '<a></b></a>',
    '<a><b></a>',
    '<a>',
    '<a',
    '<a>x',
    '<é><b:c/><_d-1.x/></é>',
    `<a><b>${'long '.repeat(20_000)}</b><c/></a>`,
    '<a></a>stray<b/>',
    '< a/>',
    '<a/ >',
    '<1a/>',
  ])('%#', async body => {
    for (const size of [0, 1, 7, 64]) await same(body, size);
  });

  test('under damage', async () => {
    for (let run = 0; run < 400; run++) {
      const next = random(run);
      await same(mutate(BODIES[next(BODIES.length)]!, next), run % 4 === 0 ? 0 : 1 + next(300));
    }
  });
});

test('plain text is taken to its end', () => {
  const names: string[] = [];
  const lane = new PlainXml({ open: name => names.push(name), close: () => names.push('/'), text: () => true });
  for (const piece of ['<a><b', '>x</', 'b>\n', '</a>\n']) expect(lane.write(piece, false)).toBeUndefined();
  expect(names).toEqual(['a', 'b', '/', '/']);
  expect(lane.open).toEqual([]);
});

test.each([
  ['a', 'a'],
  ['&amp;lt;\r\n\r', '&lt;\n\n'],
  ['&#65;', undefined],
  ['&', undefined],
  ['&amp', undefined],
])('text %j is %j', (text, expected) => expect(plainText(text)).toBe(expected));
