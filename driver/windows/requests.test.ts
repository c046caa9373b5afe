import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import layout from '../callout/golden/layout.json' with { type: 'json' };
import { Message, SALLYPORT } from './contract.ts';
import { decodeStatistics, encodeModules } from './requests.ts';

/** What C wrote of this structure, every field with a value of its own. */
const golden = (name: string): Uint8Array =>
  Uint8Array.from(readFileSync(join(import.meta.dirname, '..', 'callout', 'golden', `${name}.bin`)));

describe('SET_MODULES', () => {
  test('proxy and stream lie where C reads them', () => {
    const known = new Message('MODULES', golden('MODULES'));
    // Process ids of the golden bytes go beyond what a number holds: the low half stands for them.
    const pid = Number(known.bigint('proxyProcessId') & 0xffffffffn);
    const port = known.number('proxyPortHost');
    const stream = { bytes: known.number('streamBytes'), flows: known.number('streamFlows') };
    const expected = new Message('MODULES', golden('MODULES'))
      .set('version', SALLYPORT.CONTRACT_VERSION)
      .set('modules', SALLYPORT.MODULE_REDIRECT | SALLYPORT.MODULE_STREAM)
      .set('proxyProcessId', pid).bytes;
    expect(encodeModules({ proxy: { pid, port }, stream })).toEqual(expected);
  });

  test.each([
    [{}, 0, []],
    [{ proxy: { pid: 6060, port: 8877 } }, SALLYPORT.MODULE_REDIRECT, ['proxyProcessId', 'proxyPortHost']],
    [{ stream: { bytes: 512, flows: 64 } }, SALLYPORT.MODULE_STREAM, ['streamBytes', 'streamFlows']],
  ] as const)('%j', (modules, bits, named) => {
    const message = new Message('MODULES', encodeModules(modules));
    const zero = ['proxyProcessId', 'proxyPortHost', 'streamBytes', 'streamFlows'].filter(
      name => !(named as readonly string[]).includes(name),
    );
    expect(message.number('modules')).toBe(bits);
    expect(zero.map(name => message.bigint(name))).toEqual(zero.map(() => 0n));
    expect(named.every(name => message.bigint(name) !== 0n)).toBe(true);
  });
});

test('every counter that C wrote is read, by its name', () => {
  const statistics = decodeStatistics(golden('STATISTICS'));
  const fields = layout.structures.STATISTICS.fields;
  for (const { name, count, values } of fields) {
    if (count > 1 || name === 'version' || name.startsWith('reserved')) continue;
    expect([name, statistics.get(name)]).toEqual([name, BigInt(values[0]!)]);
  }
  const byReason = fields.filter(field => field.count > 1).flatMap(field => field.values.slice(1));
  const known = [...statistics.values()].map(String);
  expect(byReason.filter(value => !known.includes(value))).toEqual([]);
});
