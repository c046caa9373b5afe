import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CONDITION_KEY } from '../model/keys.ts';
import type { FwpConditionValue, FwpValue, MatchType } from '../model/value.ts';
import { compileCondition, NO, needsOf, UNKNOWN, YES } from './condition.ts';
import { blocksOf, Probe } from './probe.ts';

const EMPTY: FwpValue = { type: 'FWP_EMPTY' };
const condition = (matchType: MatchType, conditionValue: FwpConditionValue) => ({
  fieldKey: CONDITION_KEY.IP_REMOTE_ADDRESS,
  matchType,
  conditionValue,
});
const compare = (matchType: MatchType, wanted: FwpConditionValue, value: FwpValue) =>
  compileCondition(condition(matchType, wanted))(value);
const text = (value: string): FwpValue => ({ type: 'FWP_UNICODE_STRING_TYPE', value });
const blob = (value: string, end = '\0'): FwpValue => ({
  type: 'FWP_BYTE_BLOB_TYPE',
  value: new Uint8Array(Buffer.from(value + end, 'utf16le')),
});
const u16 = (value: number): FwpValue => ({ type: 'FWP_UINT16', value });
const v6 = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));

describe('comparisons', () => {
  test('strings without regard to case', () => {
    expect(compare('FWP_MATCH_EQUAL_CASE_INSENSITIVE', text('Example'), text('EXAMPLE'))).toBe(YES);
    expect(compare('FWP_MATCH_EQUAL_CASE_INSENSITIVE', text('Example'), text('Sample'))).toBe(NO);
    expect(compare('FWP_MATCH_EQUAL', text('a'), text('A'))).toBe(NO);
  });

  test('PREFIX looks at the end of a blob string, with or without the closing NUL', () => {
    for (const end of ['', '\0']) {
      expect(compare('FWP_MATCH_PREFIX', blob('curl.exe', end), blob('\\device\\x\\curl.exe'))).toBe(YES);
      expect(compare('FWP_MATCH_PREFIX', blob('\\device', end), blob('\\device\\x\\curl.exe'))).toBe(NO);
      expect(compare('FWP_MATCH_NOT_PREFIX', blob('curl.exe', end), blob('wget.exe'))).toBe(YES);
    }
    expect(compare('FWP_MATCH_PREFIX', text('.exe'), text('a.exe'))).toBe(YES);
  });

  test('signed integers keep their sign', () => {
    expect(compare('FWP_MATCH_LESS', { type: 'FWP_INT32', value: 1 }, { type: 'FWP_INT32', value: -5 })).toBe(YES);
    expect(compare('FWP_MATCH_GREATER', { type: 'FWP_INT64', value: -2n }, { type: 'FWP_INT64', value: -1n })).toBe(YES);
  });

  test('a field that is empty matches EQUAL FWP_EMPTY and nothing else', () => {
    expect(compare('FWP_MATCH_EQUAL', EMPTY, EMPTY)).toBe(YES);
    expect(compare('FWP_MATCH_NOT_EQUAL', EMPTY, u16(1))).toBe(YES);
    for (const type of ['FWP_MATCH_EQUAL', 'FWP_MATCH_NOT_EQUAL', 'FWP_MATCH_LESS', 'FWP_MATCH_FLAGS_NONE_SET'] as const)
      expect(compare(type, u16(0), EMPTY)).toBe(NO);
  });

  test('an IPv6 prefix may end inside a byte', () => {
    const net = (prefixLength: number): FwpConditionValue => ({
      type: 'FWP_V6_ADDR_MASK',
      value: { addr: v6('fe800000000000000000000000000000'), prefixLength },
    });
    const value: FwpValue = { type: 'FWP_BYTE_ARRAY16_TYPE', value: v6('febf0000000000000000000000000001') };
    expect(compare('FWP_MATCH_EQUAL', net(10), value)).toBe(YES);
    expect(compare('FWP_MATCH_EQUAL', net(11), value)).toBe(NO);
    expect(compare('FWP_MATCH_EQUAL', net(0), value)).toBe(YES);
    expect(compare('FWP_MATCH_NOT_EQUAL', net(11), value)).toBe(YES);
  });

  test('what WFP does not define is unknown, and says so', () => {
    const odd = condition('FWP_MATCH_FLAGS_ALL_SET', blob('x'));
    expect(compileCondition(odd)(blob('x'))).toBe(UNKNOWN);
    expect(needsOf(odd, blob('x'))).toBe('how FWP_MATCH_FLAGS_ALL_SET compares FWP_BYTE_BLOB_TYPE');
    expect(compare('FWP_MATCH_OF_A_LATER_BUILD' as MatchType, u16(1), u16(1))).toBe(UNKNOWN);
    expect(
      compare(
        'FWP_MATCH_EQUAL',
        { type: 'FWP_SECURITY_DESCRIPTOR_TYPE', value: 'nonsense' },
        { type: 'FWP_SID', value: 'S-1-1-0' },
      ),
    ).toBe(UNKNOWN);
  });
});

/** Numbers near each other and near the ends, so that ranges are hit. */
const near = (top: number) => fc.oneof(fc.nat(40), fc.integer({ min: 0, max: top }), fc.integer({ min: top - 40, max: top }));

test('the blocks of a condition cover whatever it matches', () => {
  const kinds = [
    ['FWP_UINT8', 0xff],
    ['FWP_UINT16', 0xffff],
    ['FWP_UINT32', 0xffffffff],
  ] as const;
  fc.assert(
    fc.property(
      fc
        .constantFrom(...kinds)
        .chain(([type, top]) => fc.record({ type: fc.constant(type), numbers: fc.tuple(near(top), near(top), near(top)) })),
      fc.constantFrom<MatchType>(
        'FWP_MATCH_EQUAL',
        'FWP_MATCH_RANGE',
        'FWP_MATCH_GREATER',
        'FWP_MATCH_LESS',
        'FWP_MATCH_LESS_OR_EQUAL',
        'FWP_MATCH_GREATER_OR_EQUAL',
      ),
      fc.nat(32),
      fc.boolean(),
      ({ type, numbers: [a, b, number] }, matchType, prefix, masked) => {
        const value = (of: number): FwpValue => ({ type, value: of });
        const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
        const wanted: FwpConditionValue =
          matchType === 'FWP_MATCH_RANGE'
            ? { type: 'FWP_RANGE_TYPE', value: { low: value(Math.min(a, b)), high: value(Math.max(a, b)) } }
            : type === 'FWP_UINT32' && masked && matchType === 'FWP_MATCH_EQUAL'
              ? { type: 'FWP_V4_ADDR_MASK', value: { addr: a, mask } }
              : value(a);
        const one = condition(matchType, wanted);
        const blocks = blocksOf(one);
        if (blocks === undefined || compileCondition(one)(value(number)) !== YES) return;
        const probe = new Probe(0, blocks[0]!);
        probe.compute(value(number));
        expect(blocks.map(block => block.hash)).toContain(probe.hash);
      },
    ),
    { numRuns: 5000 },
  );
});
