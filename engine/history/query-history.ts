import type { ConnectionAttempt, Verdict } from '../model/attempt.ts';
import { inNetwork, parseAddress } from '../rules/address.ts';
import type { RemoteScope } from '../rules/rule.ts';
import { entryOfRow, guarded, openForReading } from './history-database.ts';
import type { HistoryEntry } from './history-entry.ts';

export interface HistoryQuery {
  /** A program's whole path, or the last part of it. */
  readonly app?: string;
  readonly remote?: RemoteScope;
  readonly verdict?: Verdict | 'withdrawn';
  /** Milliseconds since the epoch. */
  readonly since?: number;
  /** The newest this many; default 100. */
  readonly limit?: number;
}

function fits(remote: RemoteScope, attempt: ConnectionAttempt): boolean {
  if (remote.kind === 'any') return true;
  if (remote.kind === 'name') {
    return attempt.names.some(({ name }) => {
      const lower = name.toLowerCase();
      return remote.subdomains ? lower.endsWith(`.${remote.name}`) : lower === remote.name;
    });
  }
  const address = attempt.remote && parseAddress(attempt.remote.address);
  const wanted = parseAddress(remote.address);
  if (!address || !wanted) return false;
  return remote.kind === 'network' ? inNetwork(address, wanted, remote.prefix) : address.text === wanted.text;
}

/**
 * Reads history, newest last. Works while a guard writes. No file is no history.
 * @throws HistoryError when the file is damaged, locked or newer
 */
export function queryHistory(path: string, query: HistoryQuery = {}): readonly HistoryEntry[] {
  const database = openForReading(path);
  if (!database) return [];
  const limit = query.limit ?? 100;
  const found: HistoryEntry[] = [];
  try {
    guarded(path, () => {
      const rows = database
        .prepare(
          `SELECT * FROM entry
           WHERE at >= ? AND (? IS NULL OR verdict = ?)
             AND (? IS NULL OR app = ? OR substr(app, -length(?) - 1) = '/' || ? OR substr(app, -length(?) - 1) = '\\' || ?)
           ORDER BY at DESC, seq DESC`,
        )
        .iterate(
          query.since ?? 0,
          query.verdict ?? null,
          query.verdict ?? null,
          ...Array.from({ length: 6 }, () => query.app ?? null),
        );
      for (const row of rows) {
        if (found.length >= limit) break;
        const entry = entryOfRow(row);
        if (!query.remote || fits(query.remote, entry.attempt)) found.push(entry);
      }
    });
  } finally {
    database.close();
  }
  return found.reverse();
}
