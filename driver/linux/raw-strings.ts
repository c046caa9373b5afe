import { readFileSync } from 'node:fs';

/** What node puts where bytes are no UTF-8: such a text is not what was given. */
const LOST = '\ufffd';

/** The strings of /proc/PID/cmdline or environ, as bytes; none where it cannot be read. */
export function procStrings(path: string): Buffer[] {
  try {
    const bytes = readFileSync(path);
    const out: Buffer[] = [];
    for (let from = 0, to = bytes.indexOf(0); to >= 0; from = to + 1, to = bytes.indexOf(0, from))
      out.push(bytes.subarray(from, to));
    return out;
  } catch {
    return [];
  }
}

/** The bytes of texts, in their order: of those that lost some, what `originals` has. */
export function rawBytes(texts: readonly string[], originals: readonly Buffer[]): Buffer[] {
  const left = originals.map(raw => ({ raw, text: raw.toString('utf8') })).filter(({ text }) => text.includes(LOST));
  return texts.map(text => {
    const at = text.includes(LOST) ? left.findIndex(original => original.text === text) : -1;
    return at < 0 ? Buffer.from(text) : left.splice(at, 1)[0]!.raw;
  });
}

/** Variables whose names or values are no UTF-8, by the name that node knows them by. */
export function rawVariables(
  env: { readonly [name: string]: string | undefined },
  originals: readonly Buffer[],
): { readonly known: string; readonly name: Buffer; readonly value: Buffer }[] {
  return originals.flatMap(raw => {
    const text = raw.toString('utf8');
    const [at, rawAt] = [text.indexOf('='), raw.indexOf('=')];
    if (!text.includes(LOST) || at < 1 || env[text.slice(0, at)] !== text.slice(at + 1)) return [];
    return [{ known: text.slice(0, at), name: raw.subarray(0, rawAt), value: raw.subarray(rawAt + 1) }];
  });
}
