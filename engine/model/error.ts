import { FWP_E } from './errors.gen.ts';

export type FwpErrorName = keyof typeof FWP_E;

const names = new Map<number, string>(Object.entries(FWP_E).map(([name, code]) => [code, name]));

/**
 * A failed call of a filtering engine: which function, the code as an unsigned 32-bit number and its name
 * (`FWP_E_ALREADY_EXISTS` = 0x80320009; other codes are Win32 errors).
 */
export class WfpError extends Error {
  readonly call: string;
  readonly code: number;
  readonly codeName: string;
  constructor(call: string, code: number | FwpErrorName, detail?: string) {
    const number = typeof code === 'number' ? code >>> 0 : FWP_E[code];
    const codeName = names.get(number) ?? `0x${number.toString(16).padStart(8, '0')}`;
    super(`${call}: ${codeName}${detail ? ` (${detail})` : ''}`);
    this.name = 'WfpError';
    this.call = call;
    this.code = number;
    this.codeName = codeName;
  }
}
