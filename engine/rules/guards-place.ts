import { WfpError } from '../model/error.ts';
import type { FilterEngine } from '../model/filter-engine.ts';
import { fixedKey } from './ask-filters.ts';

/** A provider that lives as long as the guard of this machine: where there is one engine for all, there is one guard. */
const GUARD_KEY = fixedKey('guard');

/**
 * Takes the place of the guard for as long as the dynamic session lives, however it ends.
 * @returns false when another guard has it
 */
export async function takeGuardsPlace(dynamic: FilterEngine): Promise<boolean> {
  try {
    await dynamic.providerAdd({ providerKey: GUARD_KEY, displayData: { name: 'Sallyport guards this machine' }, flags: 0 });
    return true;
  } catch (error) {
    if (error instanceof WfpError && error.codeName === 'FWP_E_ALREADY_EXISTS') return false;
    throw error;
  }
}

/** Whether a guard has its place. */
export async function guardsPlaceTaken(engine: FilterEngine): Promise<boolean> {
  try {
    await engine.providerGetByKey(GUARD_KEY);
    return true;
  } catch (error) {
    if (error instanceof WfpError && error.codeName === 'FWP_E_PROVIDER_NOT_FOUND') return false;
    throw error;
  }
}
