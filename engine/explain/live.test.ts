import { expect, test } from 'vitest';
import { EmbeddedEngine } from '../embedded/engine.ts';
import { CONDITION_KEY, LAYER_KEY, SUBLAYER_KEY } from '../model/keys.ts';
import type { Filter, FilterInput } from '../model/objects.ts';
import { UNREADABLE_CALLOUT, UNREADABLE_FIELD } from '../model/unreadable.ts';
import { explainFlow } from './explain.ts';
import { filterReport } from './filter-report.ts';
import { parseShortFlow } from './flow.ts';
import { liveDump } from './live.ts';
import { Machine } from './machine.ts';

const port = (value: number) => ({
  fieldKey: CONDITION_KEY.IP_REMOTE_PORT,
  matchType: 'FWP_MATCH_EQUAL' as const,
  conditionValue: { type: 'FWP_UINT16' as const, value },
});
const unknown = {
  fieldKey: UNREADABLE_FIELD,
  matchType: 'FWP_MATCH_EQUAL' as const,
  conditionValue: { type: 'FWP_EMPTY' as const },
};
const REASON = 'filter 7 has match type 13';

/** An engine with one filter that permits everything, and one above it that could not be read. */
async function machineWith(standIn: Pick<FilterInput, 'filterCondition' | 'action'>) {
  const embedded = EmbeddedEngine.open();
  const session = embedded.openSession();
  const permit = await session.filterAdd({
    displayData: { name: 'all' },
    layerKey: LAYER_KEY.ALE_AUTH_CONNECT_V4,
    subLayerKey: SUBLAYER_KEY.UNIVERSAL,
    filterCondition: [],
    action: { type: 'FWP_ACTION_PERMIT' },
  });
  const above: Filter = { ...permit, filterId: 7n, effectiveWeight: permit.effectiveWeight + 1n, ...standIn };
  const dump = await liveDump(
    Object.assign(session, {
      filterList: async () => ({ filters: [permit], unreadable: [{ reason: REASON, standIn: above }] }),
    }),
  );
  embedded.close();
  return new Machine(dump);
}

test('an engine without such filters has no problems', async () => {
  const embedded = EmbeddedEngine.open();
  expect(await liveDump(embedded.openSession())).toMatchObject({ problems: [], warnings: 0 });
  embedded.close();
});

test('what a filter with an unreadable condition could change is unknown, and only that', async () => {
  const machine = await machineWith({ filterCondition: [port(443), unknown], action: { type: 'FWP_ACTION_BLOCK' } });
  expect(machine.dump.warnings).toBe(1);
  expect(machine.dump.problems).toMatchObject([{ severity: 'warning', message: expect.stringContaining(REASON) }]);
  const report = explainFlow(machine, parseShortFlow('curl -> 192.0.2.1:443/tcp'));
  expect(report).toMatchObject({ verdict: 'unknown', possible: ['permit', 'block'] });
  expect(report.candidates.map(each => each.filterId)).toContain('7');
  expect(explainFlow(machine, parseShortFlow('curl -> 192.0.2.1:80/tcp')).verdict).toBe('permit');
  const told = filterReport(machine, machine.dump.filters.find(filter => filter.filterId === 7n)!);
  expect(told).toMatchObject({ unknown: [REASON], conditions: [{}, { matchType: 'UNREADABLE', value: REASON }] });
});

test('an unreadable action may be any', async () => {
  const action = { type: 'FWP_ACTION_CALLOUT_UNKNOWN', calloutKey: UNREADABLE_CALLOUT } as const;
  const machine = await machineWith({ filterCondition: [port(443)], action });
  expect(explainFlow(machine, parseShortFlow('curl -> 192.0.2.1:443/tcp'))).toMatchObject({ verdict: 'unknown' });
  expect(explainFlow(machine, parseShortFlow('curl -> 192.0.2.1:80/tcp')).verdict).toBe('permit');
});
