import { looksLikeJson, readAuditLog } from '../../../engine/dumps/audit-reader.ts';
import type { Dump } from '../../../engine/dumps/dump.ts';
import { type ReadOptions, readDump } from '../../../engine/dumps/dump-reader.ts';
import { problemText } from '../../../engine/dumps/problem.ts';
import { fileChunks, streamChunks } from '../../../engine/dumps/source.ts';
import { Machine } from '../../../engine/explain/machine.ts';
import { UsageError } from '../exit.ts';
import type { InspectIo } from './io.ts';
import { safe } from './text.ts';

const SHOWN = 10;

/** Puts the first piece back in front. */
async function* joined(first: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

/** Reads a dump or an audit log; which one it is shows in its first character. `-` is standard input. */
export async function loadDump(file: string, io: InspectIo, options: ReadOptions = {}): Promise<Dump> {
  const pieces = file === '-' ? streamChunks('standard input', io.stdin) : fileChunks(file);
  const source = file === '-' ? 'standard input' : file;
  const first = await pieces.next();
  if (first.done) return readDump(source, []);
  const head = Buffer.from(first.value.subarray(0, 64))
    .toString('latin1')
    .replace(/^[\xef\xbb\xbf\xff\xfe]+/, '')
    .replaceAll('\0', '');
  if (!looksLikeJson(head)) return readDump(source, joined(first.value, pieces), options);
  const { auditDump } = await import('../../../engine/explain/audit-dump.ts');
  return auditDump(await readAuditLog(source, joined(first.value, pieces)));
}

/** The engine of this machine. */
async function loadLive(io: InspectIo): Promise<Dump> {
  const [{ openEngine }, { preparePaths }, { liveDump }] = await Promise.all([
    import('../host/engine.ts'),
    import('../prepare.ts'),
    import('../../../engine/explain/live.ts'),
  ]);
  const { where } = preparePaths({ env: io.env, stderr: io.stderr as NodeJS.WriteStream });
  const open = await openEngine(where, 'sallyport inspect');
  try {
    return await liveDump(open.session);
  } finally {
    await open.close();
  }
}

/** What FILE or --live stands for. */
export async function loadMachine(
  command: string,
  files: readonly string[],
  live: boolean,
  io: InspectIo,
  options: ReadOptions = {},
): Promise<Machine> {
  if (live) return new Machine(await loadLive(io));
  const file = files[0];
  if (file === undefined)
    throw new UsageError(`${command} needs a FILE (a dump of netsh wfp) or --live; see: sallyport ${command} --help`);
  return new Machine(await loadDump(file, io, options));
}

/**
 * Tells what is wrong with a source on standard error. `offered`: what could be read all the same; empty when that is nothing.
 * @returns the exit code that follows from it: 1 when the file is damaged
 */
export function tellProblems(
  dump: Pick<Dump, 'source' | 'problems' | 'errors' | 'warnings'>,
  io: InspectIo,
  offered: string,
): number {
  for (const problem of dump.problems.slice(0, SHOWN)) io.stderr.write(`sallyport: ${safe(problemText(dump.source, problem))}\n`);
  const more = dump.errors + dump.warnings - Math.min(SHOWN, dump.problems.length);
  if (more > 0) io.stderr.write(`sallyport: ${dump.source}: and ${more} more problems\n`);
  if (dump.errors === 0) return 0;
  if (offered === '') return 1;
  io.stderr.write(`sallyport: warning: ${dump.source} is damaged; what follows is what could be read: ${offered}\n`);
  return 1;
}

/** Whether nothing at all could be read. */
export const nothingRead = (dump: Dump): boolean =>
  dump.errors > 0 &&
  dump.filters.length +
    dump.netEvents.length +
    dump.providers.length +
    dump.subLayers.length +
    dump.sessions.length +
    dump.endpoints.length ===
    0;
