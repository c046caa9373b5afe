import { expect, test } from 'vitest';
import { CONDITION_KEY } from '../model/keys.ts';
import type { FwpConditionValue, MatchType } from '../model/value.ts';
import { conditionsText, conditionText } from './condition-text.ts';

const text = (field: keyof typeof CONDITION_KEY, match: string, conditionValue: FwpConditionValue) =>
  conditionText({ fieldKey: CONDITION_KEY[field], matchType: `FWP_MATCH_${match}` as MatchType, conditionValue });

test.each([
  ['IP_PROTOCOL', 'EQUAL', { type: 'FWP_UINT8', value: 17 }, 'protocol is udp'],
  ['IP_REMOTE_ADDRESS', 'EQUAL', { type: 'FWP_UINT32', value: 0xc0000201 }, 'remote address is 192.0.2.1'],
  [
    'IP_REMOTE_ADDRESS',
    'EQUAL',
    { type: 'FWP_V4_ADDR_MASK', value: { addr: 0x0a000000, mask: 0xff000000 } },
    'remote address is 10.0.0.0/8',
  ],
  ['IP_REMOTE_ADDRESS', 'EQUAL', { type: 'FWP_V4_ADDR_MASK', value: { addr: 0, mask: 0 } }, 'remote address is 0.0.0.0/0'],
  [
    'IP_REMOTE_PORT',
    'RANGE',
    { type: 'FWP_RANGE_TYPE', value: { low: { type: 'FWP_UINT16', value: 1 }, high: { type: 'FWP_UINT16', value: 9 } } },
    'remote port is in 1 – 9',
  ],
  ['FLAGS', 'FLAGS_NONE_SET', { type: 'FWP_UINT32', value: 0x40000001 }, 'flags have none of IS_LOOPBACK, 0x40000000'],
  ['ALE_PACKAGE_ID', 'NOT_EQUAL', { type: 'FWP_SID', value: 'S-1-0-0' }, 'app package is not none'],
  [
    'ALE_USER_ID',
    'EQUAL',
    { type: 'FWP_SECURITY_DESCRIPTOR_TYPE', value: 'O:SYG:SYD:(A;;CC;;;S-1-5-18)' },
    'user is one of SYSTEM (S-1-5-18)',
  ],
  [
    'ALE_USER_ID',
    'EQUAL',
    { type: 'FWP_SECURITY_DESCRIPTOR_TYPE', value: 'O:SYG:SYD:(D;;CC;;;S-1-5-18)(A;;CC;;;WD)' },
    'user is granted by O:SYG:SYD:(D;;CC;;;S-1-5-18)(A;;CC;;;WD)',
  ],
  ['CURRENT_PROFILE_ID', 'EQUAL', { type: 'FWP_UINT32', value: 1 }, 'current profile id is 1 (public)'],
  ['IP_LOCAL_INTERFACE', 'EQUAL', { type: 'FWP_UINT64', value: 1688849977704448n }, 'interface is 1688849977704448'],
] as const)('%s %s', (field, match, value, expected) => expect(text(field, match, value)).toBe(expected));

test('alternatives of one field stand together, fields are joined', () => {
  const port = (value: number) =>
    ({
      fieldKey: CONDITION_KEY.IP_REMOTE_PORT,
      matchType: 'FWP_MATCH_EQUAL',
      conditionValue: { type: 'FWP_UINT16', value },
    }) as const;
  const protocol = {
    fieldKey: CONDITION_KEY.IP_PROTOCOL,
    matchType: 'FWP_MATCH_EQUAL',
    conditionValue: { type: 'FWP_UINT8', value: 6 },
  } as const;
  expect(conditionsText([port(1), port(2), protocol])).toBe('(remote port is 1 or remote port is 2), protocol is tcp');
  expect(conditionsText([])).toBe('any traffic');
});
