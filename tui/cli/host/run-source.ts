import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { createRunSource } from '../../../driver/linux/run-source.ts';
import type { CommittedChange } from '../../../engine/embedded/engine.ts';
import type { ConnectionSource } from '../../../engine/model/attempt.ts';
import type { Replica } from './replica.ts';

/** Beside this file: sources when it runs from sources, entries of the bundle otherwise. */
const fromSource = import.meta.url.endsWith('.ts');
const beside = (source: string, bundled: string) => new URL(fromSource ? source : bundled, import.meta.url);

export interface RunSourceOptions {
  readonly command: readonly string[];
  readonly title?: string;
  readonly stdio: 'pipe' | 'inherit';
  readonly blockErrno: 'EACCES' | 'ECONNREFUSED';
}

/** The seccomp source with its supervisor thread, which decides by a copy of the engine's filters. */
export function linuxRunSource(options: RunSourceOptions, replica: Pick<Replica, 'connect' | 'disconnect'>): ConnectionSource {
  let gone = false;
  const source = createRunSource({
    ...options,
    launcherPath: fileURLToPath(beside('../../../driver/linux/launcher.ts', './launcher.mjs')),
    worker: () => {
      const send = async (changes: readonly CommittedChange[]) => {
        try {
          await source.publish(changes);
        } catch (error) {
          // With the last supervised process the copy goes too: nothing is decided by it any more.
          if (!gone) throw error;
        }
      };
      const worker = new Worker(beside('./supervisor-worker.ts', './supervisor-worker.mjs'), {
        workerData: { replica: replica.connect(send) },
      });
      worker.once('exit', () => {
        gone = true;
        replica.disconnect();
      });
      return worker;
    },
  });
  const { title } = options;
  return title === undefined
    ? source
    : {
        kind: source.kind,
        failPolicy: source.failPolicy,
        title,
        start: l => source.start(l),
        complete: (id, v) => source.complete(id, v),
        signal: s => source.signal?.(s),
        stop: () => source.stop(),
      };
}
