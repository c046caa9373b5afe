import type { SaxesParser } from 'saxes';
import { PlainXml, plainText } from './plain-xml.ts';
import { Problems } from './problem.ts';
import { TextStream } from './text-decoder.ts';
import type { XmlNode } from './xml-node.ts';

/** Bounds on what a stranger's file may demand. netsh itself stays below 16 levels and 10,000 nodes. */
const MAX_DEPTH = 64;
const MAX_NODES = 500_000;
const MAX_SILENCE = 32 * 1024 * 1024;
const MAX_ERRORS = 50;
const MAX_ENTITY = 34;

export interface XmlSink {
  /**
   * Whether an element is only walked through, its children being handed over one by one. `path` holds the names above it, root first.
   * What is not a container is handed over as one node.
   */
  isContainer(name: string, path: readonly string[]): boolean;
  /** A container opened; `numItems` as it says itself. */
  opened?(name: string, path: readonly string[], line: number): void;
  /** A complete element inside the containers `path`. */
  node(node: XmlNode, path: readonly string[]): void;
  /** Whether an element inside the containers `path` is of no interest: it is checked for form but not handed over. */
  skips?(name: string, path: readonly string[]): boolean;
  /** Whether what is known of an element so far, its newest child being `child`, makes it of no interest. */
  abandons?(child: XmlNode, path: readonly string[]): boolean;
}

/** A node while it is read. Most are leaves, which share one empty list. */
interface Growing extends XmlNode {
  children: Growing[];
}
const LEAF: Growing[] = [];

interface Skipped {
  name: string;
  line: number;
  column: number;
  /** Children so far, and as many as it says itself. */
  count: number;
  said: string | undefined;
}

interface Container {
  readonly name: string;
  readonly line: number;
  readonly column: number;
  readonly numItems: string | undefined;
  count: number;
}

/**
 * Streaming reader of the XML that netsh writes: one or more root elements after one declaration (`show state` writes two), the only
 * attribute `numItems`. Holds one list item at a time. Damage is reported with line and column, never thrown; reading goes on
 * where that makes sense and stops (`stopped`) where it does not.
 */
export class XmlReader {
  readonly problems = new Problems();
  /** Set when reading was given up. */
  stopped = false;
  private readonly text = new TextStream();
  /** Reads as long as the text is as plain as netsh writes it; then the library takes over. */
  private readonly lane = new PlainXml({
    open: (name, numItems) => this.open(name, numItems === undefined ? undefined : { numItems }),
    close: () => this.close(),
    text: (source, from, to, blank, closes) => this.plainCharacters(source, from, to, blank, closes),
  });
  private parser: Parser | undefined;
  /** Where the library's first line and column stand in the source. */
  private base = { line: 0, column: 0 };
  private readonly sink: XmlSink;
  private readonly path: string[] = [];
  private readonly containers: Container[] = [];
  private readonly stack: Growing[] = [];
  private current: Growing | undefined;
  /** The elements that are open inside a skipped one; objects are used again, since most of a large file may be skipped. */
  private readonly skipped: Skipped[] = [];
  private skipping = 0;
  private nodes = 0;
  private started = false;
  private head = '';
  private heldBack = '';
  private sinceTag = 0;
  private roots = 0;
  private depth = 0;

  constructor(sink: XmlSink) {
    this.sink = sink;
  }

  get line(): number {
    return this.parser ? this.base.line + this.parser.line : this.lane.line;
  }

  /** Column counted from 1. */
  get column(): number {
    const { parser, base, lane } = this;
    return 1 + (parser ? parser.column + (parser.line === 1 ? base.column : 0) : lane.column);
  }

  /** Where reading stands: the open elements, root first. */
  get openElements(): readonly string[] {
    return [...this.path, ...this.stack.map(node => node.name), ...this.skipped.slice(0, this.skipping).map(each => each.name)];
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (!this.stopped) await this.feed(this.text.write(bytes), false);
  }

  /** Ends the source: reports what is still open. */
  async end(): Promise<void> {
    if (!this.stopped) await this.feed(this.text.end(), true);
    if (this.stopped) return;
    const open = this.openElements;
    if (open.length > 0) {
      const where = open.length > 1 ? ` (inside ${open.join(' / ')})` : '';
      this.fail(`the file ends before </${open.at(-1)}>${where}: it is truncated or still being written`);
    } else if (this.roots === 0) {
      this.fail(this.started ? 'there is no element in the file: it is no netsh dump' : 'the file is empty');
    } else {
      try {
        this.parser?.close();
      } catch (error) {
        this.fail((error as Error).message);
      }
    }
    if (this.text.replaced > 0) {
      this.problems.add(
        'warning',
        0,
        0,
        `${this.text.replaced} characters are not valid in the file's encoding and are shown as \uFFFD`,
      );
    }
  }

