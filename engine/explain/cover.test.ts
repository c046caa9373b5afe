import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DumpCondition, DumpFilter } from '../dumps/dump.ts';
import { compileCondition, YES } from '../embedded/condition.ts';
import { CONDITION_KEY } from '../model/keys.ts';
import type { FwpValue, MatchType } from '../model/value.ts';
import { covers, groupsOf } from './cover.ts';

const port = fc.integer({ min: 0, max: 12 }).map(value => ({ type: 'FWP_UINT16', value }) as const);
const address = fc.integer({ min: 0xc0000200, max: 0xc000020f });
const portCondition: fc.Arbitrary<DumpCondition> = fc.oneof(
  fc.tuple(fc.constantFrom('EQUAL', 'NOT_EQUAL', 'GREATER', 'LESS_OR_EQUAL'), port).map(([match, conditionValue]) => ({
    fieldKey: CONDITION_KEY.IP_REMOTE_PORT,
    matchType: `FWP_MATCH_${match}` as MatchType,
    conditionValue,
  })),
  fc.tuple(port, port).map(([low, high]) => ({
    fieldKey: CONDITION_KEY.IP_REMOTE_PORT,
    matchType: 'FWP_MATCH_RANGE' as const,
    conditionValue: { type: 'FWP_RANGE_TYPE' as const, value: { low, high } },
  })),
);
const addressCondition: fc.Arbitrary<DumpCondition> = fc.oneof(
  address.map(value => ({
    fieldKey: CONDITION_KEY.IP_REMOTE_ADDRESS,
    matchType: 'FWP_MATCH_EQUAL' as const,
    conditionValue: { type: 'FWP_UINT32' as const, value },
  })),
  fc.tuple(address, fc.integer({ min: 26, max: 32 })).map(([addr, prefix]) => ({
    fieldKey: CONDITION_KEY.IP_REMOTE_ADDRESS,
    matchType: 'FWP_MATCH_EQUAL' as const,
    conditionValue: { type: 'FWP_V4_ADDR_MASK' as const, value: { addr, mask: (0xffffffff << (32 - prefix)) >>> 0 } },
  })),
);
const flags = fc.tuple(fc.constantFrom('FLAGS_ALL_SET', 'FLAGS_ANY_SET', 'FLAGS_NONE_SET'), fc.integer({ min: 1, max: 7 })).map(
  ([match, value]): DumpCondition => ({
    fieldKey: CONDITION_KEY.FLAGS,
    matchType: `FWP_MATCH_${match}` as MatchType,
    conditionValue: { type: 'FWP_UINT32', value },
  }),
);
const conditions = fc
  .tuple(
    fc.array(portCondition, { maxLength: 2 }),
    fc.array(addressCondition, { maxLength: 2 }),
    fc.array(flags, { maxLength: 1 }),
  )
  .map(lists => lists.flat());

const groups = (list: readonly DumpCondition[]) => groupsOf({ filterCondition: list } as unknown as DumpFilter);
const matches = (list: readonly DumpCondition[], values: Readonly<Record<string, FwpValue>>) =>
  [...groups(list)].every(([field, group]) => group.some(condition => compileCondition(condition)(values[field]!) === YES));

test('what is covered never matches where the cover does not', () => {
  const value = fc.record({
    [CONDITION_KEY.IP_REMOTE_PORT]: port,
    [CONDITION_KEY.IP_REMOTE_ADDRESS]: address.map(value => ({ type: 'FWP_UINT32', value }) as FwpValue),
    [CONDITION_KEY.FLAGS]: fc.nat(7).map(value => ({ type: 'FWP_UINT32', value }) as FwpValue),
  });
  let covered = 0;
  fc.assert(
    fc.property(conditions, conditions, fc.array(value, { minLength: 20, maxLength: 20 }), (outer, inner, samples) => {
      if (!covers(groups(outer), groups(inner))) return;
      covered++;
      for (const sample of samples) if (matches(inner, sample)) expect(matches(outer, sample)).toBe(true);
    }),
    { numRuns: 3000 },
  );
  expect(covered).toBeGreaterThan(100);
});
