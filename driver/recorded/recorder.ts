import { closeSync, openSync, writeSync } from 'node:fs';
import type { ConnectionSource } from '../../engine/model/attempt.ts';
import { RecordingError, reason } from './error.ts';
import { encodeLine, type Recordable, type RecordingHeader, VERSION } from './recording-format.ts';

export interface RecorderOptions {
  /** Title of what is recorded, for the header. */
  readonly title?: string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** The recording ends before it grows beyond this; default 64 MiB. */
  readonly maxBytes?: number;
  /** Told once, in a sentence, when the recording had to end early (full disk, bound reached). */
  readonly onProblem?: (message: string) => void;
}

/** Writes a recording; each event is in the file when the call returns. */
export interface Recorder {
  record(event: Recordable): void;
  close(): void;
}

const DEFAULT_MAX = 64 << 20;

/**
 * Starts a recording in a new file of mode 0600. It holds what the programs asked for, their command lines and their output: treat it as private.
 * A problem while writing ends the recording, never what is recorded.
 * @throws RecordingError when the file exists or cannot be made
 */
export function recordTo(path: string, options: RecorderOptions = {}): Recorder {
  const now = options.now ?? Date.now;
  const startedAt = now();
  const max = options.maxBytes ?? DEFAULT_MAX;
  let file: number | undefined;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    throw new RecordingError(`cannot record to ${path}: ${reason(error)}. Name a new file.`, { cause: error });
  }
  let written = 0;
  const close = () => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  const write = (line: string) => {
    if (file === undefined) return;
    const bytes = Buffer.from(`${line}\n`);
    if (written + bytes.length > max) {
      close();
      options.onProblem?.(`the recording ${path} reached ${max} bytes and ends here.`);
      return;
    }
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      written += bytes.length;
    } catch (error) {
      close();
      options.onProblem?.(`the recording ${path} ends here: ${reason(error)}.`);
    }
  };
  const header: RecordingHeader = {
    'sallyport-recording': VERSION,
    startedAt: new Date(startedAt).toISOString(),
    title: (options.title ?? 'run').slice(0, 1024),
    platform: process.platform,
  };
  write(JSON.stringify(header));
  return { record: event => write(encodeLine(event, now(), startedAt)), close };
}

/** The same source, with everything it tells and every answer it gets written to the recorder, which is closed when the source stops. */
export function recordedWhile(source: ConnectionSource, recorder: Recorder): ConnectionSource {
  return {
    kind: source.kind,
    failPolicy: source.failPolicy,
    title: source.title,
    start: listener =>
      source.start(event => {
        recorder.record(event);
        listener(event);
      }),
    complete(id, verdict) {
      // Written before: the source may tell the outcome from inside complete().
      recorder.record({ type: 'verdict', id, verdict });
      return source.complete(id, verdict);
    },
    ...(source.signal && { signal: (name: NodeJS.Signals) => source.signal?.(name) }),
    async stop() {
      try {
        await source.stop();
      } finally {
        recorder.close();
      }
    },
  };
}
