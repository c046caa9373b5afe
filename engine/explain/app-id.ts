import type { DumpFilter } from '../dumps/dump.ts';
import { utf16 } from '../dumps/keep.ts';
import { CONDITION_KEY } from '../model/keys.ts';

/** What a program named in a question can be on the machine of a dump. */
export interface AppChoice {
  /** Device paths that it can stand for. More than one: the name fits several programs that filters name. */
  readonly paths: readonly string[];
  /** How it was taken, for people. */
  readonly note?: string;
}

const volume = /^\\device\\harddiskvolume\d+/;

/** Every program that filters name, lower case as WFP keeps them. */
export function appIdsOf(filters: readonly DumpFilter[]): Set<string> {
  const found = new Set<string>();
  for (const filter of filters) {
    for (const { fieldKey, conditionValue } of filter.filterCondition) {
      if (
        (fieldKey === CONDITION_KEY.ALE_APP_ID || fieldKey === CONDITION_KEY.ALE_ORIGINAL_APP_ID) &&
        conditionValue.type === 'FWP_BYTE_BLOB_TYPE'
      )
        found.add(utf16(conditionValue.value));
    }
  }
  return found;
}

/**
 * Translates a program as people write it to the id that filters hold. A device path stays; a drive path is matched behind the volume,
 * since a dump does not say which volume `C:` is; a file name is matched against the names of programs that filters name. A program
 * that no filter names gets a path that equals none of theirs, which is all that arbitration asks.
 */
export function chooseApp(app: string, filters: readonly DumpFilter[]): AppChoice {
  const ids = [...appIdsOf(filters)];
  if (app.startsWith('/') || ids.some(id => id.startsWith('/'))) return choosePosix(app.trim(), ids);
  const wanted = app.trim().replaceAll('/', '\\');
  const lower = wanted.toLowerCase();
  const exact = ids.find(id => [lower, lower.replace(/^\\\\(?=[^\\?.])/, '\\device\\mup\\')].includes(id.toLowerCase()));
  if (exact !== undefined) return { paths: [exact] };
  if (lower.startsWith('\\device\\')) return { paths: [lower], note: 'no filter at this layer names this program' };
  // A share is reached through the redirector of the multiple UNC provider.
  if (/^\\\\[^\\?.]/.test(lower))
    return { paths: [`\\device\\mup${lower.slice(1)}`], note: 'no filter at this layer names this program' };
  const drive = /^[a-z]:(\\.*)$/.exec(lower);
  const tail = drive?.[1] ?? (lower.startsWith('\\') ? lower : `\\${lower}`);
  const fits = ids.filter(id => (drive ? id.toLowerCase().replace(volume, '') === tail : id.toLowerCase().endsWith(tail)));
  if (fits.length === 1) return { paths: fits, note: `${app} is taken as ${fits[0]}` };
  if (fits.length > 1)
    return { paths: fits, note: `${app} can be ${fits.length} programs that filters name: ${fits.join(', ')}` };
  const common = ids.map(id => volume.exec(id)?.[0]).find(each => each !== undefined) ?? '\\device\\harddiskvolume3';
  return { paths: [`${common}${tail}`], note: `no filter at this layer names ${app}` };
}

/** The same where programs are files with forward slashes: case matters, and a path is the id. */
function choosePosix(app: string, ids: readonly string[]): AppChoice {
  if (app.startsWith('/'))
    return ids.includes(app) ? { paths: [app] } : { paths: [app], note: 'no filter at this layer names this program' };
  const fits = ids.filter(id => id.endsWith(`/${app}`));
  if (fits.length === 0) return { paths: [app], note: `no filter at this layer names ${app}` };
  return {
    paths: fits,
    note:
      fits.length === 1
        ? `${app} is taken as ${fits[0]}`
        : `${app} can be ${fits.length} programs that filters name: ${fits.join(', ')}`,
  };
}
