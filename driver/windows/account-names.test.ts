import { expect, test } from 'vitest';
import { AccountNames } from './account-names.ts';

const sid = (last: number) => [Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 5, last, 0, 0, 0), `S-1-5-${last}`] as const;

function looked() {
  const asked: { last: number; answer: (name?: string) => void; fail: () => void }[] = [];
  let now = 0;
  const names = new AccountNames(
    bytes =>
      new Promise((resolve, reject) => {
        asked.push({ last: bytes[8]!, answer: resolve, fail: () => reject(new Error('no controller')) });
      }),
    () => now,
  );
  return {
    names,
    asked,
    later: (ms: number) => {
      now += ms;
    },
  };
}

test('nobody waits: the name is there once it has come, and is asked for once', async () => {
  const { names, asked } = looked();
  expect([names.of(...sid(18)), names.of(...sid(18))]).toEqual([undefined, undefined]);
  expect(asked.length).toBe(1);
  asked[0]!.answer('NT AUTHORITY\\SYSTEM');
  await expect.poll(() => names.of(...sid(18))).toBe('NT AUTHORITY\\SYSTEM');
  expect(asked.length).toBe(1);
});

test('one look-up runs at a time', async () => {
  const { names, asked } = looked();
  for (const last of [18, 19, 20]) names.of(...sid(last));
  expect(asked.map(one => one.last)).toEqual([18]);
  asked[0]!.fail();
  await expect.poll(() => asked.map(one => one.last)).toEqual([18, 19]);
  asked[1]!.answer('b');
  await expect.poll(() => asked.length).toBe(3);
  expect(names.of(...sid(19))).toBe('b');
});

test('a look-up that failed is made again later, not at once', async () => {
  const { names, asked, later } = looked();
  names.of(...sid(18));
  asked[0]!.answer(undefined);
  names.of(...sid(19));
  await expect.poll(() => asked.length).toBe(2);
  asked[1]!.answer('b');
  await expect.poll(() => names.of(...sid(19))).toBe('b');
  names.of(...sid(18));
  expect(asked.length).toBe(2);
  later(60_000);
  names.of(...sid(18));
  expect(asked.length).toBe(3);
});
