import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** Growth of the resident memory, in MB, by reads of one size or of many, counted in a process that does nothing else. */
function growth(sizes: number): number {
  const memory = fileURLToPath(new URL('memory.ts', import.meta.url));
  const script = `
    const { readBytes } = await import(${JSON.stringify(memory)});
    const koffi = (await import('koffi')).default;
    const address = koffi.alloc('uint8_t', 65536);
    const read = count => { for (let at = 0; at < count; at++) readBytes(address, 64 + 8 * (at % ${sizes})); gc(); };
    read(2000);
    const before = process.memoryUsage.rss();
    read(200000);
    console.log((process.memoryUsage.rss() - before) / 1e6);`;
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  return Number(execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], { cwd, encoding: 'utf8' }));
}

// A type made for each size is never given back: 150 MB and more here.
test('what is read in many different sizes is not kept', () => {
  expect(growth(500) - growth(1)).toBeLessThan(60);
});
