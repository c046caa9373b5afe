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
}

const WINDOWS: IdentitySources = {
  process: processFacts,
  drivePath: driveOfDevicePath,
  services: servicesOf,
  serviceOfTag,
  signer: signerOf,
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
  /** By path: pending until verified, so the first request of a program may lack its signer. */
  const signers = new Map<string, string | undefined>();

  const signer = (path: string): string | undefined => {
    if (!signers.has(path)) {
      if (signers.size >= MOST_SIGNERS) signers.clear();
      signers.set(path, undefined);
      sources.signer(path).then(
        name => signers.set(path, name),
        () => undefined,
      );
    }
    return signers.get(path);
  };

  return event => {
    const pid = event.processId;
    const path = event.appId === undefined ? undefined : (sources.drivePath(event.appId) ?? event.appId);
    const named = path === undefined ? {} : { path, appId: event.appId };
    if (pid === undefined) return { pid: 0, ...named, parents: [] };
    const read = orUnknown(() => sources.process(pid));
    // The driver's path is of the moment of asking; when the process has another one its number was given to a new process.
    const same = !read?.path || !path || samePath(read.path, path);
    const facts = same ? read : undefined;
    const shown = facts?.path ?? path;
    const services = shown && SVCHOST.test(shown) ? serviceNames(sources, pid, event.subProcessTag) : undefined;
    const name = shown === undefined ? undefined : signer(shown);
    return {
      ...identityOf(facts ?? { pid }),
      ...(shown !== undefined && { path: shown }),
      ...(event.appId !== undefined && { appId: event.appId }),
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
