import { type AuditEvent, DECISION_EVENTS, POLICY_EVENTS, parseAuditLine } from './audit-event.ts';
import { Problems, UnreadableError } from './problem.ts';
import { fileChunks } from './source.ts';
import { TextStream } from './text-decoder.ts';

const MAX_LINE = 4 * 1024 * 1024;
const MAX_EVENTS = 5_000_000;

/** An audit log: the WFP events of it, in the order in which they happened on each host. */
export interface AuditLog {
  readonly source: string;
  /** Events of the log, also those that have nothing to do with WFP. */
  readonly lines: number;
  readonly events: readonly AuditEvent[];
  readonly problems: readonly { severity: 'error' | 'warning'; line: number; column: number; message: string }[];
  readonly errors: number;
  readonly warnings: number;
}

/** Collects lines from pieces of text; a line beyond MAX_LINE is given up. */
class Lines {
  private rest = '';
  private readonly take: (line: string, last: boolean) => void;
  constructor(take: (line: string, last: boolean) => void) {
    this.take = take;
  }
  push(text: string): void {
    const all = this.rest + text;
    let from = 0;
    for (let at = all.indexOf('\n'); at >= 0; at = all.indexOf('\n', from)) {
      this.take(all.slice(from, at), false);
      from = at + 1;
    }
    this.rest = all.slice(from);
    if (this.rest.length > MAX_LINE) throw new RangeError('a line is longer than 4 MB: this is no log of one JSON object a line');
  }
  end(): void {
    if (this.rest !== '') this.take(this.rest, true);
  }
}

/** Whether the first characters of a text look like JSON lines rather than XML. */
export const looksLikeJson = (head: string): boolean => /^[\s\uFEFF]*[[{]/.test(head);

/** Reads a log from its bytes. Lines that are no JSON are told as errors; the others are read all the same. */
export async function readAuditLog(source: string, pieces: AsyncIterable<Uint8Array>): Promise<AuditLog> {
  const problems = new Problems();
  const events: AuditEvent[] = [];
  let number = 0;
  let seen = 0;
  const lines = new Lines((raw, last) => {
    number++;
    const text = raw.replace(/^[\s\uFEFF[]+|[\s,\]]+$/g, '');
    if (text === '') return;
    if (!text.startsWith('{')) {
      problems.add('error', number, 1, `this line is no JSON object: it begins with ${JSON.stringify(text.slice(0, 20))}`);
      return;
    }
    let event: AuditEvent | undefined;
    try {
      event = parseAuditLine(text, number);
    } catch (error) {
      const at = /position (\d+)/.exec((error as Error).message);
      const cut = last || /end of JSON|Unterminated/i.test((error as Error).message);
      problems.add(
        'error',
        number,
        at ? Number(at[1]) + 1 : text.length,
        cut
          ? 'the line ends inside a JSON object: the log is truncated here'
          : `this line is not valid JSON (${(error as Error).message.replace(/ in JSON.*| \(line.*/s, '').slice(0, 120)})`,
      );
      return;
    }
    seen++;
    if (!event) {
      if (seen === 1) problems.add('warning', number, 0, 'this JSON object is no Windows event (it has no EventID)');
    } else if (POLICY_EVENTS.has(event.id) || DECISION_EVENTS.has(event.id)) events.push(event);
    if (events.length > MAX_EVENTS) throw new RangeError(`more than ${MAX_EVENTS} WFP events: split the log`);
  });
  const text = new TextStream();
  try {
    for await (const piece of pieces) {
      lines.push(text.write(piece));
      if (problems.errors > 1000 && seen === 0)
        throw new RangeError('no line of the first thousand is JSON: this is no audit log');
    }
    lines.push(text.end());
    lines.end();
  } catch (error) {
    const damaged = error instanceof UnreadableError && number > 0;
    if (!damaged && !(error instanceof RangeError)) throw error;
    problems.add('error', number + 1, 0, damaged ? error.reason : (error as Error).message);
  }
  if (number === 0) problems.add('error', 0, 0, 'the file is empty');
  else if (events.length === 0 && problems.errors === 0)
    problems.add('error', 0, 0, `none of the ${seen} events is a WFP audit event (5441, 5447, 5154, 5156, 5157, 5158)`);
  return {
    source,
    lines: seen,
    events: inOrder(events, problems),
    problems: problems.list,
    errors: problems.errors,
    warnings: problems.warnings,
  };
}

/** By record number inside each host, where the log gives one; collectors mix hosts and may reorder. */
function inOrder(events: AuditEvent[], problems: Problems): AuditEvent[] {
  const last = new Map<string, number>();
  let sorted = true;
  for (const { host, recordNumber, line } of events) {
    if (recordNumber === undefined) return events;
    const before = last.get(host);
    if (before !== undefined && recordNumber < before && sorted) {
      sorted = false;
      problems.add('warning', line, 0, 'record numbers go back here: the events are put into the order of their numbers');
    }
    last.set(host, recordNumber);
  }
  return sorted
    ? events
    : events.toSorted((a, b) => (a.host === b.host ? a.recordNumber! - b.recordNumber! : 0) || a.line - b.line);
}

/** Reads a log from a file, gzip too. @throws UnreadableError when the file cannot be read at all */
export const readAuditFile = (path: string): Promise<AuditLog> => readAuditLog(path, fileChunks(path));
