import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { readAuditFile } from './audit-reader.ts';
import { filtersXml } from './dump-fixture.ts';
import { readDumpFile } from './dump-reader.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-source-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, data: Uint8Array): string => {
  writeFileSync(join(folder, name), data);
  return join(folder, name);
};
// Enough that decompression hands over something before the end.
const filters = Array.from({ length: 2000 }, (_, id) => ({ id: id + 1, name: `${Math.sin(id)}` }));

describe('compressed files', () => {
  const packed = gzipSync(filtersXml(filters));
  test('are unpacked', async () => expect((await readDumpFile(file('a.gz', packed))).filters).toHaveLength(2000));
  test('that are cut give what came before', async () => {
    const dump = await readDumpFile(file('b.gz', packed.subarray(0, packed.length - 2000)));
    expect(dump.filters.length).toBeGreaterThan(0);
    expect(dump.problems[0]?.message).toMatch(/compressed data is damaged/);
  });
  test('that are no gzip are refused', async () =>
    await expect(readDumpFile(file('c.gz', Buffer.from('\x1f\x8bxxxxxxxx', 'latin1')))).rejects.toThrow(
      /c\.gz: the compressed data is damaged/,
    ));
  test('a cut log gives what came before', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `{"EventID":5156,"RecordNumber":${i},"x":"${Math.sin(i)}"}`).join('\n');
    const log = await readAuditFile(file('d.gz', gzipSync(lines).subarray(0, -1000)));
    expect(log.events.length).toBeGreaterThan(0);
    expect(log.errors).toBe(1);
  });
});

test.each([
  ['none', /there is no such file/],
  ['.', /it is a directory/],
])('%s cannot be read', async (name, message) => await expect(readDumpFile(join(folder, name))).rejects.toThrow(message));
