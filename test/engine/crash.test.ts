import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EmbeddedEngine } from '../../engine/embedded/engine.ts';

const KILLS = 200;
const WRITER = new URL('crash-writer.ts', import.meta.url).pathname;

/**
 * Runs the writer and kills it: at once when it has written `after` lines and then `spin` more turns of the event loop have passed, so the
 * kill lands anywhere in a transaction. Gives the last transaction that it said was committed.
 */
async function writeAndKill(path: string, first: number, after: number, spin: number): Promise<number> {
  const writer = spawn(process.execPath, [WRITER, path, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  let killed = false;
  const kill = (left: number): void => {
    if (left > 0) setImmediate(kill, left - 1);
    else writer.kill('SIGKILL');
  };
  writer.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
    if (killed || text.split('\n').length <= after) return;
    killed = true;
    kill(spin);
  });
  const [, signal] = await once(writer, 'close');
  expect(signal).toBe('SIGKILL');
  // A line that the kill cut short counts for nothing; `R` says only that it runs.
  const lines = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .trim()
    .split('\n');
  return lines.filter(line => line.startsWith('C ')).reduce((last, line) => Math.max(last, Number(line.slice(2))), first - 1);
}

/** The transactions that the store holds, each of them whole. */
async function transactionsIn(path: string): Promise<readonly number[]> {
  const engine = EmbeddedEngine.open({ path });
  const parts = new Map<number, Set<number>>();
  for (const { displayData } of await engine.openSession().filterEnum()) {
    const [number, part] = displayData.name.split('.').map(Number);
    parts.set(number!, (parts.get(number!) ?? new Set()).add(part!));
  }
  engine.close();
  for (const [number, found] of parts) expect(found.size, `parts of transaction ${number}`).toBe(3);
  return [...parts.keys()].sort((a, b) => a - b);
}

/** Kills writers of one store, one after the other; gives how many transactions were committed in all. */
async function killWriters(path: string, kills: number): Promise<number> {
  let next = 1;
  for (let kill = 0; kill < kills; kill++) {
    const last = await writeAndKill(path, next, 1 + Math.floor(Math.random() * 7), Math.floor(Math.random() * 400));
    const there = await transactionsIn(path);
    const newest = there.at(-1) ?? 0;
    // The one after the last line may have been committed too, before it could be told.
    expect(newest).toBeGreaterThanOrEqual(last);
    expect(newest).toBeLessThanOrEqual(last + 1);
    // Transaction n deleted what n-4 had added: four are left, all in a row.
    expect(there).toEqual(Array.from({ length: Math.min(4, newest) }, (_, at) => newest - Math.min(4, newest) + 1 + at));
    next = newest + 1;
  }
  return next - 1;
}

test(`kill -9 at ${KILLS} random points: what was committed is there, and nothing by halves`, { timeout: 600_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-crash-'));
  const committed = await Promise.all([1, 2].map(store => killWriters(join(folder, `${store}.db`), KILLS / 2)));
  expect(committed[0]! + committed[1]!).toBeGreaterThan(KILLS);
  rmSync(folder, { recursive: true });
});
