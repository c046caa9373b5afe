import { expect, test } from 'vitest';
import { EmbeddedEngine } from '../embedded/engine.ts';
import { liveDump } from './live.ts';

test('filters that the engine cannot read are left out and told', async () => {
  const embedded = EmbeddedEngine.open();
  const session = embedded.openSession();
  expect(await liveDump(session)).toMatchObject({ problems: [], warnings: 0 });
  const lists = Object.assign(session, {
    filterList: async () => ({ filters: await session.filterEnum(), unreadable: [{ reason: 'filter 7 has match type 13' }] }),
  });
  const dump = await liveDump(lists);
  expect(dump.warnings).toBe(1);
  expect(dump.problems).toMatchObject([{ severity: 'warning', message: expect.stringContaining('filter 7 has match type 13') }]);
  embedded.close();
});
