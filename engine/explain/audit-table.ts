import { parseU64, parseUnsigned } from '../dumps/address.ts';
import { MatchTexts, splitConditions } from '../dumps/audit-conditions.ts';
import { type AuditEvent, DECISION_EVENTS } from '../dumps/audit-event.ts';
import { auditFilter, says } from '../dumps/audit-filter.ts';
import type { DumpFilter } from '../dumps/dump.ts';
import { Keeper } from '../dumps/keep.ts';
import { Classifier } from '../embedded/classifier.ts';
import { type Guid, NULL_GUID, parseGuid } from '../model/guid.ts';

/** After so long without one, an event "present at start" begins a new life of the engine, with new run-time ids. */
const START_GAP_MS = 60_000;

/** Logging is not part of the change: within so long the order of events need not be the order of what they tell. */
const SETTLE_MS = 2000;

/** One host's filter table as its policy events change it. */
export class AuditTable {
  readonly filters = new Map<bigint, DumpFilter>();
  classifier = new Classifier();
  /** Sublayers of which the weight is not known: one for each provider that is not Windows' own. */
  readonly unplaced = new Set<Guid>();
  /** Decisions name filters that the log never describes: it began after they were made, so there may be more of them. */
  readonly incomplete: boolean;
  private readonly texts: MatchTexts;
  private readonly keep: Keeper;
  /** Sublayers by provider, as events 5444 and 5450 tell them. */
  private readonly subLayersOf = new Map<string, Map<Guid, number>>();
  private lastPresent: number | undefined;
  private readonly added = new Map<bigint, number>();

  constructor(texts: MatchTexts, keep: Keeper, incomplete = false) {
    this.incomplete = incomplete;
    this.texts = texts;
    this.keep = keep;
  }

  /** Takes over a policy event. */
  apply(event: AuditEvent): void {
    switch (event.id) {
      case 4608:
        this.restart();
        break;
      case 5441: {
        const at = Date.parse(event.time ?? '');
        const again = this.lastPresent === undefined ? this.filters.size > 0 : at - this.lastPresent > START_GAP_MS;
        if (again) this.restart();
        if (!Number.isNaN(at)) this.lastPresent = at;
        else this.lastPresent ??= 0;
        this.add(event);
        break;
      }
      case 5447:
        if (says(event.fields['ChangeType'], 'delete')) this.delete(event);
        else this.add(event);
        break;
      case 5444:
      case 5450:
        this.subLayer(event);
        break;
    }
  }

  /**
   * Runs `work` as if the filters that were added just before `time`, except one, were not there yet. Undefined when there are none, so
   * nothing can come out differently.
   */
  before<T>(time: string | undefined, except: bigint, work: () => T): T | undefined {
    const at = Date.parse(time ?? '');
    const young = [...this.added]
      .filter(([id, when]) => id !== except && Math.abs(at - when) <= SETTLE_MS && this.filters.has(id))
      .map(([id]) => this.filters.get(id)!);
    if (young.length === 0) return undefined;
    for (const filter of young) this.classifier.deleteFilter(filter.filterId);
    try {
      return work();
    } finally {
      for (const filter of young) this.classifier.addFilter(filter);
    }
  }

  private restart(): void {
    this.filters.clear();
    this.added.clear();
    this.classifier = new Classifier();
    this.unplaced.clear();
    this.subLayersOf.clear();
  }

  private add(event: AuditEvent): void {
    const read = auditFilter(event, this.texts, this.keep);
    if (!read) return;
    const filter = read.subLayerKey === NULL_GUID ? { ...read, subLayerKey: this.placeOf(read) } : read;
    this.filters.set(filter.filterId, filter);
    const at = Date.parse(event.time ?? '');
    if (event.id === 5447 && !Number.isNaN(at)) this.added.set(filter.filterId, at);
    if (filter.action.calloutKey) this.classifier.setCallout(filter.action.calloutKey, 'opaque');
    this.classifier.addFilter(filter);
  }

  /** A provider's only sublayer where the log tells it, else one of its own whose weight is unknown. */
  private placeOf(filter: DumpFilter): Guid {
    const own = this.subLayersOf.get(filter.providerKey ?? '');
    const only = own?.size === 1 ? [...own][0] : undefined;
    if (only) {
      this.classifier.addSubLayer({ subLayerKey: only[0], displayData: { name: '' }, flags: 0, weight: only[1] });
      return only[0];
    }
    const key = filter.providerKey ?? NULL_GUID;
    this.unplaced.add(key);
    return key;
  }

  private delete(event: AuditEvent): void {
    const id = parseU64(event.fields['FilterId'] ?? '');
    if (id === undefined) return;
    this.filters.delete(id);
    this.added.delete(id);
    this.classifier.deleteFilter(id);
  }

  private subLayer(event: AuditEvent): void {
    const key = parseGuid(event.fields['SubLayerKey'] ?? '');
    const weight = parseUnsigned(event.fields['Weight'] ?? '', 0xffff);
    if (key === undefined || weight === undefined) return;
    const provider = parseGuid(event.fields['ProviderKey'] ?? '') ?? '';
    const own = this.subLayersOf.get(provider === NULL_GUID ? '' : provider) ?? new Map<Guid, number>();
    this.subLayersOf.set(provider === NULL_GUID ? '' : provider, own);
    if (says(event.fields['ChangeType'], 'delete')) own.delete(key);
    else own.set(key, weight);
  }
}

/** What the words for match types mean in this log, learned from all its filters. */
export function learnTexts(events: readonly AuditEvent[]): MatchTexts {
  const texts = new MatchTexts();
  for (const { id, fields } of events) if (id === 5441 || id === 5447) texts.learn(splitConditions(fields['Conditions'] ?? ''));
  return texts;
}

/** Hosts with a decision by a filter that no event describes. */
function incompleteHosts(events: readonly AuditEvent[]): Set<string> {
  const described = new Set<string>();
  for (const { id, host, fields } of events) if (id === 5441 || id === 5447) described.add(`${host} ${fields['FilterId']}`);
  const found = new Set<string>();
  for (const { id, host, fields } of events) {
    const named = fields['FilterRTID'];
    if (DECISION_EVENTS.has(id) && named !== undefined && named !== '0' && !described.has(`${host} ${named}`)) found.add(host);
  }
  return found;
}

/** The filter tables of all hosts of a log. */
export class AuditTables {
  private readonly tables = new Map<string, AuditTable>();
  private readonly texts: MatchTexts;
  private readonly keep = new Keeper();
  private readonly incomplete: ReadonlySet<string>;
  constructor(events: readonly AuditEvent[]) {
    this.texts = learnTexts(events);
    this.incomplete = incompleteHosts(events);
  }
  of(host: string): AuditTable {
    let table = this.tables.get(host);
    if (!table) {
      table = new AuditTable(this.texts, this.keep, this.incomplete.has(host));
      this.tables.set(host, table);
    }
    return table;
  }
  get hosts(): readonly string[] {
    return [...this.tables.keys()];
  }
}
