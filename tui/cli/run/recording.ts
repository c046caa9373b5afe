import { recordedWhile, recordTo } from '../../../driver/recorded/recorder.ts';
import type { ConnectionSource, SourceEvent } from '../../../engine/model/attempt.ts';
import { Failure } from '../exit.ts';

/** The same source, also written to a new file when one was named. @throws Failure when the file cannot be made */
export function recorded(source: ConnectionSource, file: string | undefined): ConnectionSource {
  if (file === undefined) return source;
  let tell: (event: SourceEvent) => void = () => {};
  try {
    const recorder = recordTo(file, { title: source.title, onProblem: message => tell({ type: 'warning', message }) });
    const recording = recordedWhile(source, recorder);
    return {
      ...recording,
      start: listener => {
        tell = listener;
        return recording.start(listener);
      },
    };
  } catch (error) {
    throw new Failure((error as Error).message);
  }
}
