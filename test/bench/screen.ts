import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectScript, loopbackServer } from '../support/loopback.ts';
import { CLI, ProgramInTerminal, temporaryHome } from '../support/pty.ts';
import { cpuMs, median, pause, percentile, round, rssMb } from './measure.ts';

/** Compiles the traffic program into a folder that the caller removes. */
function trafficProgram(folder: string): string {
  const program = join(folder, 'traffic');
  execFileSync('gcc', ['-O1', '-pthread', '-o', program, new URL('./traffic.c', import.meta.url).pathname]);
  return program;
}

/** When bytes were written: for every chunk the time it came and its size. */
function watchBytes(program: ProgramInTerminal) {
  let last = program.raw.length;
  const chunks: { at: number; bytes: number }[] = [];
  const stop = program.onData(() => {
    chunks.push({ at: performance.now(), bytes: program.raw.length - last });
    last = program.raw.length;
  });
  return { chunks, stop, total: () => chunks.reduce((sum, chunk) => sum + chunk.bytes, 0) };
}

async function withProgram<T>(
  args: readonly string[],
  work: (program: ProgramInTerminal, startedAt: number) => Promise<T>,
  size = { columns: 120, rows: 40 },
): Promise<T> {
  const home = temporaryHome();
  const startedAt = performance.now();
  const program = new ProgramInTerminal(args, { home: home.path, ...size });
  try {
    return await work(program, startedAt);
  } finally {
    await program.end();
    home.remove();
  }
}

/** Start of the process to the first frame on the terminal; memory then. The first run fills the compile cache and does not count. */
async function startUp() {
  const home = temporaryHome();
  const times: number[] = [];
  const memory: number[] = [];
  for (let n = 0; n < 12; n++) {
    const at = performance.now();
    const program = new ProgramInTerminal(['run', '--', process.execPath, '-e', 'setTimeout(() => {}, 5000)'], {
      home: home.path,
      columns: 120,
      rows: 40,
    });
    const firstFrame = new Promise<number>(resolve =>
      program.onData(() => program.raw.includes('Inbox') && resolve(performance.now() - at)),
    );
    const took = await firstFrame;
    if (n > 1) {
      times.push(took);
      memory.push(rssMb(program.pid));
    }
    // The first run lives long enough to leave its compiled code to the others, as a person's would.
    if (n === 0) await pause(1500);
    await program.end();
  }
  const help: number[] = [];
  const bare: number[] = [];
  for (let n = 0; n < 15; n++) {
    const t = (args: string[]) => {
      const at = performance.now();
      spawnSync(process.execPath, args, { env: { ...process.env, SALLYPORT_HOME: home.path, CI: undefined } });
      return performance.now() - at;
    };
    help.push(t([CLI, '--help']));
    bare.push(t(['-e', '0']));
  }
  home.remove();
  return {
    firstFrameMs: round(median(times)),
    helpMs: round(median(help)),
    bareNodeMs: round(median(bare)),
    memoryAtFirstFrameMb: round(median(memory), 1),
  };
}

/** A request's connect call to the frame that shows it, by a program that notes the time right before it connects. */
async function requestToFrame(traffic: string) {
  const server = await loopbackServer();
  try {
    const home = temporaryHome();
    const stamp = join(home.path, 'stamp');
    const program = new ProgramInTerminal(['run', '--timeout', '600', '--', traffic, 'stamp', String(server.port), '20', stamp], {
      home: home.path,
      columns: 120,
      rows: 60,
    });
    const times: number[] = [];
    for (let n = 1; n <= 20; n++) {
      await program.waitFor(`127.1.0.${n}:`);
      const [which, at] = readFileSync(stamp, 'utf8').split(' ').map(Number);
      if (which === n && at !== undefined) times.push(Date.now() - at);
    }
    await program.end();
    home.remove();
    return { samples: times.length, medianMs: round(median(times)), p95Ms: round(percentile(times, 0.95)) };
  } finally {
    await server.close();
  }
}

