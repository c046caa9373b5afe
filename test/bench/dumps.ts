import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readDumpFile } from '../../engine/dumps/dump-reader.ts';
import { explainFlow } from '../../engine/explain/explain.ts';
import { parseShortFlow } from '../../engine/explain/flow.ts';
import { Machine } from '../../engine/explain/machine.ts';
import { CLI, temporaryHome } from '../support/pty.ts';
import { median, round } from './measure.ts';

const DUMP = new URL('../../../shared/data/keploy.wfpstate.xml', import.meta.url).pathname;
const FLOW = 'chrome.exe -> 1.1.1.1:443/tcp';

/** Milliseconds of a run of the built program, and its peak memory in MB (its own account of it). */
function command(args: readonly string[], home: string) {
  const times: number[] = [];
  for (let n = 0; n < 7; n++) {
    const at = performance.now();
    spawnSync(process.execPath, [CLI, ...args], { env: { ...process.env, SALLYPORT_HOME: home }, stdio: 'ignore' });
    if (n > 0) times.push(performance.now() - at);
  }
  return round(median(times));
}

/** Reading and explaining a real dump of 1,254 filters; without the real data there is nothing to measure. */
export async function benchDumps() {
  if (!existsSync(DUMP)) return { skipped: `no ${DUMP}` };
  const home = temporaryHome();
  try {
    const at = performance.now();
    const machine = new Machine(await readDumpFile(DUMP));
    const readMs = performance.now() - at;
    const flow = parseShortFlow(FLOW);
    const warm: number[] = [];
    for (let n = 0; n < 200; n++) {
      const from = performance.now();
      explainFlow(machine, flow);
      warm.push(performance.now() - from);
    }
    return {
      filters: machine.dump.filters.length,
      readMs: round(readMs),
      inspectCommandMs: command(['inspect', DUMP, '--json'], home.path),
      explainCommandMs: command(['explain', DUMP, FLOW], home.path),
      explainWarmMs: round(median(warm), 3),
    };
  } finally {
    home.remove();
  }
}
