import { deviceOfDrivePath } from '../../../../driver/windows/device-paths.ts';
import type { AppIdOf, EngineForm } from '../../../../engine/rules/conditions.ts';
import { RuleError } from '../../../../engine/rules/rule-error.ts';

/** What ALE_APP_ID has for the kernel's own traffic. */
const SYSTEM = 'System';

/**
 * How the Base Filtering Engine names programs: the device path in lower case, as FwpmGetAppIdFromFileName0 makes it
 * (https://learn.microsoft.com/windows/win32/api/fwpmu/nf-fwpmu-fwpmgetappidfromfilename0); the file need not exist, its drive must.
 * @param deviceOf the device path of a drive or UNC path; undefined for a drive that is not there
 */
export function windowsAppIdOf(deviceOf: (path: string) => string | undefined = deviceOfDrivePath): AppIdOf {
  return path => {
    if (path.toLowerCase() === SYSTEM.toLowerCase()) return SYSTEM;
    if (/^\\device\\./i.test(path)) return path.toLowerCase();
    const plain = path
      .replaceAll('/', '\\')
      .replace(/^\\(\\\?|\?\?)\\(?:(UNC)(?=\\)|)/i, (_all, _prefix, unc) => (unc ? '\\' : ''));
    if (!/^([a-z]:\\|\\\\)./i.test(plain))
      throw new RuleError(`"${path}" is no program path on Windows: give drive and folders, like C:\\Tools\\curl.exe.`);
    const device = deviceOf(plain);
    if (device === undefined)
      throw new RuleError(`There is no drive ${plain.slice(0, 2)} now, so no filter can be made for ${path}: connect it first.`);
    return device.toLowerCase();
  };
}

/** How the Base Filtering Engine of this machine names what rules name. */
export const windowsForm = (): EngineForm => ({ appIdOf: windowsAppIdOf(), mapsV4: true });
