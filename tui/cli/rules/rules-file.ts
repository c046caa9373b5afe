import { closeSync, openSync, readSync } from 'node:fs';
import { FILE_MAX } from '../../../engine/rules/exchange.ts';
import { Failure } from '../exit.ts';

const PIECE = 1 << 20;

/** The first `most` bytes of a file: a device or a pipe may never end. */
function readUpTo(file: string, most: number): Buffer {
  const fd = file === '-' ? 0 : openSync(file, 'r');
  const pieces: Buffer[] = [];
  let left = most;
  try {
    while (left > 0) {
      const piece = Buffer.alloc(Math.min(PIECE, left));
      const length = readSync(fd, piece);
      if (length === 0) break;
      pieces.push(piece.subarray(0, length));
      left -= length;
    }
  } finally {
    if (fd !== 0) closeSync(fd);
  }
  return Buffer.concat(pieces);
}

/** Reads a rules file as text. @throws Failure with one sentence */
export function readRulesFile(file: string): string {
  try {
    const bytes = readUpTo(file, FILE_MAX + 1);
    if (bytes.length > FILE_MAX) throw new Failure(`${file} is longer than ${FILE_MAX} bytes; split it`);
    const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
    return new TextDecoder(utf16 ? 'utf-16le' : 'utf-8').decode(bytes);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    throw new Failure(code === 'ENOENT' ? `there is no file ${file}` : `${file} cannot be read (${code}); give a rules file`);
  }
}
