import { expect, test } from 'vitest';
import { hasClang, make } from './make.ts';

/**
 * The driver's own C sources against a kernel and a filter engine that check every call, under clang's sanitizers.
 * The tests are written in C beside it (driver/callout/native); here they are run and their counts are told.
 */

const minutes = (count: number): number => count * 60_000;

function passed(text: string): number {
  const count = Number(/^(\d+) tests passed$/m.exec(text)?.[1] ?? 0);
  console.log(`driver: ${count} native tests passed`);
  return count;
}

function completed(text: string): number {
  const line = /^(\d+) rounds, (\d+) operations pended and completed exactly once$/m.exec(text);
  console.log(`driver: ${line?.[0]}`);
  return Number(line?.[2] ?? 0);
}

test.runIf(hasClang)(
  'AddressSanitizer and UndefinedBehaviorSanitizer; every call made to fail in turn',
  { timeout: minutes(10) },
  () => {
    const text = make('native', 'check-address');
    expect(passed(text)).toBeGreaterThan(50);
    expect(Number(/(\d+) calls failed in turn/.exec(text)?.[1])).toBeGreaterThan(60);
  },
);

test.runIf(hasClang)('ThreadSanitizer', { timeout: minutes(10) }, () => {
  expect(passed(make('native', 'check-thread'))).toBeGreaterThan(50);
});

test.runIf(hasClang)('many threads: each pended operation completes exactly once', { timeout: minutes(10) }, () => {
  expect(completed(make('native', 'stress-address', 'STRESS_ROUNDS=15'))).toBeGreaterThan(3_000);
  expect(completed(make('native', 'stress-thread', 'STRESS_ROUNDS=10'))).toBeGreaterThan(2_000);
});

test.runIf(hasClang)('line coverage above 95 %', { timeout: minutes(10) }, () => {
  const covered = /^line coverage +([\d.]+)% of (\d+) lines$/m.exec(make('native', 'coverage', 'COVERAGE_LEAST=90'));
  console.log(`driver: ${covered?.[0]}`);
  expect(Number(covered?.[1])).toBeGreaterThan(90);
  expect(Number(covered?.[2])).toBeGreaterThan(1_500);
});

test.runIf(hasClang)('fuzzing, a few seconds of it: control codes, and sequences of classifies', { timeout: minutes(10) }, () => {
  const executed = [...make('native', 'fuzz', 'FUZZ_SECONDS=6').matchAll(/number_of_executed_units: (\d+)/g)].map(found =>
    Number(found[1]),
  );
  console.log(`driver: ${executed.join(' and ')} inputs fuzzed`);
  expect(executed).toHaveLength(2);
  for (const count of executed) expect(count).toBeGreaterThan(500);
});
