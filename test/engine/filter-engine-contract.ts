import { describe, test } from 'vitest';
import type { FilterEngine, SessionOptions } from '../../engine/model/filter-engine.ts';
import { conditionCases } from './contract/condition-cases.ts';
import type { ContractCase } from './contract/contract-case.ts';
import { enumerationCases } from './contract/enumeration-cases.ts';
import { lifetimeCases } from './contract/lifetime-cases.ts';
import { objectCases } from './contract/object-cases.ts';
import { transactionCases } from './contract/transaction-cases.ts';

/** All of it, for a runner other than vitest: each case needs nothing but what opens sessions with one and the same engine. */
export const filterEngineContract: readonly ContractCase[] = [
  ...objectCases,
  ...conditionCases,
  ...transactionCases,
  ...lifetimeCases,
  ...enumerationCases,
];

/**
 * What every FilterEngine must do, whatever is behind it. Cases leave nothing behind and bear other providers' objects in the engine.
 * @param openSession opens one more session with the same engine; the cases close what they open
 */
export function describeFilterEngine(name: string, openSession: (options?: SessionOptions) => Promise<FilterEngine>): void {
  describe(`${name} as a filter engine`, () => {
    test.each(filterEngineContract.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
      await run(openSession);
    });
  });
}
