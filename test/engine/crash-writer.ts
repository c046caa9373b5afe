/**
 * Writes transactions until it is killed, one line on the standard output for each that was committed: `C <number>`. Transaction n adds the
 * filters n.0, n.1 and n.2 and deletes those of transaction n-4, so the store shows after any end which transactions it holds.
 *   node test/engine/crash-writer.ts STORE FIRST
 */
import { writeSync } from 'node:fs';
import { EmbeddedEngine } from '../../engine/embedded/engine.ts';
import { LAYER_KEY } from '../../engine/model/keys.ts';
import { FILTER_FLAG } from '../../engine/model/objects.ts';

const [path, first] = process.argv.slice(2);
const engine = EmbeddedEngine.open({ path: path! });
const session = engine.openSession();
const key = (transaction: number, part: number) => `5a11f004-0000-4000-800${part}-${String(transaction).padStart(12, '0')}`;
writeSync(1, 'R\n');
for (let number = Number(first); ; number++) {
  await session.transaction(async () => {
    for (let part = 0; part < 3; part++) {
      await session.filterAdd({
        filterKey: key(number, part),
        displayData: { name: `${number}.${part}` },
        layerKey: LAYER_KEY.ALE_AUTH_CONNECT_V4,
        flags: FILTER_FLAG.PERSISTENT,
        filterCondition: [],
        action: { type: 'FWP_ACTION_BLOCK' },
        providerData: new Uint8Array(2000),
      });
      const old = (await session.filterEnum()).find(filter => filter.filterKey === key(number - 4, part));
      if (old !== undefined) await session.filterDeleteById(old.filterId);
    }
  });
  writeSync(1, `C ${number}\n`);
}
