import { parseU64 } from '../dumps/address.ts';
import { type AuditEvent, DECISION_EVENTS } from '../dumps/audit-event.ts';
import type { AuditLog } from '../dumps/audit-reader.ts';
import type { DumpFilter } from '../dumps/dump.ts';
import type { ClassifyTrace } from '../model/classify.ts';
import { layerById } from '../model/layers.ts';
import { type AuditTable, AuditTables } from './audit-table.ts';
import { auditFlow, auditValues } from './audit-values.ts';
import { Evidence } from './evidence.ts';
import { askedFlags } from './explain.ts';
import { type Naming, namedFilter } from './named-filter.ts';

/** A decision that arbitration here does not arrive at. */
export interface WrongDecision {
  readonly line: number;
  readonly recordNumber?: number;
  readonly event: number;
  readonly layer: string;
  /** What the event says. */
  readonly logged: { readonly action: 'permit' | 'block'; readonly filterId: string; readonly name: string };
  /** What was computed. */
  readonly computed: { readonly action: 'permit' | 'block' | 'unknown'; readonly filterIds: readonly string[] };
  readonly reason: string;
}

/** Numbers of a replay. `described` = exact + candidate + wrong; `decisions` = described + notDescribed. */
export interface ReplayResult {
  /** Events of the log. */
  readonly events: number;
  /** 5154, 5156, 5157 and 5158. */
  readonly decisions: number;
  /** Decisions that name a filter which the log described before. */
  readonly described: number;
  /** The named filter, and no other, decides by what the event tells and earlier decisions prove. */
  readonly exact: number;
  /** The named filter is among those that only unknown fields separate. */
  readonly candidate: number;
  readonly wrong: number;
  /** Decisions that name no filter, or one that the log did not describe: nothing can be compared. */
  readonly notDescribed: number;
  readonly wrongDecisions: readonly WrongDecision[];
}

/** How one decision compares; `notDescribed` when there is nothing to compare with. */
export type Comparison =
  | { readonly kind: 'exact' | 'candidate'; readonly filter: DumpFilter; readonly filterIds: readonly bigint[] }
  | { readonly kind: 'wrong'; readonly wrong: WrongDecision }
  | { readonly kind: 'notDescribed' };

/** FLAGS bits that filters of a layer ask for; kept while the table does not change. */
class AskedFlags {
  private readonly cache = new Map<string, number>();
  of(table: AuditTable, layerKey: string): number {
    let bits = this.cache.get(layerKey);
    if (bits === undefined) {
      bits = askedFlags([...table.filters.values()].filter(filter => filter.layerKey === layerKey));
      this.cache.set(layerKey, bits);
    }
    return bits;
  }
  forget(): void {
    this.cache.clear();
  }
}

/** Arbitration, also with the sublayers of unknown weight at the other end. */
function traces(
  table: AuditTable,
  layerKey: string,
  values: Parameters<AuditTable['classifier']['explain']>[1],
): ClassifyTrace[] {
  const { classifier, unplaced } = table;
  const place = (weight: number) => {
    for (const subLayerKey of unplaced) classifier.addSubLayer({ subLayerKey, displayData: { name: '' }, flags: 0, weight });
  };
  if (unplaced.size === 0) return [classifier.explain(layerKey, values)];
  place(65535);
  const above = classifier.explain(layerKey, values);
  place(0);
  const below = classifier.explain(layerKey, values);
  return [above, below];
}

/**
 * Compares one decision with the table as it stands: first by what the event tells alone; where that leaves more than one filter, once
 * more with what earlier decisions prove. A proof that disagrees with the decision is dropped, never counted. A decision that contradicts
 * the table is a candidate when filters that were added within two seconds account for it: a log orders events no finer than that.
 */
