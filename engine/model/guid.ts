/**
 * A GUID as text: 36 characters, lower case, no braces (`c38d57d1-05a7-4c33-904f-7fbceee60e82`).
 * netsh prints braces and the well-known names; readers translate to this form at the edge.
 */
export type Guid = string;

/** All zeros: on an add it means "let the engine choose" (FWPM_FILTER0 and its siblings). */
export const NULL_GUID: Guid = '00000000-0000-0000-0000-000000000000';

const pattern = /^\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\}?$/i;

/** Reads a GUID with or without braces, in any case; `undefined` when the text is none. */
export function parseGuid(text: string): Guid | undefined {
  return pattern.exec(text.trim())?.[1]?.toLowerCase();
}

/** A fresh random GUID (the global is loaded on first use, which the start of the program need not wait for). */
export const newGuid = (): Guid => globalThis.crypto.randomUUID();
