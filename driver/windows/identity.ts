import { statSync } from 'node:fs';
import type { Identity, ProcessIdentity } from '../../engine/model/attempt.ts';
import { driveOfDevicePath } from './device-paths.ts';
import type { AttemptEvent } from './events.ts';
import { type ProcessFacts, processFacts } from './process-facts.ts';
import { serviceOfTag, servicesOf } from './services.ts';
import { signerOf } from './signer.ts';

/** Where facts come from; a test puts its own here. */
export interface IdentitySources {
  readonly process: (pid: number) => ProcessFacts | undefined;
  readonly drivePath: (devicePath: string) => string | undefined;
  readonly services: (pid: number) => readonly string[] | undefined;
  readonly serviceOfTag: (pid: number, tag: bigint) => string | undefined;
  readonly signer: (path: string) => Promise<string | undefined>;
  /** Which file is at a path now; undefined when that is not known. */
  readonly file: (path: string) => FileMark | undefined;
}

/** Tells one file from another that is put in its place. */
export interface FileMark {
  readonly mark: string;
  /** When it came there or was changed, milliseconds since the epoch. */
  readonly changedAt: number;
}

/** Files on shares are not looked at: who asks must not wait for a network that may be held. */
function fileMark(path: string): FileMark | undefined {
  if (path.startsWith('\\\\')) return undefined;
  const facts = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (!facts) return undefined;
  const { dev, ino, size, mtimeNs, ctimeMs, birthtimeMs } = facts;
  return { mark: `${dev} ${ino} ${size} ${mtimeNs}`, changedAt: Number(ctimeMs > birthtimeMs ? ctimeMs : birthtimeMs) };
}

const WINDOWS: IdentitySources = {
  process: processFacts,
  drivePath: driveOfDevicePath,
  services: servicesOf,
  serviceOfTag,
  signer: signerOf,
  file: fileMark,
};
const MOST_PARENTS = 16;
const MOST_SIGNERS = 2000;
const SVCHOST = /\\svchost\.exe$/i;

/**
 * Answers who asks: `path` as people write it, `appId` as the engine has it. What is not certain is left out: "not known" rather than wrong. Never
 * throws.
 */
export function createIdentifier(
  sources: IdentitySources = WINDOWS,
): (event: Pick<AttemptEvent, 'processId' | 'appId' | 'subProcessTag'>) => Identity {
  /** By file: pending until verified, so the first request of a program may lack its signer. */
  const signers = new Map<string, string | undefined>();

  /** Not known when the file may be another than the one that runs. */
  const signer = (path: string, startTime: number | undefined): string | undefined => {
    const file = orUnknown(() => sources.file(path));
    if (!file || (startTime !== undefined && file.changedAt > startTime)) return undefined;
    const key = `${path} ${file.mark}`;
    if (!signers.has(key)) {
      if (signers.size >= MOST_SIGNERS) signers.clear();
      signers.set(key, undefined);
      orUnknown(() => sources.signer(path))?.then(
        name => {
          if (orUnknown(() => sources.file(path))?.mark === file.mark) signers.set(key, name);
        },
        () => undefined,
      );
    }
    return signers.get(key);
  };

  return event => {
    const pid = event.processId;
    const { appId } = event;
    const path = appId === undefined ? undefined : (orUnknown(() => sources.drivePath(appId)) ?? appId);
    const named = path === undefined ? {} : { path, appId };
    if (pid === undefined) return { pid: 0, ...named, parents: [] };
    const read = orUnknown(() => sources.process(pid));
    // The driver's path is of the moment of asking; when the process has another one its number was given to a new process.
    const same = !read?.path || !path || samePath(read.path, path);
    const facts = same ? read : undefined;
    const shown = facts?.path ?? path;
    const services = shown && SVCHOST.test(shown) ? serviceNames(sources, pid, event.subProcessTag) : undefined;
    const name = shown === undefined ? undefined : signer(shown, facts?.startTime);
    return {
      ...identityOf(facts ?? { pid }),
      ...(shown !== undefined && { path: shown }),
      ...(appId !== undefined && { appId }),
      parents: facts ? parents(sources, facts) : [],
      ...(services && services.length > 0 && { services }),
      ...(name !== undefined && { signer: name }),
    };
  };
}

const samePath = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

function orUnknown<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function identityOf({ parentPid: _parent, ...identity }: ProcessFacts): ProcessIdentity {
  return identity;
}

function serviceNames(sources: IdentitySources, pid: number, tag: bigint | undefined): readonly string[] | undefined {
  const one = tag === undefined ? undefined : orUnknown(() => sources.serviceOfTag(pid, tag));
  return one === undefined ? orUnknown(() => sources.services(pid)) : [one];
}

/** Nearest first. A parent that started after its child is another process with the same number; without times nobody knows. */
function parents(sources: IdentitySources, facts: ProcessFacts): readonly ProcessIdentity[] {
  const found: ProcessIdentity[] = [];
  const seen = new Set([facts.pid]);
  let child = facts;
  while (child.parentPid !== undefined && !seen.has(child.parentPid) && found.length < MOST_PARENTS) {
    const { parentPid } = child;
    seen.add(parentPid);
    const parent = orUnknown(() => sources.process(parentPid));
    if (!parent || parent.startTime === undefined || child.startTime === undefined || parent.startTime > child.startTime) break;
    found.push(identityOf(parent));
    child = parent;
  }
  return found;
}
