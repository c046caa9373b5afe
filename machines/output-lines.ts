import type { OutputLine } from './guard-client.ts';

const KEEP_LINES = 5000;
const LINE_MAX = 4096;

/** The command's output as lines, the last few thousand of them. A line longer than 4096 characters is broken. */
export class OutputLines {
  readonly #decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  readonly #open = { stdout: '', stderr: '' };
  #lines: OutputLine[] = [];

  /** Takes bytes as they come; multi-byte characters may be cut anywhere. */
  push(stream: 'stdout' | 'stderr', data: Uint8Array): void {
    const parts = (this.#open[stream] + this.#decoders[stream].decode(data, { stream: true })).split('\n');
    let rest = parts.pop() ?? '';
    for (const part of parts) this.#add(stream, part.endsWith('\r') ? part.slice(0, -1) : part);
    while (rest.length > LINE_MAX) {
      this.#add(stream, rest.slice(0, LINE_MAX));
      rest = rest.slice(LINE_MAX);
    }
    this.#open[stream] = rest;
    if (this.#lines.length > 2 * KEEP_LINES) this.#lines = this.#lines.slice(-KEEP_LINES);
  }

  /** Complete lines, then what has no line end yet. */
  list(): readonly OutputLine[] {
    const open = (['stdout', 'stderr'] as const).flatMap(stream => {
      const text = this.#open[stream];
      return text === '' ? [] : [{ stream, text }];
    });
    return [...this.#lines.slice(-KEEP_LINES), ...open];
  }

  #add(stream: 'stdout' | 'stderr', text: string): void {
    for (let at = 0; at === 0 || at < text.length; at += LINE_MAX)
      this.#lines.push({ stream, text: text.slice(at, at + LINE_MAX) });
  }
}
