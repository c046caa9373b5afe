import { DriverDevice, DriverError } from '../../../../driver/windows/device.ts';

/** ERROR_FILE_NOT_FOUND and ERROR_PATH_NOT_FOUND: the device does not exist. */
const ABSENT: ReadonlySet<number> = new Set([2, 3]);

/** Whether the callout driver can be used. `absent`: it is not loaded. `unusable`: it is there, and `why` not. */
export type DriverState =
  | { readonly kind: 'usable'; readonly version: string; readonly deciderAttached: boolean }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unusable'; readonly why: string };

/** Asks the driver who it is, as an observer, and leaves it as it was. */
export async function findDriver(path?: string): Promise<DriverState> {
  let device: DriverDevice | undefined;
  try {
    device = DriverDevice.open('observer', path);
    const { driverVersion, deciderAttached } = await device.attach('observer');
    return { kind: 'usable', version: driverVersion, deciderAttached };
  } catch (error) {
    if (error instanceof DriverError && !device && ABSENT.has(error.code)) return { kind: 'absent' };
    return { kind: 'unusable', why: (error as Error).message };
  } finally {
    await device?.close();
  }
}
