import { getSystemErrorName } from 'node:util';
import * as libc from './libc.ts';

const O_CLOEXEC = 0o2000000;

/** A pipe(2), closed on exec. A real pipe and no socket pair: programs open /dev/stdout again, which a socket refuses. */
export function openPipe(): { readonly read: number; readonly write: number } {
  const pair = Buffer.alloc(8);
  if (libc.pipe2(pair, O_CLOEXEC) !== 0) throw new Error(`run: cannot make a pipe: ${getSystemErrorName(-libc.errno())}`);
  return { read: pair.readInt32LE(0), write: pair.readInt32LE(4) };
}
