/**
 * Objects as JSON text for the store: BigInt as `{"$n": "123"}`, bytes as `{"$b": base64}`. Plain objects with a `$` key of their own
 * do not occur among WFP objects.
 */
export function encode(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => {
    if (typeof field === 'bigint') return { $n: field.toString() };
    // Buffer has a toJSON of its own that runs before this; see `bare`.
    if (field instanceof Uint8Array) return { $b: Buffer.from(field.buffer, field.byteOffset, field.length).toString('base64') };
    return field;
  });
}

/** The inverse of `encode`. Throws SyntaxError when the text is not JSON. */
export function decode(text: string): unknown {
  return JSON.parse(text, (_, field: unknown) => {
    if (field === null || typeof field !== 'object') return field;
    if ('$n' in field && typeof field.$n === 'string') return BigInt(field.$n);
    if ('$b' in field && typeof field.$b === 'string') return new Uint8Array(Buffer.from(field.$b, 'base64'));
    return field;
  });
}

/**
 * A private copy of an object as the engine keeps it: properties that are undefined left out, every byte array a plain Uint8Array of its
 * own (a Buffer may share its memory), so that nothing the caller does later changes it.
 */
export function bare<T>(value: T): T {
  if (value instanceof Uint8Array) return new Uint8Array(value) as T;
  if (Array.isArray(value)) return value.map(bare) as T;
  if (value === null || typeof value !== 'object') return value;
  const copy: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) if (field !== undefined) copy[key] = bare(field);
  return copy as T;
}
