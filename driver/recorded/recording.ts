import { basename } from 'node:path';
import type { ConnectionSource } from '../../engine/model/attempt.ts';
import { RecordingError } from './error.ts';
import { NameTable } from './names.ts';
import { type Line, readLines } from './read-lines.ts';
import { parseHeader, parseLine, VERSION } from './recording-format.ts';
import { type ReplayOptions, ReplaySource } from './replay-source.ts';
import type { Parsed, Step } from './step.ts';
import { parseWindowsEvent } from './windows-event.ts';

export interface RecordingInfo {
  /** `sallyport`: made by `recordTo`; `windows-events`: a Sysmon or Security log as JSON lines. */
  readonly format: 'sallyport' | 'windows-events';
  readonly path: string;
  /** When it was made, milliseconds since the epoch: the header's time, or that of the first event. */
  readonly startedAt: number;
  /** What was recorded: the source's title, or `Windows events`. */
  readonly recorded: string;
}

export interface OpenedRecording {
  readonly source: ConnectionSource;
  readonly info: RecordingInfo;
}

/** Lines that may be unreadable before the file is called no recording. */
const MAX_BAD_AT_START = 1000;

/** What was passed over, kept for one summary at the end. */
class Tally {
  bad = 0;
  skipped = 0;
  firstBad: { readonly line: number; readonly why: string } | undefined;

  count(line: number, parsed: Parsed): void {
    if ('skipped' in parsed) this.skipped++;
    if ('bad' in parsed) {
      this.bad++;
      this.firstBad ??= { line, why: parsed.bad };
    }
  }

  /** One sentence about unreadable lines; undefined when there were none. */
  summary(path: string): string | undefined {
    if (!this.firstBad) return undefined;
    const many = this.bad === 1 ? '1 line' : `${this.bad} lines`;
    return `${path}: ${many} could not be read and were passed over, the first is line ${this.firstBad.line}: ${this.firstBad.why}.`;
  }
}

/**
 * Opens a recording for replay. Reads up to the first line that tells something, so a file that is no recording is refused here.
 * The rest is read while it is played; memory stays bounded however long it is.
 * @throws RecordingError one sentence: not there, a folder, empty, damaged, no recording, or of a newer version
 */
export async function openRecording(path: string, options: ReplayOptions = {}): Promise<OpenedRecording> {
  const tally = new Tally();
  const lines = readLines(path);
  let opened = false;
  try {
    const first = await readFirst(path, lines, tally);
    opened = true;
    const recording = { steps: first.steps(lines), summary: () => tally.summary(path), close: () => lines.return() };
    const source = new ReplaySource(title(path), recording, options);
    return { source, info: first.info };
  } finally {
    if (!opened) await lines.return();
  }
}

const title = (path: string) => `recorded: nothing is enforced (${basename(path)})`;

interface First {
  readonly info: RecordingInfo;
  steps(rest: AsyncGenerator<Line, void, void>): AsyncGenerator<Step, void, void>;
}

async function readFirst(path: string, lines: AsyncGenerator<Line, void, void>, tally: Tally): Promise<First> {
  const table = new NameTable();
  const windows = (line: Line): Parsed => parse(line, record => parseWindowsEvent(record, table));
  for (let next = await lines.next(); !next.done; next = await lines.next()) {
    const line = next.value;
    const header = line.number === 1 ? headerOf(path, line) : undefined;
    if (header) {
      const startedAt = Date.parse(header.startedAt);
      const own = (each: Line): Parsed => parse(each, record => parseLine(record, startedAt));
      return {
        info: { format: 'sallyport', path, startedAt, recorded: header.title },
        steps: rest => stepsOf([], rest, own, tally),
      };
    }
    const parsed = windows(line);
    tally.count(line.number, parsed);
    if ('steps' in parsed) {
      const startedAt = parsed.steps[0]!.at;
      return {
        info: { format: 'windows-events', path, startedAt, recorded: 'Windows events' },
        steps: rest => stepsOf(parsed.steps, rest, windows, tally),
      };
    }
    if (tally.bad > MAX_BAD_AT_START) break;
  }
  if (tally.skipped > 0) {
    throw new RecordingError(`${path} tells of no connection: it needs Sysmon events 3 and 22 or Security events 5152 to 5159.`);
  }
  const why = tally.firstBad ? ` (line ${tally.firstBad.line}: ${tally.firstBad.why})` : '';
  throw new RecordingError(
    `${path} is no recording${why}: give one made with --record, or a Sysmon or Security log with one JSON object a line.`,
  );
}

function headerOf(path: string, line: Line) {
  const record = line.text === undefined ? undefined : asObject(line.text);
  if (!record || !('sallyport-recording' in record)) return undefined;
  const header = parseHeader(record);
  if (!header) throw new RecordingError(`${path} has a damaged first line: record it again.`);
  const version = header['sallyport-recording'];
  if (version !== VERSION) {
    throw new RecordingError(
      `${path} is a recording of version ${version}, this program reads version ${VERSION}: use the Sallyport that made it.`,
    );
  }
  return header;
}

async function* stepsOf(
  first: readonly Step[],
  rest: AsyncGenerator<Line, void, void>,
  read: (line: Line) => Parsed,
  tally: Tally,
): AsyncGenerator<Step, void, void> {
  yield* first;
  for await (const line of rest) {
    const parsed = read(line);
    tally.count(line.number, parsed);
    if ('steps' in parsed) yield* parsed.steps;
  }
}

function parse(line: Line, read: (record: { readonly [name: string]: unknown }) => Parsed): Parsed {
  if (line.text === undefined) return { bad: 'it is too long' };
  const record = asObject(line.text);
  return record ? read(record) : { bad: 'it is no JSON object' };
}

function asObject(text: string): { readonly [name: string]: unknown } | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
