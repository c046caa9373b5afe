/** What a PlainXml hands over. Positions are those of the reader at the time of the call. */
export interface PlainXmlSink {
  /** An opening tag ended; `numItems` is the only attribute that plain elements may have. */
  open(name: string, numItems: string | undefined): void;
  close(): void;
  /** Text of `source` between two tags; `blank`: nothing but white space; `closes`: a closing tag follows. False: it may not stand here. */
  text(source: string, from: number, to: number, blank: boolean, closes: boolean): boolean;
}

/** Characters that XML forbids, the one sequence that it forbids in text, and a line end that netsh does not write; halves of surrogate pairs are looked at again. */
const SUSPECT = /[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]|\r[^\n]|\]\]>/;
const FORBIDDEN = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|\r(?!\n|$)|\]\]>/u;
const NUM_ITEMS = ' numItems="';
/** A tail without a tag beyond this is left to the library, so that joining pieces stays cheap. */
const MAX_TAIL = 1 << 16;

/**
 * Reads the part of XML that netsh writes: elements of ASCII names without attributes but `numItems`, their text, the five named
 * entities. Such a document needs no more than a search for brackets, which is several times faster than a full parser. At
 * the first thing that is anything else, damage included, it stops and says what is left, for a library to go on with.
 */
export class PlainXml {
  /** Names of the open elements. */
  readonly open: string[] = [];
  /** Where reading stands: the line counted from 1, the characters before it on that line. */
  line = 1;
  column = 0;
  private tail = '';
  private readonly sink: PlainXmlSink;

  constructor(sink: PlainXmlSink) {
    this.sink = sink;
  }

  /** Takes a piece. Undefined when all of it was plain so far, else what is left from the first thing that is not. */
  write(piece: string, last: boolean): string | undefined {
    const text = this.tail + piece;
    this.tail = '';
    const { open } = this;
    const suspect = text.search(SUSPECT);
    const limit = suspect < 0 ? text.length : (FORBIDDEN.exec(text)?.index ?? text.length);
    let at = 0;
    let lineStart = -this.column;
    let newline = after(text, 0);
    for (;;) {
      const opens = text.indexOf('<', at);
      const ends = opens < 0 ? -1 : text.indexOf('>', opens + 1);
      if (ends < 0 || ends >= limit) break;
      const closes = text.charCodeAt(opens + 1) === 47;
      const top = open.at(-1);
      let nameEnd = opens + 1;
      let numItems: string | undefined;
      let empty = false;
      if (closes) {
        if (top === undefined || opens + 2 + top.length !== ends || !text.startsWith(top, opens + 2)) break;
      } else {
        nameEnd = endOfName(text, opens + 1);
        empty = text.charCodeAt(ends - 1) === 47;
        const tagEnd = empty ? ends - 1 : ends;
        if (nameEnd === opens + 1) break;
        if (nameEnd !== tagEnd) {
          numItems = numItemsOf(text, nameEnd, tagEnd);
          if (numItems === undefined) break;
        }
      }
      let { line } = this;
      for (; newline < opens; newline = after(text, newline + 1)) {
        line++;
        lineStart = newline + 1;
      }
      // A character beyond the first 65,536 is one column, but two places in the text.
      if (suspect >= 0) lineStart += pairs(text, Math.max(at, lineStart), opens);
      const blank = isBlank(text, at, opens);
      if (opens > at && !this.sink.text(text, at, opens, blank, closes)) break;
      this.line = line;
      this.column = ends + 1 - lineStart;
      at = ends + 1;
      if (closes) {
        open.pop();
        this.sink.close();
      } else {
        const name = text.slice(opens + 1, nameEnd);
        open.push(name);
        this.sink.open(name, numItems);
        if (empty) {
          open.pop();
          this.sink.close();
        }
      }
    }
    if (at === text.length) return undefined;
    const rest = text.slice(at);
    if (last || limit < text.length || rest.length > MAX_TAIL || !unfinished(rest)) return rest;
    this.tail = rest;
    return undefined;
  }
}

/** Whether more text may still make this plain: no tag in it is complete. */
function unfinished(rest: string): boolean {
  const opens = rest.indexOf('<');
  return opens < 0 || rest.indexOf('>', opens) < 0;
}

/** The next line feed; past everything when there is none. */
function after(text: string, from: number): number {
  const found = text.indexOf('\n', from);
  return found < 0 ? Number.POSITIVE_INFINITY : found;
}

/** How many surrogate pairs a part of a text holds. */
function pairs(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) if ((text.charCodeAt(at) & 0xfc00) === 0xd800) count++;
  return count;
}

function isBlank(text: string, from: number, to: number): boolean {
  for (let at = to - 1; at >= from; at--) if (text.charCodeAt(at) > 32) return false;
  return true;
}

function endOfName(text: string, from: number): number {
  let at = from;
  for (; ; at++) {
    const code = text.charCodeAt(at);
    const letter = (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;
    if (!letter && (at === from || !((code >= 48 && code <= 57) || code === 45 || code === 46))) return at;
  }
}

/** The digits of ` numItems="…"` when nothing else stands between these places. */
function numItemsOf(text: string, from: number, to: number): string | undefined {
  const first = from + NUM_ITEMS.length;
  if (!text.startsWith(NUM_ITEMS, from) || to - first < 2 || text.charCodeAt(to - 1) !== 34) return undefined;
  for (let i = first; i < to - 1; i++) {
    const code = text.charCodeAt(i);
    if (code < 48 || code > 57) return undefined;
  }
  return text.slice(first, to - 1);
}

const ENTITY: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Text with the five named entities resolved and line ends made one; undefined when there is any other ampersand. */
export function plainText(text: string): string | undefined {
  const unix = text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
  if (!unix.includes('&')) return unix;
  if (/&(?!(?:amp|lt|gt|quot|apos);)/.test(unix)) return undefined;
  return unix.replace(/&(\w+);/g, (_, name: string) => ENTITY[name] ?? '');
}
