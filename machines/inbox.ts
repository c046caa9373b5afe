import type { Request } from './guard-client.ts';

/** The requests of one program, as the inbox folds them. */
export interface InboxGroup {
  /** Path of the program, or `pid N` when it is not known. */
  readonly key: string;
  readonly requests: readonly Request[];
}

export const programKey = ({ attempt }: Request): string => attempt.identity.path ?? `pid ${attempt.identity.pid}`;

/**
 * Folds requests by program. Groups stand in the order their first request came and requests in the order they came, so a new one never moves
 * what is there already.
 */
export function foldByProgram(requests: readonly Request[]): readonly InboxGroup[] {
  const groups = new Map<string, Request[]>();
  for (const request of requests) {
    const group = groups.get(programKey(request));
    if (group) group.push(request);
    else groups.set(programKey(request), [request]);
  }
  return Array.from(groups, ([key, all]) => ({ key, requests: all }));
}

/** The ids in the order that the folded inbox shows them. */
export const inboxOrder = (requests: readonly Request[]): readonly number[] =>
  foldByProgram(requests).flatMap(group => group.requests.map(request => request.id));
