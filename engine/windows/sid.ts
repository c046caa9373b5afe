/**
 * SIDs between their text (`S-1-5-18`) and their bytes: revision, count, six bytes of authority (big-endian), then the subauthorities
 * (little-endian). https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-sid
 */

export const SID_REVISION = 1;
/** SID_MAX_SUB_AUTHORITIES. */
export const MAX_SUBAUTHORITIES = 15;

export function sidToBytes(text: string): Uint8Array {
  const parts = /^S-1-(\d+|0x[0-9a-f]{1,12})((?:-\d+)*)$/i.exec(text.trim());
  const subs = (parts?.[2] ?? '').split('-').slice(1).map(Number);
  const authority = Number(parts?.[1] ?? 'none');
  if (!(authority < 2 ** 48) || subs.length > MAX_SUBAUTHORITIES || subs.some(sub => sub > 0xffffffff)) {
    throw new RangeError(`not a SID: ${text}`);
  }
  const bytes = new Uint8Array(8 + subs.length * 4);
  const view = new DataView(bytes.buffer);
  bytes[0] = SID_REVISION;
  bytes[1] = subs.length;
  view.setUint16(2, Math.floor(authority / 2 ** 32));
  view.setUint32(4, authority % 2 ** 32);
  subs.forEach((sub, index) => {
    view.setUint32(8 + index * 4, sub, true);
  });
  return bytes;
}

/** Length in bytes of a SID that starts so; only its first two bytes are looked at. */
export const sidLength = (head: Uint8Array): number => 8 + (head[1] ?? 0) * 4;

export function sidFromBytes(bytes: Uint8Array): string {
  if (bytes.length < 8 || bytes[0] !== SID_REVISION || bytes[1]! > MAX_SUBAUTHORITIES || bytes.length < sidLength(bytes)) {
    throw new RangeError(`broken SID: ${Buffer.from(bytes.subarray(0, 8)).toString('hex')}…`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const authority = view.getUint16(2) * 2 ** 32 + view.getUint32(4);
  const name = authority < 2 ** 32 ? String(authority) : `0x${authority.toString(16).padStart(12, '0')}`;
  const subs = Array.from({ length: bytes[1]! }, (_, index) => view.getUint32(8 + index * 4, true));
  return ['S-1', name, ...subs].join('-');
}
