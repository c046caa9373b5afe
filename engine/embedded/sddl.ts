/**
 * The part of SDDL that decides whether a token matches a filter: owner, group and the DACL's entries.
 * https://learn.microsoft.com/windows/win32/secauthz/security-descriptor-string-format
 */

/** One entry of a DACL. `mask` undefined: the rights could not be read, so whether it matters is unknown. */
export interface Ace {
  readonly allow: boolean;
  readonly mask: number | undefined;
  /** SID text, or a name relative to a domain that is not known here (`DA`, `rid:512`). */
  readonly sid: string;
  /** RID of an account whose domain is not known here. */
  readonly rid?: number;
  /** Conditional and object entries: what would have to be known. */
  readonly unknownBecause?: string;
}

export interface SecurityDescriptor {
  readonly owner?: string;
  readonly group?: string;
  /** undefined: no DACL, which grants everything to everyone. */
  readonly dacl?: readonly Ace[];
}

/** SID constants of sddl.h that are the same on every machine. */
export const SID_ALIAS: { readonly [alias: string]: string } = {
  AA: 'S-1-5-32-579', AC: 'S-1-15-2-1', AN: 'S-1-5-7', AO: 'S-1-5-32-548', AS: 'S-1-18-1', AU: 'S-1-5-11', BA: 'S-1-5-32-544',
  BG: 'S-1-5-32-546', BO: 'S-1-5-32-551', BU: 'S-1-5-32-545', CD: 'S-1-5-32-574', CG: 'S-1-3-1', CO: 'S-1-3-0', CY: 'S-1-5-32-569',
  ED: 'S-1-5-9', ER: 'S-1-5-32-573', ES: 'S-1-5-32-576', HA: 'S-1-5-32-578', HI: 'S-1-16-12288', IS: 'S-1-5-32-568', IU: 'S-1-5-4',
  LS: 'S-1-5-19', LU: 'S-1-5-32-559', LW: 'S-1-16-4096', ME: 'S-1-16-8192', MP: 'S-1-16-8448', MS: 'S-1-5-32-577', MU: 'S-1-5-32-558',
  NO: 'S-1-5-32-556', NS: 'S-1-5-20', NU: 'S-1-5-2', OW: 'S-1-3-4', PO: 'S-1-5-32-550', PS: 'S-1-5-10', PU: 'S-1-5-32-547',
  RA: 'S-1-5-32-575', RC: 'S-1-5-12', RD: 'S-1-5-32-555', RE: 'S-1-5-32-552', RM: 'S-1-5-32-580', RU: 'S-1-5-32-554', SI: 'S-1-16-16384',
  SO: 'S-1-5-32-549', SS: 'S-1-18-2', SU: 'S-1-5-6', SY: 'S-1-5-18', UD: 'S-1-5-84-0-0-0-0-0', WD: 'S-1-1-0', WR: 'S-1-5-33',
}; // biome-ignore format: a table reads better in rows

/** Constants that are relative to a domain or machine: only the last part of the SID is known. */
const RID_ALIAS: { readonly [alias: string]: number } = {
  AP: 525, CA: 517, CN: 522, DA: 512, DC: 515, DD: 516, DG: 514, DU: 513, EA: 519, EK: 527, KA: 526, LA: 500, LG: 501, PA: 520, RO: 498,
  RS: 553, SA: 518,
}; // biome-ignore format: a table reads better in rows

const RIGHT: { readonly [code: string]: number } = {
  CC: 1, DC: 2, LC: 4, SW: 8, RP: 0x10, WP: 0x20, DT: 0x40, LO: 0x80, CR: 0x100, SD: 0x10000, RC: 0x20000, WD: 0x40000, WO: 0x80000,
  GA: 0x10000000, GX: 0x20000000, GW: 0x40000000, GR: 0x80000000, FA: 0x1f01ff, FR: 0x120089, FW: 0x120116, FX: 0x1200a0, KA: 0xf003f,
  KR: 0x20019, KW: 0x20006, KX: 0x20019, NR: 2, NW: 1, NX: 4,
}; // biome-ignore format: a table reads better in rows

const SID = /^S-1-(?:\d{1,15}|0x[0-9a-f]{1,12})(?:-\d{1,10}){0,15}$/i;

/** A SID as text in its usual form; undefined when the text is none. */
export function parseSid(text: string): string | undefined {
  return SID.test(text) ? text.toUpperCase() : undefined;
}

