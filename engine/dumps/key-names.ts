import { type Guid, parseGuid } from '../model/guid.ts';
import { type KeyKind, keyOfName, nameOfKey } from '../model/keys.ts';

/** A GUID made from a name of which the real one is not known: always the same for the same name (RFC 9562, version 8). */
function guidFromName(name: string): Guid {
  // Hardly any dump needs it, so it is loaded when one does.
  const hex = process.getBuiltinModule('node:crypto').createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Translates keys as netsh writes them, a known name or a GUID in braces, and remembers names that no table has. */
export class KeyNames {
  readonly unknown = new Map<Guid, string>();
  private readonly cache = new Map<string, Guid>();

  /** The GUID of a key; undefined for an empty text. */
  key(kind: KeyKind | 'filter' | 'session' | 'context', text: string): Guid | undefined {
    if (text === '') return undefined;
    const cached = this.cache.get(kind + text);
    if (cached) return cached;
    const plain = text.startsWith('{') ? parseGuid(text) : (named(kind, text) ?? parseGuid(text));
    const key = plain ?? guidFromName(text);
    if (!plain) this.unknown.set(key, Buffer.from(text.slice(0, 200), 'utf16le').toString('utf16le'));
    if (kind !== 'filter') this.cache.set(Buffer.from(kind + text, 'utf16le').toString('utf16le'), key);
    return key;
  }
}

const named = (kind: KeyKind | 'filter' | 'session' | 'context', text: string): Guid | undefined =>
  kind === 'filter' || kind === 'session' ? undefined : keyOfName(kind === 'context' ? 'provider' : kind, text);

/** How a key is shown: its well-known name without prefix, the name in the file, or the GUID in braces. */
export function shownKey(kind: KeyKind, key: Guid, names?: ReadonlyMap<Guid, string>): string {
  return nameOfKey(kind, key) ?? names?.get(key) ?? `{${key}}`;
}
