import { crc32, deflateRawSync } from 'node:zlib';

/**
 * Writes a zip of files in the order given, each with the same time: equal files give equal bytes.
 * Only what the format needs for that (APPNOTE.TXT 6.3.10, sections 4.3 and 4.4): deflated entries below 4 GiB, ASCII names.
 */

/** Version 2.0 of the format: deflate and folders. The upper byte 0 says that the attributes are those of MS-DOS. */
const VERSION = 20;
const DEFLATED = 8;
const ARCHIVE_BIT = 0x20;
const LIMIT = 0xffffffff;

/** Date and time of MS-DOS, in UTC: two seconds exact, from 1980 on. */
function dosTime(seconds) {
  const date = new Date(Math.max(seconds, Date.UTC(1980) / 1000) * 1000);
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
  const day = ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
  return { time, day };
}

/** The fields that the local header and the central directory have in common, from "version needed" to the name's length. */
function common(entry, { time, day }) {
  const fields = Buffer.alloc(24);
  fields.writeUInt16LE(VERSION, 0);
  fields.writeUInt16LE(0, 2);
  fields.writeUInt16LE(DEFLATED, 4);
  fields.writeUInt16LE(time, 6);
  fields.writeUInt16LE(day, 8);
  fields.writeUInt32LE(entry.crc, 10);
  fields.writeUInt32LE(entry.packed.length, 14);
  fields.writeUInt32LE(entry.size, 18);
  fields.writeUInt16LE(entry.name.length, 22);
  return fields;
}

/** Signature "PK" and two bytes, then the rest. */
function record(kind, length) {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32LE(kind, 0);
  return bytes;
}

function central(entry, when, offset) {
  const head = record(0x02014b50, 6);
  head.writeUInt16LE(VERSION, 4);
  const tail = Buffer.alloc(16); // lengths of extra field and comment, disk, internal attributes
  tail.writeUInt32LE(ARCHIVE_BIT, 8);
  tail.writeUInt32LE(offset, 12);
  return [head, common(entry, when), tail, entry.name];
}

/**
 * @param {readonly {name: string, bytes: Uint8Array}[]} files
 * @param {number} seconds time of every file, since 1970
 */
export function zip(files, seconds) {
  const when = dosTime(seconds);
  const pieces = [];
  const directory = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    if (!/^[\w.@/-]+$/.test(name)) throw new Error(`${name}: names in the zip are ASCII letters, digits and . - _ @ /`);
    const packed = deflateRawSync(bytes, { level: 9 });
    const entry = { name: Buffer.from(name), size: bytes.length, crc: crc32(bytes), packed };
    const local = [record(0x04034b50, 4), common(entry, when), Buffer.alloc(2), entry.name, packed];
    directory.push(...central(entry, when, offset));
    pieces.push(...local);
    offset += local.reduce((sum, piece) => sum + piece.length, 0);
  }
  if (offset > LIMIT || files.length > 0xffff) throw new Error('too much for a zip without 64-bit extensions');
  const end = record(0x06054b50, 22);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(
    directory.reduce((sum, piece) => sum + piece.length, 0),
    12,
  );
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...pieces, ...directory, end]);
}
