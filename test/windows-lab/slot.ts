import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** What one lab has to itself as long as it lives: a Wine prefix and folders for what it builds and bundles. */
export interface Slot {
  readonly prefix: string;
  readonly build: string;
  readonly run: string;
  release(): void;
}

const hash = (text: string): string => createHash('sha1').update(text).digest('hex').slice(0, 8);

/** A name that one process has at a time; the system takes it back when the process ends, however it does. Undefined: another has it. */
function claim(name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path: `\0sallyport-lab-${name}`, exclusive: true }, () => resolve(server.unref()));
  });
}

/**
 * The first slot of this project that no other lab has, so that labs may run at once: test files beside each other, two runs of the tests.
 * @param root of the project @param cache folder for what is built
 */
export async function takeSlot(root: string, cache: string): Promise<Slot> {
  for (let number = 0; ; number++) {
    const prefix = join(tmpdir(), `sallyport-wine-${userInfo().uid}-${hash(root)}-${number}`);
    const claimed = await claim(hash(prefix));
    if (!claimed) continue;
    const [build, run] = ['build', 'run'].map(name => join(cache, `slot-${number}`, name)) as [string, string];
    for (const folder of [build, run]) mkdirSync(folder, { recursive: true });
    return { prefix, build, run, release: () => void claimed.close() };
  }
}
