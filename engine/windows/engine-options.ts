import koffi from 'koffi';
import { composeValue } from './compose-value.ts';
import * as layout from './layouts.ts';
import { Struct } from './memory.ts';
import { BrokenStructureError } from './parse-value.ts';
import type { WfpSession } from './session.ts';

/** FWPM_ENGINE_OPTION, those that are used here. They are the machine's, and outlive sessions and restarts. */
export const ENGINE_OPTION = { COLLECT_NET_EVENTS: 0, NET_EVENT_MATCH_ANY_KEYWORDS: 1 } as const;
export type EngineOption = (typeof ENGINE_OPTION)[keyof typeof ENGINE_OPTION];

/** An option that was changed: from what, to what. */
export interface OptionChange {
  readonly option: EngineOption;
  readonly before: number;
  readonly after: number;
}

const POINTER = koffi.struct({ value: 'void *' });
const FWP_UINT32 = 3;

/** FwpmEngineGetOption0. @throws WfpError; BrokenStructureError when it is no UINT32 */
export function getOption(session: WfpSession, option: EngineOption): Promise<number> {
  return session.withArena(async ({ arena }) => {
    const out = arena.struct(POINTER);
    await session.check('FwpmEngineGetOption0', option, out.address);
    const address = out.struct.bigint('value');
    if (address === 0n) throw new BrokenStructureError(`no value of the option ${option}`);
    try {
      const value = Struct.at(layout.FWP_VALUE0, address);
      if (value.number('type') !== FWP_UINT32)
        throw new BrokenStructureError(`the option ${option} as data type ${value.number('type')}`);
      return value.number('value.uint32');
    } finally {
      session.native.free(out.address);
    }
  });
}

/** FwpmEngineSetOption0 with a UINT32. Not in a dynamic session, not in a transaction. @throws WfpError */
export function setOption(session: WfpSession, option: EngineOption, value: number): Promise<void> {
  return session.withArena(async context => {
    const { address, struct } = context.arena.struct(layout.FWP_VALUE0);
    composeValue(context, struct, { type: 'FWP_UINT32', value });
    await session.check('FwpmEngineSetOption0', option, address);
  });
}

/** Sets bits of an option beside those that are set already. Returns the change, or nothing when all of them were set. @throws WfpError */
export async function addToOption(session: WfpSession, option: EngineOption, bits: number): Promise<OptionChange[]> {
  const before = await getOption(session, option);
  const after = (before | bits) >>> 0;
  if (after === before) return [];
  await setOption(session, option, after);
  return [{ option, before, after }];
}

/** Puts an option back, unless somebody changed it since. @throws WfpError */
export async function restoreOption(session: WfpSession, { option, before, after }: OptionChange): Promise<void> {
  if ((await getOption(session, option)) === after) await setOption(session, option, before);
}