/** What is written while nothing happens and while requests arrive; what one changed cell costs; a key while requests arrive. */
async function underTraffic(traffic: string) {
  const server = await loopbackServer();
  try {
    const idle = await withProgram(['run', '--', process.execPath, '-e', 'setTimeout(() => {}, 20000)'], async program => {
      await program.waitFor('Inbox');
      await pause(1500);
      const watch = watchBytes(program);
      const cpu = cpuMs(program.pid);
      await pause(5000);
      return { bytesPerSecond: round(watch.total() / 5), cpuPercent: round((cpuMs(program.pid) - cpu) / 50) };
    });
    const fifty = await withProgram(['run', '--', traffic, 'rate', String(server.port), '50', '6'], async program => {
      await program.waitFor('wants to connect');
      const watch = watchBytes(program);
      const cpu = cpuMs(program.pid);
      await pause(4000);
      return { bytesPerSecond: round(watch.total() / 4), cpuPercent: round((cpuMs(program.pid) - cpu) / 40) };
    });
    const key = await withProgram(
      ['run', '--timeout', '600', '--', traffic, 'rate', String(server.port), '30', '12'],
      async program => {
        await program.waitFor('wants to connect');
        const times: number[] = [];
        let last = program.raw.length;
        for (let n = 0; n < 40; n++) {
          await pause(110 + (n % 7) * 13);
          last = program.raw.length;
          const at = performance.now();
          const wrote = new Promise<void>(resolve => {
            const stop = program.onOutput(() => {
              // The selection moved: the key's own bytes, not those of a request that arrived meanwhile.
              if (program.raw.slice(last).includes('▌')) {
                stop();
                resolve();
              }
            });
          });
          program.press(n % 2 === 0 ? 'j' : 'k');
          await Promise.race([wrote, pause(1000)]);
          times.push(performance.now() - at);
        }
        return { medianMs: round(median(times)), p95Ms: round(percentile(times, 0.95)) };
      },
    );
    const cell = await withProgram(
      ['run', '--timeout', '600', '--', process.execPath, '-e', connectScript(server.port)],
      async program => {
        await program.waitFor('wants to connect');
        await pause(1500);
        const watch = watchBytes(program);
        await pause(4200);
        const sizes = watch.chunks.map(chunk => chunk.bytes);
        return { ticks: sizes.length, medianBytes: median(sizes), maxBytes: Math.max(...sizes) };
      },
    );
    return { idle, fiftyRequestsASecond: fifty, keyToBytesAtThirtyASecond: key, countdownTick: cell };
  } finally {
    await server.close();
  }
}

/** 500 requests at once: all shown, one rule answers all, none lost; gaps between frames while it happens. */
async function flood(traffic: string) {
  const server = await loopbackServer();
  try {
    return await withProgram(
      ['run', '--timeout', '600', '--', traffic, 'many', String(server.port), '500'],
      async (program, startedAt) => {
        await program.waitFor(/500 waiting/, 60_000);
        const shown = performance.now() - startedAt;
        await pause(600);
        // A frame with 500 requests, from outside: a key that moves the selection, to the bytes that show it.
        const frames: number[] = [];
        for (let n = 0; n < 40; n++) {
          const from = performance.now();
          const watch = watchBytes(program);
          program.press(n % 2 === 0 ? 'j' : 'k');
          await pause(120);
          watch.stop();
          frames.push((watch.chunks[0]?.at ?? Number.NaN) - from);
        }
        // No key decides in the first 400 ms of a selection.
        await pause(600);
        const at = performance.now();
        program.press('A');
        await program.waitFor(/settles 500|500 waiting requests/, 10_000);
        const frame = performance.now() - at;
        const press = setInterval(() => program.press('y'), 300);
        await program.waitFor(/ 0 waiting|nothing waits/, 30_000).finally(() => clearInterval(press));
        const answered = performance.now() - at;
        program.press('5');
        const screen = await program.waitFor(/done .* of \d+/, 30_000);
        return {
          allShownAfterStartMs: round(shown),
          frameMs: { median: round(median(frames)), slowest: round(Math.max(...frames)) },
          questionMs: round(frame),
          answeredMs: round(answered),
          result: /done .* of \d+/.exec(screen)?.[0],
        };
      },
    );
  } finally {
    await server.close();
  }
}

/** Everything about the screen, one after the other. */
export async function benchScreen() {
  const folder = temporaryHome();
  try {
    const traffic = trafficProgram(folder.path);
    return {
      startUp: await startUp(),
      requestToFrame: await requestToFrame(traffic),
      ...(await underTraffic(traffic)),
      fiveHundredAtOnce: await flood(traffic),
    };
  } finally {
    folder.remove();
  }
}
