import { kernel32, wide } from './kernel32.ts';

/** Drive in upper case (`C:`) → what it stands for: a device (`\Device\HarddiskVolume3`), with a folder behind it for a `subst` drive. */
export type Drives = ReadonlyMap<string, string>;

/** The redirector through which programs on shares are seen. */
const MUP = '\\Device\\Mup\\';
const MOST_SUBST = 4;

/**
 * What QueryDosDevice says of the drives, as ALE_APP_ID has it: a `subst` drive (`\??\C:\folder`) is the folder's, a network drive
 * (`\Device\LanmanRedirector\;Z:…\server\share`) is the share behind the redirector. A drive of which neither can be said is left out.
 * https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-querydosdevicew
 */
export function drivesOf(targets: Drives): Drives {
  const resolve = (target: string, depth: number): string | undefined => {
    const subst = /^\\\?\?\\([a-z]:)(\\.*)?$/i.exec(target);
    if (subst) {
      const base = targets.get(subst[1]!.toUpperCase());
      const below = base === undefined || depth === 0 ? undefined : resolve(base, depth - 1);
      return below === undefined ? undefined : below + (subst[2] ?? '').replace(/\\$/, '');
    }
    const share = /^\\\?\?\\UNC\\(.+)$/i.exec(target) ?? /^\\device\\[^\\]+\\;[^\\]+\\(.+)$/i.exec(target);
    if (share) return `${MUP}${share[1]!.replace(/\\$/, '')}`;
    return /^\\device\\./i.test(target) ? target : undefined;
  };
  return new Map(
    [...targets].flatMap(([drive, target]) => {
      const device = resolve(target, MOST_SUBST);
      return device === undefined ? [] : [[drive, device] as const];
    }),
  );
}

function readDrives(): Drives {
  const kernel = kernel32();
  const found = new Map<string, string>();
  const mask: number = kernel.GetLogicalDrives();
  for (let index = 0; index < 26; index++) {
    if ((mask & (1 << index)) === 0) continue;
    const drive = `${String.fromCharCode(65 + index)}:`;
    const target = Buffer.alloc(2048);
    const length: number = kernel.QueryDosDeviceW(wide(drive), target, target.length / 2);
    if (length === 0) continue;
    const text = target.toString('utf16le');
    found.set(drive, text.slice(0, text.indexOf('\0')));
  }
  return drivesOf(found);
}

/** The device form of a path as people write it: by drive, or as a share. Undefined when no drive is that device. */
export function drivePath(devicePath: string, drives: Drives): string | undefined {
  const parts = /^(\\device\\[^\\]+)(\\.*)$/i.exec(devicePath);
  if (!parts) return undefined;
  const share = /^\\device\\mup\\([^;].*)$/i.exec(devicePath);
  if (share) return `\\\\${share[1]}`;
  const device = parts[1]!.toLowerCase();
  for (const [drive, target] of drives) if (target.toLowerCase() === device) return `${drive}${parts[2]}`;
  return undefined;
}

/**
 * A drive or UNC path in device form, as Windows spells it: `C:\x.exe` → `\Device\HarddiskVolume3\x.exe`. Undefined for anything else, and
 * for a drive that is not there.
 */
export function devicePath(path: string, drives: Drives): string | undefined {
  const share = /^\\\\(?![.?]\\)(.+)$/.exec(path);
  if (share) return `${MUP}${share[1]}`;
  const parts = /^([a-z]:)(\\.*)$/i.exec(path);
  const target = parts && drives.get(parts[1]!.toUpperCase());
  return target ? `${target}${parts[2]}` : undefined;
}

/** The drives when last read: read again when what is asked for is not among them. */
let drives: Drives = new Map();

function byDrives(translate: (drives: Drives) => string | undefined): string | undefined {
  const found = translate(drives);
  if (found !== undefined) return found;
  drives = readDrives();
  return translate(drives);
}

/** `devicePath` by the drives of this machine. */
export const deviceOfDrivePath = (path: string): string | undefined => byDrives(known => devicePath(path, known));

/** `drivePath` by the drives of this machine. */
export const driveOfDevicePath = (path: string): string | undefined => byDrives(known => drivePath(path, known));
