import { benchScreen } from './screen.ts';

/** Prints every promised number as JSON. `node bench.ts PART…` runs only those parts: classify, latency, screen, dumps, inspect. */
const parts: { readonly [name: string]: () => Promise<unknown> } = {
  classify: async () => (await import('./classify.ts')).benchClassify(),
  latency: async () => (await import('./latency.ts')).benchLatency(),
  screen: benchScreen,
  dumps: async () => (await import('./dumps.ts')).benchDumps(),
  inspect: async () => (await import('./inspect.ts')).benchInspect(),
};

const wanted = process.argv.slice(2);
const result: Record<string, unknown> = {};
for (const [name, run] of Object.entries(parts)) if (wanted.length === 0 || wanted.includes(name)) result[name] = await run();
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
process.exit(0);
