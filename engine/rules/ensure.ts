import { WfpError } from '../model/error.ts';

/** Does nothing when the object is there already. */
export async function ensure(add: Promise<unknown>): Promise<void> {
  try {
    await add;
  } catch (error) {
    if (!(error instanceof WfpError && error.codeName === 'FWP_E_ALREADY_EXISTS')) throw error;
  }
}

/** Does nothing when the object is not there. @returns whether it was */
export async function gone(deletion: Promise<unknown>): Promise<boolean> {
  try {
    await deletion;
    return true;
  } catch (error) {
    if (error instanceof WfpError && error.codeName.endsWith('_NOT_FOUND')) return false;
    throw error;
  }
}
