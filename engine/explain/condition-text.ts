import { formatV4, formatV6 } from '../dumps/address.ts';
import type { DumpCondition } from '../dumps/dump.ts';
import { utf16 } from '../dumps/keep.ts';
import { shownKey } from '../dumps/key-names.ts';
import type { Guid } from '../model/guid.ts';
import type { FwpConditionValue } from '../model/value.ts';
import { flagWords, numberWord, sidWord } from './words.ts';

/** Fields as people say them; the rest are their names in lower case with blanks. */
const FIELD: Readonly<Record<string, string>> = {
  ALE_APP_ID: 'program',
  ALE_ORIGINAL_APP_ID: 'original program',
  ALE_USER_ID: 'user',
  ALE_PACKAGE_ID: 'app package',
  ALE_PACKAGE_FAMILY_NAME: 'package family',
  IP_REMOTE_ADDRESS: 'remote address',
  IP_LOCAL_ADDRESS: 'local address',
  IP_REMOTE_PORT: 'remote port',
  IP_LOCAL_PORT: 'local port',
  IP_PROTOCOL: 'protocol',
  IP_LOCAL_INTERFACE: 'interface',
  ALE_SIO_FIREWALL_SYSTEM_PORT: 'system port flags',
  PEER_NAME: 'peer name',
};
const SYSTEM_PORT = { SYSTEM_PORT: 1, SECURE_SOCKET: 2, TEREDO: 4 };

/** A field in words. */
export const fieldText = (field: string): string =>
  FIELD[field] ??
  field
    .toLowerCase()
    .replace(/^ip_|^ale_/, '')
    .replaceAll('_', ' ');

const isAddress = (field: string): boolean => /ADDRESS(_V[46])?$/.test(field) && !field.includes('MAC_');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
const macText = (bytes: Uint8Array): string => hex(bytes).replace(/(..)(?=.)/g, '$1:');

/** Whether a blob is readable text in UTF-16LE. */
function readable(bytes: Uint8Array): string | undefined {
  if (bytes.length < 2 || bytes.length % 2 !== 0) return undefined;
  const text = utf16(bytes);
  return text !== '' && !/[\u0000-\u001f\ufffe\uffff\ud800-\udfff]/.test(text) ? text : undefined;
}

/** Value of a field as text, readable and exact. */
export function valueText(field: string, value: FwpConditionValue): string {
  switch (value.type) {
    case 'FWP_EMPTY':
      return '(empty)';
    case 'FWP_UINT32':
      return isAddress(field) ? formatV4(value.value) : numberWord(field, value.value);
    case 'FWP_BYTE_ARRAY16_TYPE':
      return isAddress(field) ? formatV6(value.value) : hex(value.value);
    case 'FWP_BYTE_ARRAY6_TYPE':
      return macText(value.value);
    case 'FWP_BYTE_BLOB_TYPE':
      return readable(value.value) ?? `0x${hex(value.value)}`;
    case 'FWP_SID':
      return field === 'ALE_PACKAGE_ID' && value.value.toUpperCase() === 'S-1-0-0' ? 'none' : sidWord(value.value);
    case 'FWP_SECURITY_DESCRIPTOR_TYPE':
    case 'FWP_UNICODE_STRING_TYPE':
      return value.value;
    case 'FWP_TOKEN_INFORMATION_TYPE':
    case 'FWP_TOKEN_ACCESS_INFORMATION_TYPE':
      return `${value.value.sids.map(sidWord).join(', ')}${value.value.partial ? ' and others' : ''}`;
    case 'FWP_V4_ADDR_MASK':
      return `${formatV4(value.value.addr)}${maskText(value.value.mask)}`;
    case 'FWP_V6_ADDR_MASK':
      return `${formatV6(value.value.addr)}/${value.value.prefixLength}`;
    case 'FWP_RANGE_TYPE':
      return `${valueText(field, value.value.low)} – ${valueText(field, value.value.high)}`;
    default:
      return typeof value.value === 'number' ? numberWord(field, value.value) : String(value.value);
  }
}

function maskText(mask: number): string {
  const ones = Math.clz32(~mask);
  const expected = ones === 0 ? 0 : ones === 32 ? 0xffffffff : (0xffffffff << (32 - ones)) >>> 0;
  return expected === mask >>> 0 ? `/${ones}` : `/${formatV4(mask)}`;
}

const COMPARISON: Readonly<Record<string, string>> = {
  FWP_MATCH_EQUAL: 'is',
  FWP_MATCH_NOT_EQUAL: 'is not',
  FWP_MATCH_GREATER: 'is greater than',
  FWP_MATCH_LESS: 'is less than',
  FWP_MATCH_GREATER_OR_EQUAL: 'is at least',
  FWP_MATCH_LESS_OR_EQUAL: 'is at most',
  FWP_MATCH_RANGE: 'is in',
  FWP_MATCH_EQUAL_CASE_INSENSITIVE: 'is (any case)',
  FWP_MATCH_PREFIX: 'ends with',
  FWP_MATCH_NOT_PREFIX: 'does not end with',
};

function descriptorText(field: string, sddl: string): string {
  const granted = [...sddl.matchAll(/\(A;[^;]*;[^;]*;[^;]*;[^;]*;([^;()]+)\)/g)].map(match => match[1] ?? '');
  const simple = granted.length > 0 && !/\((D|XA|XD|OA|OD);/.test(sddl);
  return simple
    ? `${fieldText(field)} is one of ${granted.map(sidWord).join(', ')}`
    : `${fieldText(field)} is granted by ${sddl}`;
}

/** A condition as a sentence without a full stop: `remote port is 443`. */
export function conditionText(condition: DumpCondition, names?: ReadonlyMap<Guid, string>): string {
  const field = shownKey('condition', condition.fieldKey, names);
  const { matchType, conditionValue: value } = condition;
  if (condition.asFound !== undefined) return `${fieldText(field)} ? ${condition.asFound} (could not be read)`;
  if (value.type === 'FWP_SECURITY_DESCRIPTOR_TYPE' && matchType === 'FWP_MATCH_EQUAL') return descriptorText(field, value.value);
  if (
    matchType.startsWith('FWP_MATCH_FLAGS') &&
    'value' in value &&
    (typeof value.value === 'number' || typeof value.value === 'bigint')
  ) {
    const words = flagWords(
      Number(value.value),
      field === 'FLAGS' ? undefined : field === 'ALE_SIO_FIREWALL_SYSTEM_PORT' ? SYSTEM_PORT : {},
    );
    const how = {
      FWP_MATCH_FLAGS_ALL_SET: 'have all of',
      FWP_MATCH_FLAGS_ANY_SET: 'have any of',
      FWP_MATCH_FLAGS_NONE_SET: 'have none of',
    };
    return `${fieldText(field)} ${how[matchType as keyof typeof how]} ${words}`;
  }
  return `${fieldText(field)} ${COMPARISON[matchType] ?? matchType} ${valueText(field, value)}`;
}

/** All conditions of a filter: AND over fields, OR inside a field. `any traffic` when there are none. */
export function conditionsText(conditions: readonly DumpCondition[], names?: ReadonlyMap<Guid, string>): string {
  if (conditions.length === 0) return 'any traffic';
  const groups = new Map<Guid, string[]>();
  for (const condition of conditions) {
    const text = conditionText(condition, names);
    const group = groups.get(condition.fieldKey);
    if (group) group.push(text);
    else groups.set(condition.fieldKey, [text]);
  }
  return [...groups.values()].map(group => (group.length > 1 ? `(${group.join(' or ')})` : group[0])).join(', ');
}
