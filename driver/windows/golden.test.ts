import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { requirement } from '../../test/support/requirement.ts';
import layout from '../callout/golden/layout.json' with { type: 'json' };
import { fieldsOf, Message, type StructureName, sizeOf } from './contract.ts';

const callout = join(import.meta.dirname, '..', 'callout');
const names = Object.keys(layout.structures) as StructureName[];
const valuesOf = (name: StructureName) => new Map(layout.structures[name].fields.map(field => [field.name, field.values]));

describe('what C wrote, TypeScript reads', () => {
  test.each(names)('%s', name => {
    const bytes = readFileSync(join(callout, 'golden', `${name}.bin`));
    expect(bytes.length).toBe(sizeOf(name));
    const message = new Message(name, bytes);
    const values = valuesOf(name);
    for (const [field, { count }] of fieldsOf(name)) {
      const read = Array.from({ length: count }, (_, index) => String(message.bigint(field, index)));
      expect([field, read]).toEqual([field, values.get(field)]);
    }
  });
});

describe('what TypeScript writes, C reads', () => {
  const compiler = ['cc', 'gcc', 'clang'].find(name => spawnSync(name, ['--version']).status === 0);
  const ready = requirement('a C compiler', compiler !== undefined, 'apt-get install gcc');
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-golden-'));
  const checker = join(folder, 'layout');
  if (ready) execFileSync(compiler!, ['-std=gnu11', '-Wall', '-Werror', '-o', checker, join(callout, 'layout', 'layout.c')]);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.runIf(ready).each(names)('%s', name => {
    const message = new Message(name);
    for (const [field, values] of valuesOf(name)) {
      values.forEach((value, index) => {
        message.set(field, BigInt(value), index);
      });
    }
    const file = join(folder, `${name}.bin`);
    writeFileSync(file, message.bytes);
    const check = spawnSync(checker, ['check', name, file], { encoding: 'utf8' });
    expect(check.stderr).toBe('');
    expect(check.status).toBe(0);
    message.bytes[sizeOf(name) - 1]! ^= 0xff;
    writeFileSync(file, message.bytes);
    expect(spawnSync(checker, ['check', name, file]).status).toBe(1);
  });
});

test('a value that does not fit and a buffer that is too short are refused', () => {
  expect(() => new Message('VERDICT').set('verdict', 1n << 32n)).toThrow('does not fit');
  expect(() => new Message('WELCOME', new Uint8Array(47))).toThrow('47 bytes are too few');
});
