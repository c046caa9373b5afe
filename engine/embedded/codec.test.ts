import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bare, decode, encode } from './codec.ts';

const tree = fc.letrec(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.bigInt(),
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.uint8Array(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-zA-Z]{1,8}$/), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

test('what is written is read again', () => {
  fc.assert(
    fc.property(tree, value => {
      expect(decode(encode(value))).toEqual(value);
    }),
  );
});

test('a copy shares no bytes with what it was made of, and a Buffer becomes plain bytes', () => {
  const data = Buffer.from('secret');
  const copy = bare({ data, left: undefined, list: [data] });
  data.fill(0);
  expect(Buffer.from(copy.data).toString()).toBe('secret');
  expect(Buffer.isBuffer(copy.list[0])).toBe(false);
  expect('left' in copy).toBe(false);
});
