import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { requirement } from '../support/requirement.ts';

const folder = fileURLToPath(new URL('../../../shared/data/', import.meta.url));

/** Path of a real file that was handed over with the project; it is not part of it. */
export const realFile = (name: string): string => `${folder}${name}`;

/** Whether the real files are here; in CI they must be. */
export const hasRealData = (): boolean =>
  requirement('real dumps', existsSync(realFile('keploy.wfpstate.xml')), `put the recorded dumps into ${folder}`);

/** The dumps with what they hold: filters by count of filterKey, conditions by count of matchType (checked with grep). */
export const DUMPS = [
  {
    name: 'keploy.wfpstate.xml',
    kind: 'state',
    filters: 1254,
    conditions: 3604,
    layers: 99,
    sublayers: 45,
    callouts: 89,
    providers: 16,
    sessions: 15,
  },
  { name: 'LibGrabber.wfpfilters.xml', kind: 'filters', filters: 794, conditions: 2930, providers: 14 },
  { name: 'le_voile-a.filters.xml', kind: 'filters', filters: 286, conditions: 922, providers: 15 },
  { name: 'le_voile-b.filters.xml', kind: 'filters', filters: 286, conditions: 922, providers: 15 },
] as const;
