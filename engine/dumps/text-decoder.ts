/**
 * Bytes of a text file to text, in pieces. The encoding is told by the byte order mark, else by the zero bytes of UTF-16, else UTF-8:
 * netsh writes UTF-8 with a mark, PowerShell redirection and regedit write UTF-16LE.
 */
export class TextStream {
  private decoder: TextDecoder | undefined;
  private held: Uint8Array = new Uint8Array(0);
  /** How many characters could not be decoded and became U+FFFD. */
  replaced = 0;

  write(bytes: Uint8Array): string {
    let input = bytes;
    if (!this.decoder) {
      input = this.held.length ? Buffer.concat([this.held, bytes]) : bytes;
      if (input.length < 4) {
        this.held = Uint8Array.from(input);
        return '';
      }
      this.decoder = new TextDecoder(encodingOf(input));
    }
    return this.count(this.decoder.decode(input, { stream: true }));
  }

  end(): string {
    if (!this.decoder) {
      const held = this.held;
      return this.count(new TextDecoder(encodingOf(held)).decode(held));
    }
    return this.count(this.decoder.decode());
  }

  private count(text: string): string {
    for (let at = text.indexOf('\uFFFD'); at >= 0; at = text.indexOf('\uFFFD', at + 1)) this.replaced++;
    return text;
  }
}

/** The encoding of a text by its first bytes. */
export function encodingOf(head: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  if (head.length >= 4 && head[0] !== 0 && head[1] === 0 && head[2] !== 0 && head[3] === 0) return 'utf-16le';
  if (head.length >= 4 && head[0] === 0 && head[1] !== 0 && head[2] === 0 && head[3] !== 0) return 'utf-16be';
  return 'utf-8';
}
