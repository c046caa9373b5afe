/**
 * WFP audit events as JSON lines, whoever wrote them: NXLog (flat), winlogbeat (`event_id` and `event_data`, or both below `winlog`) and
 * evtx_dump (`Event.System`, `Event.EventData`). Meaning of the events:
 * https://learn.microsoft.com/windows/security/threat-protection/auditing/audit-filtering-platform-policy-change
 */

/** One event with its fields as text. */
export interface AuditEvent {
  readonly id: number;
  readonly recordNumber?: number;
  readonly host: string;
  /** As logged. */
  readonly time?: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Line in the log, counted from 1. */
  readonly line: number;
}

/** Events that change or tell the filter table. */
export const POLICY_EVENTS = new Set([4608, 5440, 5441, 5442, 5443, 5444, 5446, 5447, 5448, 5449, 5450]);
/** Events that tell a decision together with the filter that made it. */
export const DECISION_EVENTS = new Set([5154, 5156, 5157, 5158]);

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Numbers beyond 2^53 stay as they are written. */
function exactNumbers(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' && !Number.isSafeInteger(value) && context?.source !== undefined ? context.source : value;
}

const numberOf = (value: unknown): number | undefined => {
  const raw = isObject(value) ? (value['#text'] ?? value['Value']) : value;
  const text = typeof raw === 'number' ? String(raw) : raw;
  return typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
};
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;

function fieldsOf(data: Json): Record<string, string> {
  const fields: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(data)) {
    const text = textOf(value);
    if (text !== undefined) fields[name] = text;
  }
  return fields;
}

/** Reads one line. Undefined for an object that is no Windows event. @throws SyntaxError when it is no JSON */
export function parseAuditLine(text: string, line: number): AuditEvent | undefined {
  const parsed: unknown = JSON.parse(text, exactNumbers as (key: string, value: unknown) => unknown);
  if (!isObject(parsed)) return undefined;
  const outer = isObject(parsed['winlog']) ? parsed['winlog'] : isObject(parsed['Event']) ? parsed['Event'] : parsed;
  const system = isObject(outer['System']) ? outer['System'] : outer;
  const data = [outer['event_data'], outer['EventData'], outer['Data']].find(isObject) ?? outer;
  const beatEvent = isObject(parsed['event']) ? parsed['event']['code'] : undefined;
  const id = numberOf(system['EventID'] ?? system['event_id'] ?? system['EventId'] ?? beatEvent);
  if (id === undefined) return undefined;
  const recordNumber = numberOf(
    system['RecordNumber'] ?? system['record_number'] ?? system['record_id'] ?? system['EventRecordID'],
  );
  const created = system['TimeCreated'];
  const time = textOf(
    system['EventTime'] ??
      parsed['@timestamp'] ??
      (isObject(created)
        ? isObject(created['#attributes'])
          ? created['#attributes']['SystemTime']
          : created['SystemTime']
        : created),
  );
  return {
    id,
    ...(recordNumber === undefined ? undefined : { recordNumber }),
    host: textOf(system['Hostname'] ?? system['computer_name'] ?? system['Computer'] ?? system['ComputerName']) ?? '',
    ...(time === undefined ? undefined : { time }),
    fields: fieldsOf(data),
    line,
  };
}