function trustee(text: string): { readonly sid: string; readonly rid?: number } | undefined {
  const sid = parseSid(text) ?? SID_ALIAS[text.toUpperCase()];
  if (sid !== undefined) return { sid };
  const rid = RID_ALIAS[text.toUpperCase()];
  return rid === undefined ? undefined : { sid: text.toUpperCase(), rid };
}

function rights(text: string): number | undefined {
  if (/^0x[0-9a-f]{1,8}$/i.test(text)) return Number.parseInt(text, 16);
  if (/^\d{1,10}$/.test(text)) return Number(text);
  if (text.length % 2 !== 0) return undefined;
  let mask = 0;
  for (let at = 0; at < text.length; at += 2) {
    const right = RIGHT[text.slice(at, at + 2).toUpperCase()];
    if (right === undefined) return undefined;
    mask |= right;
  }
  return mask >>> 0;
}

/** Splits `(…)(…)` into the texts between the outer parentheses; undefined when they do not balance. Quoted text may hold any sign. */
function bodies(text: string): readonly string[] | undefined {
  const found: string[] = [];
  let depth = 0;
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (sign === '"') quoted = !quoted;
    if (quoted) continue;
    if (sign === '(' && depth++ === 0) start = at + 1;
    else if (sign === ')') {
      if (--depth < 0) return undefined;
      if (depth === 0) found.push(text.slice(start, at));
    } else if (depth === 0 && sign !== ' ') return undefined;
  }
  return depth === 0 && !quoted ? found : undefined;
}

/** `null`: the entry does not take part in an access check of this object. */
function parseAce(body: string): Ace | null | undefined {
  const fields = body.split(';');
  if (fields.length < 6) return undefined;
  const [type = '', flags = '', mask = '', object = '', inherited = '', who = ''] = fields.map(field => field.trim());
  const kind = type.toUpperCase();
  if (!['A', 'D', 'XA', 'XD', 'OA', 'OD', 'ZA', 'ZD'].includes(kind)) return undefined;
  const sid = trustee(who);
  if (sid === undefined) return undefined;
  if (/^(?:..)*IO/i.test(flags)) return null;
  const condition = fields.slice(6).join(';').trim();
  const unknownBecause = kind.startsWith('X')
    ? `whether ${condition || 'the condition of an entry'} holds`
    : object !== '' || inherited !== ''
      ? 'what an object-type entry applies to'
      : undefined;
  const ace: Ace = { allow: kind.endsWith('A'), mask: rights(mask), ...sid };
  return unknownBecause === undefined ? ace : { ...ace, unknownBecause };
}

/** Where the letters of a descriptor's parts are, outside parentheses. */
function parts(text: string): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  const starts: { letter: string; at: number }[] = [];
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!;
    if (sign === '"') quoted = !quoted;
    if (quoted) continue;
    if (sign === '(') depth++;
    else if (sign === ')') depth--;
    else if (depth === 0 && text[at + 1] === ':' && /[OGDS]/i.test(sign)) starts.push({ letter: sign.toUpperCase(), at });
  }
  if (text.trim() !== '' && starts[0]?.at !== text.length - text.trimStart().length) return undefined;
  for (const [index, { letter, at }] of starts.entries()) {
    if (found.has(letter)) return undefined;
    found.set(letter, text.slice(at + 2, starts[index + 1]?.at).trim());
  }
  return found;
}

/** Reads SDDL; undefined when it is not well formed. */
export function parseSddl(text: string): SecurityDescriptor | undefined {
  const found = parts(text);
  if (found === undefined) return undefined;
  const owner = found.get('O');
  const group = found.get('G');
  if ((owner && !trustee(owner)) || (group && !trustee(group))) return undefined;
  const names = { ...(owner && { owner: trustee(owner)!.sid }), ...(group && { group: trustee(group)!.sid }) };
  const dacl = found.get('D');
  if (dacl === undefined || /^[A-Z]*NO_ACCESS_CONTROL$/i.test(dacl)) return names;
  const open = dacl.indexOf('(');
  const flags = open === -1 ? dacl : dacl.slice(0, open);
  if (!/^(P|AR|AI)*$/i.test(flags.trim())) return undefined;
  const entries = open === -1 ? [] : bodies(dacl.slice(open));
  const aces = entries?.map(parseAce);
  if (aces === undefined || aces.includes(undefined)) return undefined;
  return { ...names, dacl: aces.filter(ace => ace != null) };
}
