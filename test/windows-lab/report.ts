/** What a program under Wine tells the test that started it: one line of JSON per case on standard output. */
export interface CaseReport {
  readonly name: string;
  readonly error?: string;
}

/** Runs one case and prints how it went; the next one runs either way. */
export async function report(name: string, work: () => Promise<void>): Promise<void> {
  let result: CaseReport = { name };
  try {
    await work();
  } catch (error) {
    result = { name, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

export function readReports(stdout: string): readonly CaseReport[] {
  return stdout
    .split('\n')
    .filter(line => line.startsWith('{"name"'))
    .map(line => JSON.parse(line) as CaseReport);
}

/** Resolves when the fact holds; throws when it does not within ten seconds. */
export async function until(fact: string, holds: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`still not so after ${limitMs} ms: ${fact}`);
    await new Promise(resolve => setImmediate(resolve));
  }
}

/** Throws with both sides as text when they differ. Bytes compare as lists, bigints as decimals. */
export function equal(what: string, actual: unknown, expected: unknown): void {
  const text = (value: unknown) =>
    JSON.stringify(value, (_, inner) =>
      typeof inner === 'bigint' ? `${inner}n` : inner instanceof Uint8Array ? [...inner] : inner,
    );
  if (text(actual) !== text(expected)) throw new Error(`${what}: ${text(actual)}, expected ${text(expected)}`);
}

/** Throws with the text that should have shown it. */
export function holds(what: string, is: boolean, text = ''): void {
  if (!is) throw new Error(`not so: ${what}\n${text}`);
}
