import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProgramInTerminal, temporaryHome } from '../support/pty.ts';
import { cpuMs, median, percentile, round } from './measure.ts';

const filter = (i: number): string =>
  `<item><filterKey>{00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}}</filterKey>` +
  `<displayData><name>Rule ${i}</name><description/></displayData><flags/><providerKey/><providerData/>` +
  `<layerKey>FWPM_LAYER_ALE_AUTH_CONNECT_V4</layerKey><subLayerKey>FWPM_SUBLAYER_UNIVERSAL</subLayerKey>` +
  `<weight><type>FWP_EMPTY</type></weight><filterCondition numItems="2">` +
  `<item><fieldKey>FWPM_CONDITION_IP_REMOTE_PORT</fieldKey><matchType>FWP_MATCH_EQUAL</matchType>` +
  `<conditionValue><type>FWP_UINT16</type><uint16>${i % 65536}</uint16></conditionValue></item>` +
  `<item><fieldKey>FWPM_CONDITION_IP_PROTOCOL</fieldKey><matchType>FWP_MATCH_EQUAL</matchType>` +
  `<conditionValue><type>FWP_UINT8</type><uint8>${i % 2 ? 6 : 17}</uint8></conditionValue></item></filterCondition>` +
  `<action><type>FWP_ACTION_${i % 3 ? 'PERMIT' : 'BLOCK'}</type><filterType/></action><rawContext>0</rawContext><reserved/>` +
  `<filterId>${i + 1}</filterId><effectiveWeight><type>FWP_UINT64</type><uint64>${1_000_000 - i}</uint64></effectiveWeight></item>`;

/** Milliseconds from a key to the last byte of its frame: the frame ends with the end of the synchronized update. */
async function frame(program: ProgramInTerminal, key: string): Promise<number> {
  const before = program.raw.length;
  const at = performance.now();
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no frame after ${JSON.stringify(key)}:\n${program.screen()}`)), 5000);
    const stop = program.onData(() => {
      if (!program.raw.includes('\x1b[?2026l', before)) return;
      clearTimeout(late);
      stop();
      resolve();
    });
    program.press(key);
  });
  return performance.now() - at;
}

/** Scrolling 10,000 filters by line and by page in the built program: key to frame, and processor time per frame. */
export async function benchInspect() {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  const home = temporaryHome();
  const file = join(folder, 'many.xml');
  const items = Array.from({ length: 10_000 }, (_, i) => filter(i)).join('\n');
  writeFileSync(file, `<?xml version="1.0"?><wfpdiag><filters numItems="10000">${items}</filters></wfpdiag>\n`);
  const started = performance.now();
  const program = new ProgramInTerminal(['inspect', file], { home: home.path, columns: 120, rows: 40 });
  try {
    await program.waitFor('10,000 filters');
    const firstFrameMs = performance.now() - started;
    // The first keys run code that was never run before.
    for (let i = 0; i < 40; i++) await frame(program, i % 4 === 3 ? '\x1b[6~' : 'j');
    const cpu = cpuMs(program.pid);
    const lines: number[] = [];
    const pages: number[] = [];
    for (let i = 0; i < 100; i++) lines.push(await frame(program, i % 5 === 4 ? 'k' : 'j'));
    for (let i = 0; i < 60; i++) pages.push(await frame(program, i % 6 === 5 ? '\x1b[5~' : '\x1b[6~'));
    const cpuPerFrameMs = (cpuMs(program.pid) - cpu) / (lines.length + pages.length);
    const told = (times: readonly number[]) => ({
      medianMs: round(median(times)),
      p95Ms: round(percentile(times, 0.95)),
      slowestMs: round(Math.max(...times)),
    });
    return {
      filters: 10_000,
      firstFrameMs: round(firstFrameMs),
      byLine: told(lines),
      byPage: told(pages),
      cpuPerFrameMs: round(cpuPerFrameMs),
    };
  } finally {
    await program.end();
    home.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}
