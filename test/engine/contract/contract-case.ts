import assert from 'node:assert/strict';
import { type FwpErrorName, WfpError } from '../../../engine/model/error.ts';
import type { FilterEngine, SessionOptions } from '../../../engine/model/filter-engine.ts';

export type OpenSession = (options?: SessionOptions) => Promise<FilterEngine>;
export interface ContractCase {
  readonly name: string;
  readonly run: (openSession: OpenSession) => Promise<void>;
}

/** The call fails with this FWP_E_* error. */
export async function fails(code: FwpErrorName, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof WfpError, String(error));
    assert.equal(error.codeName, code);
    return true;
  });
}

/** A case with one dynamic session, so that nothing stays. */
export const dynamicCase = (
  name: string,
  work: (session: FilterEngine, openSession: OpenSession) => Promise<void>,
): ContractCase => ({
  name,
  run: async openSession => {
    const session = await openSession({ dynamic: true });
    try {
      await work(session, openSession);
    } finally {
      await session.close();
    }
  },
});
