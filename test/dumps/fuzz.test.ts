import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readAuditLog } from '../../engine/dumps/audit-reader.ts';
import { readDump } from '../../engine/dumps/dump-reader.ts';
import { diffDumps } from '../../engine/explain/diff.ts';
import { health } from '../../engine/explain/health.ts';
import { Machine } from '../../engine/explain/machine.ts';
import { replay } from '../../engine/explain/replay.ts';
import { summarize } from '../../engine/explain/summary.ts';
import { mutate, random } from './mutate.ts';
import { hasRealData, realFile } from './real-data.ts';

/** How many damaged inputs: a few in CI, `SALLYPORT_FUZZ=50000` in a long run; `SALLYPORT_FUZZ_SEED` moves on. */
const RUNS = Number(process.env['SALLYPORT_FUZZ'] ?? 600);
const SEED = Number(process.env['SALLYPORT_FUZZ_SEED'] ?? 1);
const ITEMS = 6;

/** A real file made short: its head, some items from a place in it, its end. */
function samples(name: string, item: string, end: string): string[] {
  const text = readFileSync(realFile(name), 'utf8');
  const first = text.indexOf(item);
  const last = text.lastIndexOf(end);
  const items = text.slice(first, last).split(item).slice(1);
  const result: string[] = [];
  for (let at = 0; at < items.length; at += Math.ceil(items.length / 12))
    result.push(
      text.slice(0, first) +
        items
          .slice(at, at + ITEMS)
          .map(each => item + each)
          .join('') +
        text.slice(last),
    );
  return result;
}

describe.runIf(hasRealData())('damaged files', () => {
  test(`${RUNS} dumps: no crash, no hang, never a wrong "all fine"`, { timeout: 3_600_000 }, async () => {
    const originals = [
      ...samples('le_voile-b.filters.xml', '\n\t\t<item>\n', '\n\t</filters>'),
      ...samples('LibGrabber.wfpfilters.xml', '\n\t\t<item>\n', '\n\t</filters>'),
      ...samples('keploy.wfpstate.xml', '\n\t\t<item>\n\t\t\t<layer>', '\n\t</layers>').map(text =>
        text.replace('<layers numItems="99">', '<layers>'),
      ),
      readFileSync(realFile('ms-docs-netevents.xml'), 'utf8'),
    ];
    const whole = await Promise.all(originals.map(async text => new Machine(await readDump('original', [Buffer.from(text)]))));
    for (const machine of whole) expect(machine.dump.errors).toBe(0);
    let damaged = 0;
    for (let run = 0; run < RUNS; run++) {
      const next = random(SEED * 1_000_003 + run);
      const which = next(originals.length);
      const text = mutate(originals[which]!, next);
      const dump = await readDump(`run ${run}`, [Buffer.from(text)]);
      const machine = new Machine(dump);
      expect(summarize(machine).complete).toBe(dump.errors === 0);
      health(machine);
      if (dump.errors > 0) {
        damaged++;
        expect(dump.problems.length).toBeGreaterThan(0);
      } else if (dump.filters.length !== whole[which]!.dump.filters.length) {
        // A whole item may be gone or doubled without harm to the form; then the difference must show.
        expect(diffDumps(whole[which]!, machine).same, `run ${run}`).toBe(false);
      }
      if (text.trimEnd().length < originals[which]!.trimEnd().length / 2)
        expect(dump.errors, `run ${run}: half of the file is gone`).toBeGreaterThan(0);
    }
    expect(damaged).toBeGreaterThan(RUNS / 4);
  });

  test(`${Math.ceil(RUNS / 4)} audit logs`, { timeout: 3_600_000 }, async () => {
    const lines = gunzipSync(readFileSync(realFile('audit-service-start.jsonl.gz')))
      .toString('utf8')
      .split('\n');
    for (let run = 0; run < Math.ceil(RUNS / 4); run++) {
      const next = random(SEED * 2_000_003 + run);
      const at = next(lines.length - 40);
      const text = mutate(lines.slice(at, at + 30).join('\n'), next);
      const log = await readAuditLog(
        'x',
        (async function* () {
          yield Buffer.from(text);
        })(),
      );
      const result = replay(log);
      expect(result.described).toBe(result.exact + result.candidate + result.wrong);
      expect(result.decisions).toBe(result.described + result.notDescribed);
      if (log.lines < text.split('\n').filter(line => line.trim() !== '').length)
        expect(log.errors, `run ${run}`).toBeGreaterThan(0);
    }
  });
});
