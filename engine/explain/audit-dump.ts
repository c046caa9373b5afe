import { DECISION_EVENTS } from '../dumps/audit-event.ts';
import type { AuditLog } from '../dumps/audit-reader.ts';
import type { Dump, DumpSubLayer } from '../dumps/dump.ts';
import { builtinSubLayers } from '../model/builtin.ts';
import { auditNetEvent } from './audit-net-event.ts';
import { AuditTables } from './audit-table.ts';

/**
 * The filter table that an audit log leaves at its end, as a dump, with the decisions as its net events. Of several hosts the one with
 * most filters is taken.
 */
export function auditDump(log: AuditLog): Dump {
  const tables = new AuditTables(log.events);
  for (const event of log.events) {
    const table = tables.of(event.host);
    if (!DECISION_EVENTS.has(event.id)) table.apply(event);
  }
  const hosts = tables.hosts
    .map(host => ({ host, table: tables.of(host) }))
    .sort((a, b) => b.table.filters.size - a.table.filters.size);
  const first = hosts[0];
  const more =
    hosts.length > 1
      ? [
          {
            severity: 'warning' as const,
            line: 0,
            column: 0,
            message: `the log is of ${hosts.length} hosts; filters and events are those of ${first?.host || 'the one without a name'}`,
          },
        ]
      : [];
  const plain = { flagNames: [], line: 0, column: 0 };
  const subLayers: DumpSubLayer[] = builtinSubLayers().map(each => ({ ...each, ...plain, weightFrom: 'builtin' }));
  for (const key of first?.table.unplaced ?? []) {
    subLayers.push({
      subLayerKey: key,
      displayData: { name: 'sublayer not told by the log' },
      flags: 0,
      weight: 65535,
      weightFrom: 'unknown',
      ...plain,
    });
  }
  const last = log.events.at(-1)?.time;
  return {
    kind: 'audit',
    source: log.source,
    ...(last ? { timeStamp: last } : undefined),
    filters: [...(first?.table.filters.values() ?? [])],
    providers: [],
    subLayers,
    callouts: [],
    layers: [],
    sessions: [],
    providerContexts: [],
    netEvents: log.events.flatMap(event =>
      DECISION_EVENTS.has(event.id) && (first === undefined || event.host === first.host) ? [auditNetEvent(event)] : [],
    ),
    endpoints: [],
    other: [],
    names: new Map(),
    tellsCallouts: false,
    problems: [...log.problems, ...more],
    errors: log.errors,
    warnings: log.warnings + more.length,
  };
}
