import type { DoctorReport } from './report.ts';

const MARKS = {
  unicode: { ok: '✓', note: '·', missing: '✕' },
  ascii: { ok: 'ok', note: '--', missing: 'NO' },
} as const;

export interface RenderOptions {
  /** Width to wrap at, in columns; default 80. */
  readonly columns?: number;
  readonly ascii?: boolean;
}

/** The report for a person; meaning by mark and word, no colour needed. Ends with a newline. */
export function renderReport(report: DoctorReport, { columns = 80, ascii = false }: RenderOptions = {}): string {
  const marks = MARKS[ascii ? 'ascii' : 'unicode'];
  const markWidth = ascii ? 2 : 1;
  const titleWidth = Math.max(...report.checks.map(check => check.title.length));
  const indent = ' '.repeat(markWidth + titleWidth + 3);
  const lines = [`sallyport ${report.sallyport}`, ''];
  for (const check of report.checks) {
    const head = `${marks[check.status].padEnd(markWidth)} ${check.title.padEnd(titleWidth)}  `;
    const [first = '', ...more] = wrap(plain(check.detail), columns - indent.length);
    lines.push(head + first, ...more.map(line => indent + line));
    // Never wrapped: it is there to be copied.
    if (check.fix && check.status !== 'ok') lines.push(`${indent}fix: ${plain(check.fix)}`);
  }
  lines.push(
    '',
    `sallyport ${report.command} ${report.run ? 'works here.' : `needs what is marked ${marks.missing} to be fixed first.`}`,
  );
  return `${ascii ? lines.join('\n').replaceAll('×', 'x') : lines.join('\n')}\n`;
}

/** Paths and messages come from the machine: nothing in them may steer the terminal. */
const plain = (text: string) => text.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, '?');

/** Breaks at spaces; a word longer than the line stays whole. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > Math.max(width, 20)) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
