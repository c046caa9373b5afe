import { readFileSync } from 'node:fs';
import { FILE_MAX } from '../../../engine/rules/exchange.ts';
import { Failure } from '../exit.ts';

/** Reads a rules file as text. @throws Failure with one sentence */
export function readRulesFile(file: string): string {
  try {
    const bytes = readFileSync(file === '-' ? 0 : file);
    if (bytes.length > FILE_MAX) throw new Failure(`${file} is longer than ${FILE_MAX} bytes; split it`);
    const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
    return new TextDecoder(utf16 ? 'utf-16le' : 'utf-8').decode(bytes);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    throw new Failure(code === 'ENOENT' ? `there is no file ${file}` : `${file} cannot be read (${code}); give a rules file`);
  }
}
