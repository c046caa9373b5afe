import { readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { UnreadableError } from './problem.ts';

const CHUNK = 256 * 1024;

const reasons: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission to read it',
  EPERM: 'no permission to read it',
  EISDIR: 'it is a directory, give a file',
  ENAMETOOLONG: 'the name is too long',
  ENOTDIR: 'a part of the path is not a directory',
};

function unreadable(path: string, error: unknown): UnreadableError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return new UnreadableError(path, `cannot be read: ${reasons[code] ?? code}`);
}

/**
 * A plain file is read without a detour over other threads: nothing can be done before it is there, and the wait for a thread is longer
 * than the reading. Anything else (a pipe) may keep its reader waiting, so it must not hold up the process.
 */
async function* chunks(path: string, handle: FileHandle, plain: boolean): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(CHUNK);
  for (;;) {
    let length: number;
    try {
      length = plain ? readSync(handle.fd, buffer, 0, CHUNK, null) : (await handle.read(buffer, 0, CHUNK, null)).bytesRead;
    } catch (error) {
      throw unreadable(path, error);
    }
    if (length === 0) return;
    yield buffer.subarray(0, length);
  }
}

async function* gunzip(path: string, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { createGunzip } = await import('node:zlib');
  const inflate = createGunzip();
  const feed = (async () => {
    for await (const chunk of source) {
      if (!inflate.write(Uint8Array.from(chunk)))
        await new Promise<void>(resolve => inflate.once('drain', resolve).once('close', resolve));
      if (inflate.destroyed) return;
    }
    inflate.end();
  })();
  feed.catch(error => inflate.destroy(error as Error));
  try {
    for await (const chunk of inflate) yield chunk as Uint8Array;
  } catch (error) {
    if (error instanceof UnreadableError) throw error;
    throw new UnreadableError(path, `the compressed data is damaged (${(error as Error).message})`);
  } finally {
    inflate.destroy();
  }
  await feed;
}

/** Puts what was read ahead in front of the rest; compressed data (gzip) is recognised by its first two bytes and unpacked. */
async function* unpacked(path: string, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const rest = source[Symbol.asyncIterator]();
  const first = await rest.next();
  if (first.done) return;
  const all = (async function* () {
    yield first.value;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  })();
  yield* first.value[0] === 0x1f && first.value[1] === 0x8b ? gunzip(path, all) : all;
}

/**
 * The bytes of a file, piece by piece; a piece is valid until the next one is asked for. gzip is unpacked.
 * @throws UnreadableError with a complete sentence
 */
export async function* fileChunks(path: string): AsyncGenerator<Uint8Array> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const facts = await handle.stat();
    if (facts.isDirectory()) throw new UnreadableError(path, 'cannot be read: it is a directory, give a file');
    yield* unpacked(path, chunks(path, handle, facts.isFile()));
  } finally {
    await handle.close();
  }
}

/** The same for a stream (standard input). */
export function streamChunks(name: string, stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  const bytes = (async function* () {
    for await (const chunk of stream) {
      const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      if (piece.length) yield piece;
    }
  })();
  return unpacked(name, bytes);
}
