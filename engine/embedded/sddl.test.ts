import { describe, expect, test } from 'vitest';
import type { TokenInformation } from '../model/value.ts';
import { accessCheck } from './access-check.ts';
import { parseSddl } from './sddl.ts';

const USER = 'S-1-22-1-1000';
const SERVICE = 'S-1-5-80-1-2-3';
const granted = (sddl: string, token: TokenInformation) => accessCheck(parseSddl(sddl)!, token).granted;
const needs = (sddl: string, token: TokenInformation) => accessCheck(parseSddl(sddl)!, token).needs;

describe('reading SDDL', () => {
  test.each([
    'O:SYG:SYD:(A;;CCRC;;;S-1-5-80-1-2-3)',
    'D:(A;;CC;;;WD)',
    'D:PAI(D;;CC;;;AN)(A;OICI;GA;;;BA)',
    'O:LSD:(XA;;CC;;;WD;(WIN://SYSAPPID Contains "a(b)c;d"))',
    'O:SYG:SYD:NO_ACCESS_CONTROL',
    'O:S-1-5-18G:S-1-5-18D:(A;;0x1;;;S-1-5-32-544)S:(ML;;NW;;;LW)',
    'D:',
  ])('%s is read', sddl => expect(parseSddl(sddl)).toBeDefined());

  test.each([
    'D:(A;;CC;;;)',
    'D:(A;;CC;;;NOBODY)',
    'D:(A;;CC',
    'nonsense',
    'D:(Q;;CC;;;WD)',
    'D:x(A;;CC;;;WD)',
    'D:(A;;CC;;;WD)D:(A;;CC;;;WD)',
  ])('%s is refused', sddl => expect(parseSddl(sddl)).toBeUndefined());

  test('owner, group and aliases are told by SID', () => {
    expect(parseSddl('O:SYG:BAD:(A;;CC;;;LS)')).toMatchObject({
      owner: 'S-1-5-18',
      group: 'S-1-5-32-544',
      dacl: [{ sid: 'S-1-5-19' }],
    });
  });
});

describe('access check for FWP_ACTRL_MATCH_FILTER', () => {
  const known: TokenInformation = { sids: [USER, SERVICE] };
  test('the entry of a SID that the token holds decides', () => {
    expect(granted(`D:(A;;CC;;;${SERVICE})`, known)).toBe(true);
    expect(granted(`D:(A;;CC;;;S-1-5-80-9)`, known)).toBe(false);
    expect(granted(`D:(D;;CC;;;${USER})(A;;CC;;;WD)`, known)).toBe(false);
    expect(granted(`D:(A;;CC;;;WD)(D;;CC;;;${USER})`, known)).toBe(true);
  });

  test('entries for other rights, and those that are inherited only, do not count', () => {
    expect(granted('D:(A;;RC;;;WD)', known)).toBe(false);
    expect(granted('D:(A;;GA;;;WD)', known)).toBe(true);
    expect(granted('D:(A;IO;CC;;;WD)', known)).toBe(false);
    expect(granted('D:(A;CIIO;CC;;;WD)', known)).toBe(false);
  });

  test('no DACL lets everyone through, an empty one nobody', () => {
    expect(granted('O:SYG:SY', known)).toBe(true);
    expect(granted('D:NO_ACCESS_CONTROL', known)).toBe(true);
    expect(granted('D:', known)).toBe(false);
  });

  test('everyone holds Everyone but the anonymous token', () => {
    expect(granted('D:(A;;CC;;;WD)', { sids: ['S-1-5-7'] })).toBe(false);
    expect(granted('D:(A;;CC;;;AU)', known)).toBe(false);
  });

  test('a token that may hold more leaves a grant, or a denial, open', () => {
    const partial: TokenInformation = { sids: [USER], partial: true };
    expect(granted(`D:(A;;CC;;;${SERVICE})`, partial)).toBeUndefined();
    expect(needs(`D:(A;;CC;;;${SERVICE})`, partial)).toBe(`whether the token holds ${SERVICE}`);
    expect(granted(`D:(A;;CC;;;${USER})`, partial)).toBe(true);
    expect(granted(`D:(D;;CC;;;${SERVICE})(A;;CC;;;${USER})`, partial)).toBeUndefined();
    expect(granted(`D:(D;;CC;;;${SERVICE})(D;;CC;;;${USER})`, partial)).toBe(false);
  });

  test('a conditional entry is never taken as matching or not', () => {
    const sddl = 'D:(XA;;CC;;;WD;(WIN://SYSAPPID Contains "X"))';
    expect(granted(sddl, known)).toBeUndefined();
    expect(needs(sddl, known)).toContain('WIN://SYSAPPID Contains "X"');
    expect(granted(`D:(XA;;CC;;;S-1-5-80-9;(x))`, known)).toBe(false);
  });

  test('a SID relative to a domain that is not known here is open only for tokens that could hold it', () => {
    expect(granted('D:(A;;CC;;;DA)', known)).toBe(false);
    expect(granted('D:(A;;CC;;;DA)', { sids: ['S-1-5-21-1-2-3-512'] })).toBeUndefined();
  });

  test('a restricted token has to pass for its restricting SIDs too', () => {
    expect(granted(`D:(A;;CC;;;${USER})`, { sids: [USER], restrictedSids: ['S-1-5-12'] })).toBe(false);
    expect(granted(`D:(A;;CC;;;${USER})(A;;CC;;;RC)`, { sids: [USER], restrictedSids: ['S-1-5-12'] })).toBe(true);
  });

  test('what an AppContainer is granted is not guessed', () => {
    expect(granted(`D:(A;;CC;;;${USER})`, { sids: [USER, 'S-1-15-2-1-2'] })).toBeUndefined();
  });
});
