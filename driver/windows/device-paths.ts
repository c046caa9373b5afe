import { kernel32, wide } from './kernel32.ts';

/** Device (`\device\harddiskvolume3`) → drive (`C:`), lower case; read when asked and again when a device is not known. */
let drives: ReadonlyMap<string, string> = new Map();

function readDrives(): ReadonlyMap<string, string> {
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
    found.set(text.slice(0, text.indexOf('\0')).toLowerCase(), drive);
  }
  return found;
}

/** The device form of a path as a drive path, by these drives. Undefined when no drive is that device: a volume without letter, a share. */
export function drivePath(devicePath: string, known: ReadonlyMap<string, string>): string | undefined {
  const parts = /^(\\device\\[^\\]+)(\\.*)$/i.exec(devicePath);
  const drive = parts && known.get(parts[1]!.toLowerCase());
  return drive ? `${drive}${parts[2]}` : undefined;
}

/**
 * A drive or UNC path in device form, as Windows spells it: `C:\x.exe` → `\Device\HarddiskVolume3\x.exe`. Undefined for anything else, and
 * for a drive that is not there.
 */
export function devicePath(path: string, known: ReadonlyMap<string, string>): string | undefined {
  const share = /^\\\\(?![.?]\\)(.+)$/.exec(path);
  if (share) return `\\Device\\Mup\\${share[1]}`;
  const drive = /^([a-z]:)(\\.*)$/i.exec(path.replaceAll('/', '\\'));
  if (!drive) return undefined;
  for (const [device, letter] of known) if (letter.toLowerCase() === drive[1]!.toLowerCase()) return `${device}${drive[2]}`;
  return undefined;
}

/** The same by the drives of this machine, read anew. */
export function deviceOfDrivePath(path: string): string | undefined {
  drives = readDrives();
  return devicePath(path, drives);
}

/** `\device\harddiskvolume3\x.exe` → `C:\x.exe`; undefined when not known. */
export function driveOfDevicePath(devicePath: string): string | undefined {
  const path = drivePath(devicePath, drives);
  if (path) return path;
  drives = readDrives();
  return drivePath(devicePath, drives);
}
