import type { FwpValue } from '../model/value.ts';

/** Order of two byte strings: the first byte that differs, then the length. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) if (a[at] !== b[at]) return a[at]! - b[at]!;
  return a.length - b.length;
}

/** Length without the UTF-16 NUL that a blob string ends with. */
const textLength = (blob: Uint8Array): number =>
  blob.length >= 2 && blob.length % 2 === 0 && blob[blob.length - 1] === 0 && blob[blob.length - 2] === 0
    ? blob.length - 2
    : blob.length;

/** Whether a blob string ends with another, each with or without its closing NUL. */
export function endsWithBlob(blob: Uint8Array, end: Uint8Array): boolean {
  const length = textLength(blob);
  const wanted = textLength(end);
  if (wanted > length) return false;
  for (let at = 0; at < wanted; at++) if (blob[length - wanted + at] !== end[at]) return false;
  return true;
}

/** Order of two values of one sortable type (integers, BYTE_ARRAY16, BYTE_BLOB, UNICODE_STRING); undefined for the others. */
export function compareValues(a: FwpValue, b: FwpValue): number | undefined {
  if (a.type !== b.type) return undefined;
  switch (a.type) {
    case 'FWP_BYTE_ARRAY16_TYPE':
    case 'FWP_BYTE_BLOB_TYPE':
      return compareBytes(a.value, b.type === a.type ? b.value : a.value);
    case 'FWP_UINT8':
    case 'FWP_UINT16':
    case 'FWP_UINT32':
    case 'FWP_UINT64':
    case 'FWP_INT8':
    case 'FWP_INT16':
    case 'FWP_INT32':
    case 'FWP_INT64':
    case 'FWP_UNICODE_STRING_TYPE': {
      const x = a.value;
      const y = b.type === a.type ? b.value : a.value;
      return x < y ? -1 : x > y ? 1 : 0;
    }
    default:
      return undefined;
  }
}