export function compareDecision(
  event: AuditEvent,
  table: AuditTable,
  evidence: Evidence,
  askedBits: (layerKey: string) => number,
): Comparison {
  const id = parseU64(event.fields['FilterRTID'] ?? '');
  const layerId = /^\d{1,5}$/.test(event.fields['LayerRTID'] ?? '') ? Number(event.fields['LayerRTID']) : -1;
  const layer = layerById(layerId);
  const named = id === undefined ? undefined : table.filters.get(id);
  if (!named || !layer) return { kind: 'notDescribed' };
  const values = auditValues(event, layer, askedBits(layer.layerKey));
  const logged = event.id === 5157 ? 'block' : 'permit';
  const results = traces(table, layer.layerKey, values);
  const namings = results.map(namedFilter);
  const filterIds = [...new Set(namings.flatMap(each => each.filters.map(filter => filter.filterId)))];
  const actions = new Set(results.map(each => each.action));
  const action = actions.size === 1 ? results[0]!.action : 'unknown';
  const wrong = (reason: string): Comparison => ({
    kind: 'wrong',
    wrong: {
      line: event.line,
      ...(event.recordNumber === undefined ? undefined : { recordNumber: event.recordNumber }),
      event: event.id,
      layer: layer.name,
      logged: { action: logged, filterId: String(named.filterId), name: named.displayData.name },
      computed: { action, filterIds: filterIds.map(String) },
      reason,
    },
  });
  // Of an incomplete table any other sublayer may hold filters that turn it; only the named filter's own sublayer can contradict.
  const untold = (): Comparison | undefined =>
    table.incomplete &&
    logged === named.action.type.replace('FWP_ACTION_', '').toLowerCase() &&
    results.some(each => isReached(each, named))
      ? { kind: 'candidate', filter: named, filterIds: [named.filterId] }
      : undefined;
  const early = (): Comparison | undefined => {
    const then = table.before(event.time, named.filterId, () => traces(table, layer.layerKey, values));
    if (!then?.some(each => each.action === 'unknown' || each.action === logged)) return undefined;
    const ids = [...new Set(then.flatMap(each => namedFilter(each).filters.map(filter => filter.filterId)))];
    return ids.includes(named.filterId) ? { kind: 'candidate', filter: named, filterIds: ids } : undefined;
  };
  if (named.layerKey !== layer.layerKey) return wrong(`the named filter stands at another layer (${named.layerKey})`);
  if (action !== 'unknown' && action !== logged)
    return early() ?? untold() ?? wrong(`the event says ${logged}, arbitration says ${action}`);
  if (!filterIds.includes(named.filterId))
    return early() ?? untold() ?? wrong(`filter ${named.filterId} cannot be the one by what is known`);
  const exact = isExact(namings, named);
  const { local } = auditFlow(event, layer);
  const more = exact ? undefined : evidence.add(event, layer, local, values);
  const again = more && traces(table, layer.layerKey, more).map(namedFilter);
  if (again?.every(each => each.certain && !each.filters.some(filter => filter.filterId === named.filterId))) {
    evidence.forget(event, local);
  }
  if (table.unplaced.size === 0) evidence.learn(event, local, named, results[0]!);
  return { kind: exact || (again && isExact(again, named)) ? 'exact' : 'candidate', filter: named, filterIds };
}

/** Whether arbitration comes to a filter, which then may match. */
const isReached = (trace: ClassifyTrace, { filterId }: DumpFilter): boolean =>
  trace.subLayers.some(({ filters }) =>
    filters.some(each => each.filter.filterId === filterId && (each.outcome === 'matched' || each.outcome === 'unknown')),
  );

const isExact = (namings: readonly Naming[], named: DumpFilter): boolean =>
  namings.every(({ certain, filters }) => certain && filters[0]?.filterId === named.filterId);

/** Rebuilds the filter table event by event and compares every decision with what arbitration makes of it. */
export function replay(log: AuditLog, each?: (event: AuditEvent, comparison: Comparison) => void): ReplayResult {
  const tables = new AuditTables(log.events);
  const asked = new Map<AuditTable, AskedFlags>();
  const evidence = new Evidence();
  const count = { exact: 0, candidate: 0, wrong: 0, notDescribed: 0 };
  const wrongDecisions: WrongDecision[] = [];
  let decisions = 0;
  for (const event of log.events) {
    const table = tables.of(event.host);
    const flags = asked.get(table) ?? new AskedFlags();
    asked.set(table, flags);
    if (!DECISION_EVENTS.has(event.id)) {
      table.apply(event);
      flags.forget();
      continue;
    }
    decisions++;
    const comparison = compareDecision(event, table, evidence, layerKey => flags.of(table, layerKey));
    count[comparison.kind]++;
    if (comparison.kind === 'wrong') wrongDecisions.push(comparison.wrong);
    each?.(event, comparison);
  }
  const described = decisions - count.notDescribed;
  return { events: log.lines, decisions, described, ...count, wrongDecisions };
}
