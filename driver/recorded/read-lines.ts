import { type FileHandle, open } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { RecordingError, reason } from './error.ts';

/** One line of a file, counted from 1; `text` is undefined when it was longer than the bound and was passed over. */
export interface Line {
  readonly number: number;
  readonly text: string | undefined;
}

/** Bytes of the longest line that is read. Real events are below 3 KiB; an output event below 90 KiB. */
export const MAX_LINE = 1 << 20;

const NEWLINE = 0x0a;

/**
 * Reads a text file line by line, unpacked when it starts with the gzip magic (RFC 1952, 1f 8b), whatever it is called.
 * Holds at most one chunk and one line. Empty lines are counted and not given.
 * @throws RecordingError when it cannot be opened, is no regular file, is empty, or the packed data ends early
 */
export async function* readLines(path: string, maxLine = MAX_LINE): AsyncGenerator<Line, void, void> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw new RecordingError(`cannot read ${path}: ${reason(error)}.`, { cause: error });
  }
  let last = 0;
  try {
    const { stream, packed } = await content(file, path);
    try {
      for await (const line of split(stream, maxLine)) {
        last = line.number;
        yield line;
      }
    } catch (error) {
      const what = packed ? 'its gzip data is damaged or ends early' : reason(error);
      throw new RecordingError(`${path} cannot be read beyond line ${last}: ${what}. Copy or download it again.`, {
        cause: error,
      });
    }
  } finally {
    await file.close().catch(() => {});
  }
}

async function content(file: FileHandle, path: string): Promise<{ stream: Readable; packed: boolean }> {
  const stat = await file.stat();
  if (stat.isDirectory()) throw new RecordingError(`${path} is a folder: name the recording in it.`);
  if (!stat.isFile()) throw new RecordingError(`${path} is no regular file: save the recording to a file first.`);
  if (stat.size === 0) throw new RecordingError(`${path} is empty: there is nothing to play.`);
  const magic = Buffer.alloc(2);
  await file.read(magic, 0, 2, 0);
  const raw = file.createReadStream({ start: 0, autoClose: false });
  if (magic.readUInt16BE() !== 0x1f8b) return { stream: raw, packed: false };
  const gunzip = createGunzip();
  pipeline(raw, gunzip, () => {}); // errors reach the reader of gunzip
  return { stream: gunzip, packed: true };
}

async function* split(stream: Readable, maxLine: number): AsyncGenerator<Line, void, void> {
  let parts: Buffer[] = [];
  let size = 0;
  let number = 0;
  const take = (): Line => {
    number++;
    const text =
      size > maxLine
        ? undefined
        : Buffer.concat(parts)
            .toString('utf8')
            .replace(/^\uFEFF/, '')
            .trim();
    parts = [];
    size = 0;
    return { number, text };
  };
  const add = (bytes: Buffer) => {
    size += bytes.length;
    if (size <= maxLine) parts.push(bytes);
    else parts = [];
  };
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, end));
      from = end + 1;
      const line = take();
      if (line.text !== '') yield line;
    }
    if (from < chunk.length) add(chunk.subarray(from));
  }
  if (size > 0) {
    const line = take();
    if (line.text !== '') yield line;
  }
}
