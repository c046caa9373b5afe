import { recordedWhile, recordTo } from '../../../driver/recorded/recorder.ts';
import type { ConnectionSource } from '../../../engine/model/attempt.ts';
import { Failure } from '../exit.ts';

/** The same source, also written to a new file when one was named. @throws Failure when the file cannot be made */
export function recorded(source: ConnectionSource, file: string | undefined): ConnectionSource {
  if (file === undefined) return source;
  try {
    return recordedWhile(source, recordTo(file, { title: source.title, onProblem: message => process.emitWarning(message) }));
  } catch (error) {
    throw new Failure((error as Error).message);
  }
}
