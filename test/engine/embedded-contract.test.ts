import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { EmbeddedEngine } from '../../engine/embedded/engine.ts';
import { describeFilterEngine } from './filter-engine-contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-contract-'));
const inMemory = EmbeddedEngine.open();
const onDisk = EmbeddedEngine.open({ path: join(folder, 'filters.db') });

describeFilterEngine('the embedded engine in memory', async options => inMemory.openSession(options));
describeFilterEngine('the embedded engine with a store', async options => onDisk.openSession(options));

afterAll(() => {
  inMemory.close();
  onDisk.close();
  rmSync(folder, { recursive: true });
});
