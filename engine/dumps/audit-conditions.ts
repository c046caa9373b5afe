import { parseGuid } from '../model/guid.ts';
import { CONDITION_KEY } from '../model/keys.ts';
import type { Layer } from '../model/objects.ts';
import type { DataType, FwpConditionValue, FwpValue, MatchType } from '../model/value.ts';
import { parseU64, parseV4, parseV6 } from './address.ts';
import type { DumpCondition } from './dump.ts';
import type { Keeper } from './keep.ts';

/** Match types as the event writes them in English. */
const ENGLISH: Readonly<Record<string, MatchType>> = {
  'equal to': 'FWP_MATCH_EQUAL',
  'not equal to': 'FWP_MATCH_NOT_EQUAL',
  'greater than': 'FWP_MATCH_GREATER',
  'less than': 'FWP_MATCH_LESS',
  'greater than or equal to': 'FWP_MATCH_GREATER_OR_EQUAL',
  'less than or equal to': 'FWP_MATCH_LESS_OR_EQUAL',
  'in range': 'FWP_MATCH_RANGE',
  'all flags set': 'FWP_MATCH_FLAGS_ALL_SET',
  'any flags set': 'FWP_MATCH_FLAGS_ANY_SET',
  'no flags set': 'FWP_MATCH_FLAGS_NONE_SET',
  'equal to (case insensitive)': 'FWP_MATCH_EQUAL_CASE_INSENSITIVE',
};

interface RawCondition {
  readonly fieldKey: string;
  readonly match: string;
  readonly value: string;
}

/** Splits the text of `Conditions`: three labelled lines each, the first one a GUID; labels in any language. */
export function splitConditions(text: string): RawCondition[] {
  const result: RawCondition[] = [];
  const starts = [...text.matchAll(/^[^\S\n]*[^\n{}]*[:：][^\S\n]*(\{[0-9a-f-]{36}\})[^\S\n]*$/gim)];
  starts.forEach((start, i) => {
    const body = text.slice(start.index + start[0].length + 1, starts[i + 1]?.index ?? text.length);
    const match = /^[^\n:：]*[:：][^\S\n]*([^\n]*?)[^\S\n]*\n[^\n:：]*[:：][^\S\n]*([\s\S]*)$/.exec(body);
    result.push({ fieldKey: parseGuid(start[1] ?? '') ?? '', match: match?.[1] ?? '', value: (match?.[2] ?? '').trim() });
  });
  return result;
}

/**
 * Learns what the match texts of a log in another language mean, from conditions that leave no choice: a protocol is compared for
 * equality, two values with a dash are a range. What stays open is unknown, never guessed.
 */
export class MatchTexts {
  private readonly learned = new Map<string, MatchType>();

  learn(conditions: readonly RawCondition[]): void {
    for (const { fieldKey, match, value } of conditions) {
      const key = match.toLowerCase();
      if (key in ENGLISH || this.learned.has(key)) continue;
      if (isRange(value)) this.learned.set(key, 'FWP_MATCH_RANGE');
      else if (fieldKey === CONDITION_KEY.IP_PROTOCOL) this.learned.set(key, 'FWP_MATCH_EQUAL');
    }
  }

  of(text: string): MatchType | undefined {
    const key = text.toLowerCase();
    return Object.hasOwn(ENGLISH, key) ? ENGLISH[key] : this.learned.get(key);
  }
}

const isRange = (value: string): boolean => /^\S+ - \S+$/.test(value);

/** Bytes of a hex dump with offsets in front and text behind: `00000010  68 00 61 00-…  h.a.`. */
function hexDump(value: string): Uint8Array | undefined {
  const bytes: number[] = [];
  for (const line of value.split('\n')) {
    if (line.trim() === '') continue;
    const match = /^\s*[0-9a-f]{8}\s{1,4}((?:[0-9a-f]{2}[ -]){1,15}[0-9a-f]{2}|[0-9a-f]{2})(?:\s|$)/i.exec(line);
    if (!match) return undefined;
    for (const byte of (match[1] ?? '').split(/[ -]/)) bytes.push(Number.parseInt(byte, 16));
  }
  return bytes.length > 0 ? Uint8Array.from(bytes) : undefined;
}

const byWidth: Readonly<Record<number, DataType>> = { 2: 'FWP_UINT8', 4: 'FWP_UINT16', 8: 'FWP_UINT32', 16: 'FWP_UINT64' };