  /** Reports an error at the place where reading stands and gives up. */
  fail(message: string): void {
    this.problems.add('error', this.line, this.column, message);
    this.stopped = true;
  }

  private async feed(text: string, last: boolean): Promise<void> {
    let piece = text;
    if (!this.started) {
      this.head += text;
      const begin = this.head.search(/[^\s\uFEFF]/);
      if (begin < 0 && this.head.length < MAX_SILENCE && !last) return;
      if (begin < 0) return;
      if (!last && this.head.length < begin + 256 && !this.head.includes('>')) return;
      piece = this.head;
      this.head = '';
      this.started = true;
      if (piece[begin] !== '<') {
        this.problems.add(
          'error',
          1 + newlines(piece, begin),
          1 + column(piece, begin),
          `this is not XML: it begins with ${quoted(piece, begin)}`,
        );
        this.stopped = true;
        return;
      }
      piece = withoutDeclaration(piece.replace(/^\uFEFF/, ' '));
    }
    this.sinceTag += piece.length;
    try {
      const rest = this.parser ? piece : this.lane.write(piece, last);
      if (rest !== undefined) {
        this.parser ??= await this.takeOver();
        this.parser.write(this.withoutBareAmpersands(rest, last));
      }
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
    }
    if (this.sinceTag > MAX_SILENCE && !this.stopped) this.fail('no element begins or ends within 32 MB: this is no netsh dump');
  }

  /** The library, told which elements are open. Most files never need it, so it is loaded here. */
  private async takeOver(): Promise<Parser> {
    const { SaxesParser } = await import('saxes');
    const parser: Parser = new SaxesParser({ xmlns: false, fragment: true, position: false });
    // The blank keeps a declaration here from being taken as the first thing in the file.
    parser.write(` ${this.lane.open.map(name => `<${name}>`).join('')}`);
    this.base = { line: this.lane.line - parser.line, column: this.lane.column - parser.column };
    parser.on('opentag', tag => this.open(tag.name, tag.attributes));
    parser.on('closetag', () => this.close());
    parser.on('text', text => this.characters(text));
    parser.on('cdata', text => this.characters(text));
    parser.on('error', error => this.error(error.message));
    return parser;
  }

  /**
   * An ampersand that begins no entity would swallow the text up to the next semicolon, perhaps the rest of the file. It is told and read
   * as the character. What could still become an entity waits for the next piece.
   */
  private withoutBareAmpersands(text: string, last: boolean): string {
    let piece = this.heldBack + text;
    this.heldBack = '';
    if (!piece.includes('&')) return piece;
    const tail = piece.lastIndexOf('&');
    if (!last && piece.length - tail < MAX_ENTITY && !piece.includes(';', tail)) {
      this.heldBack = piece.slice(tail);
      piece = piece.slice(0, tail);
    }
    return piece.replace(/&(?!#?\w{1,30};)/g, (_, at: number) => {
      const line = newlines(piece, at);
      const place = line === 0 ? this.column + at : 1 + column(piece, at);
      if (this.problems.errors < MAX_ERRORS)
        this.problems.add('error', this.line + line, place, 'not well-formed XML: an ampersand that begins no entity');
      return '&amp;';
    });
  }

  private open(name: string, found: Readonly<Record<string, string>> | undefined): void {
    this.sinceTag = 0;
    if (++this.depth > MAX_DEPTH) this.give(`elements are nested deeper than ${MAX_DEPTH}: this is no netsh dump`);
    if (this.skipping > 0) {
      this.skipped[this.skipping - 1]!.count++;
      this.skip(name, found);
      return;
    }
    const current = this.current;
    if (!current) {
      if (this.path.length === 0) this.roots++;
      const parent = this.containers.at(-1);
      if (parent) parent.count++;
      if (this.sink.isContainer(name, this.path)) {
        this.sink.opened?.(name, this.path, this.line);
        this.path.push(name);
        this.containers.push({
          name,
          line: this.line,
          column: this.column,
          numItems: found?.['numItems'],
          count: 0,
        });
        if (this.stopped) throw new Stop();
        return;
      }
      if (this.stopped) throw new Stop();
      if (this.sink.skips?.(name, this.path)) {
        this.skip(name, found);
        return;
      }
      this.nodes = 0;
    }
    if (++this.nodes > MAX_NODES) this.give(`one item holds more than ${MAX_NODES} elements: this is no netsh dump`);
    let attributes: Readonly<Record<string, string>> | undefined;
    for (const key in found) {
      attributes = found;
      if (key !== 'numItems') this.problems.add('warning', this.line, this.column, `unknown attribute ${key} of <${name}>`);
    }
    const node: Growing = { name, text: '', children: LEAF, line: this.line, column: this.column, attributes };
    if (current) {
      if (current.children === LEAF) current.children = [node];
      else current.children.push(node);
    }
    this.stack.push(node);
    this.current = node;
  }