function hexBytes(text: string, length: number): Uint8Array | undefined {
  const bare = text.replace(/^0x/i, '');
  return bare.length === length * 2 && /^[0-9a-f]+$/i.test(bare) ? Uint8Array.from(Buffer.from(bare, 'hex')) : undefined;
}

function single(text: string, dataType: DataType | undefined, keep: Keeper): FwpValue | undefined {
  if (dataType === 'FWP_BYTE_ARRAY16_TYPE') {
    const value = hexBytes(text, 16) ?? parseV6(text);
    return value && { type: dataType, value };
  }
  const number = /^0x([0-9a-f]{1,16})$/i.exec(text);
  const type = dataType && /^FWP_UINT/.test(dataType) ? dataType : number ? byWidth[(number[1] ?? '').length] : undefined;
  const value = number ? BigInt(text) : (parseU64(text) ?? toBig(parseV4(text)));
  if (value !== undefined && type) {
    if (type === 'FWP_UINT64') return { type, value };
    const max = { FWP_UINT8: 0xffn, FWP_UINT16: 0xffffn, FWP_UINT32: 0xffffffffn }[type as 'FWP_UINT8'];
    return max !== undefined && value <= max ? { type: type as 'FWP_UINT8', value: Number(value) } : undefined;
  }
  if (text === '-' && dataType === 'FWP_SID') return { type: 'FWP_SID', value: 'S-1-0-0' };
  if (/^S-1(-\d+)+$/i.test(text)) return { type: 'FWP_SID', value: keep.text(text) };
  if (/^[OGDS]:/.test(text)) return { type: 'FWP_SECURITY_DESCRIPTOR_TYPE', value: keep.text(text.replace(/\s+$/, '')) };
  const bytes = hexBytes(text, 16) ?? (dataType === undefined ? parseV6(text) : undefined);
  return bytes && { type: 'FWP_BYTE_ARRAY16_TYPE', value: bytes };
}

const toBig = (value: number | undefined): bigint | undefined => (value === undefined ? undefined : BigInt(value));

/** A condition's value by the type that the layer's field has, else by how it is written. */
export function auditValue(text: string, dataType: DataType | undefined, keep: Keeper): FwpConditionValue | undefined {
  if (isRange(text)) {
    const [low = '', high = ''] = text.split(' - ');
    const from = single(low, dataType, keep);
    const to = single(high, dataType, keep);
    return from && to && { type: 'FWP_RANGE_TYPE', value: { low: from, high: to } };
  }
  const masked = /^([^/\s]+)\/([^/\s]+)$/.exec(text);
  if (masked) {
    const [, left = '', right = ''] = masked;
    const addr = parseV4(left);
    const mask = parseV4(right) ?? (/^\d{1,2}$/.test(right) && Number(right) <= 32 ? prefixMask(Number(right)) : undefined);
    if (addr !== undefined && mask !== undefined) return { type: 'FWP_V4_ADDR_MASK', value: { addr, mask } };
    const v6 = parseV6(left) ?? hexBytes(left, 16);
    if (v6 && /^\d{1,3}$/.test(right) && Number(right) <= 128)
      return { type: 'FWP_V6_ADDR_MASK', value: { addr: v6, prefixLength: Number(right) } };
  }
  if (/^[0-9a-f]{8}\s+[0-9a-f]{2}/i.test(text)) {
    const bytes = hexDump(text);
    return bytes && { type: 'FWP_BYTE_BLOB_TYPE', value: keep.hex(Buffer.from(bytes).toString('hex')) ?? bytes };
  }
  return single(text, dataType, keep);
}

const prefixMask = (prefix: number): number => (prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0);

/** All conditions of a filter event. One that cannot be read is kept as unknown. */
export function auditConditions(
  raw: readonly RawCondition[],
  layer: Layer | undefined,
  texts: MatchTexts,
  keep: Keeper,
): DumpCondition[] {
  return raw.map(({ fieldKey, match, value }) => {
    const dataType = layer?.fields.find(field => field.fieldKey === fieldKey)?.dataType;
    const matchType = texts.of(match);
    const conditionValue = auditValue(value, dataType, keep);
    const key = keep.text(fieldKey);
    if (matchType && conditionValue) return { fieldKey: key, matchType, conditionValue };
    return {
      fieldKey: key,
      matchType: 'FWP_MATCH_RANGE',
      conditionValue: { type: 'FWP_EMPTY' },
      asFound: keep.text(`${match} ${value}`.slice(0, 400)),
    };
  });
}