  private skip(name: string, found: Readonly<Record<string, string>> | undefined): void {
    this.pushSkipped(name, this.line, this.column, 0, found?.['numItems']);
  }

  private pushSkipped(name: string, line: number, column: number, count: number, said: string | undefined): void {
    const at = this.skipping++;
    const slot = this.skipped[at];
    if (!slot) {
      this.skipped.push({ name, line, column, count, said });
      return;
    }
    slot.name = name;
    slot.line = line;
    slot.column = column;
    slot.count = count;
    slot.said = said;
  }

  private close(): void {
    this.sinceTag = 0;
    this.depth--;
    if (this.skipping > 0) {
      const skipped = this.skipped[--this.skipping]!;
      if (skipped.said !== undefined) this.compare(skipped.said, skipped.count, skipped);
      return;
    }
    const node = this.stack.pop();
    if (node) {
      const count = node.children.length;
      if (count > 0) node.text = node.text.trim();
      const said = node.attributes?.['numItems'];
      if (said !== undefined) this.compare(said, count, node);
      this.current = this.stack.at(-1);
      if (!this.current) this.sink.node(node, this.path);
      else if (this.stack.length === 1 && this.sink.abandons?.(node, this.path)) this.abandon(this.current);
    } else {
      const container = this.containers.pop();
      this.path.pop();
      if (!container) return;
      if (container.numItems !== undefined) this.compare(container.numItems, container.count, container);
    }
    if (this.stopped) throw new Stop();
  }

  /** Goes on with an open element as with a skipped one. */
  private abandon(node: Growing): void {
    this.pushSkipped(node.name, node.line, node.column, node.children.length, node.attributes?.['numItems']);
    this.stack.length = 0;
    this.current = undefined;
  }

  private compare(said: string, count: number, { name, line, column }: Pick<Container, 'name' | 'line' | 'column'>): void {
    if (said !== String(count)) {
      this.problems.add(
        'error',
        line,
        column,
        `<${name}> says numItems="${said.slice(0, 40)}" but holds ${count}: items are missing or were added by hand`,
      );
    }
  }

  /** Text that the plain lane found; what is only white space around elements is not even cut out. */
  private plainCharacters(source: string, from: number, to: number, blank: boolean, closes: boolean): boolean {
    const { current } = this;
    if (!current && this.skipping === 0) return blank;
    if (blank && (!closes || current?.children !== LEAF) && (current?.text ?? '') === '') return true;
    const text = plainText(source.slice(from, to));
    if (text === undefined) return false;
    this.characters(text);
    return true;
  }

  private characters(text: string): void {
    if (this.skipping > 0) return;
    const { current } = this;
    if (current) {
      if (current.text === '') current.text = text;
      else if (current.children === LEAF || text.trim() !== '') current.text += text;
    } else if (text.trim() !== '') {
      this.problems.add('error', this.line, this.column, `text outside of an item: ${quoted(text.trim(), 0)}`);
    }
  }

  private error(message: string): void {
    this.problems.add('error', this.line, this.column, `not well-formed XML: ${message.replace(/\.$/, '')}`);
    if (this.problems.errors > MAX_ERRORS) this.give('too many errors, reading stops here');
  }

  private give(message: string): never {
    this.fail(message);
    throw new Stop();
  }
}

type Parser = SaxesParser<{ xmlns: false; fragment: true; position: false }>;

/** Unwinds the parser when reading is given up. */
class Stop extends Error {}

const newlines = (text: string, to: number): number => text.slice(0, to).split('\n').length - 1;
const column = (text: string, to: number): number => to - (text.lastIndexOf('\n', to - 1) + 1);

function quoted(text: string, from: number): string {
  const sample = text.slice(from, from + 24).replace(/[^\x20-\x7e\u00a1-\uFFFC]/g, '.');
  return `"${sample}"`;
}

/** The declaration is allowed at the very start only; blanks of the same length keep lines and columns true. */
function withoutDeclaration(text: string): string {
  return text.replace(/^\s*<\?xml\s[^>]*\?>/, found => found.replace(/[^\n]/g, ' '));
}
