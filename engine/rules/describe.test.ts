import { describe, expect, test } from 'vitest';
import { describeDuration, describeLifetime, describeRule, describeScope, plain, programName } from './describe.ts';
import type { Lifetime, Scope } from './rule.ts';

describe('rules in words', () => {
  test.each<[Scope, string]>([
    [{ remote: { kind: 'any' }, direction: 'out' }, 'any program → any address'],
    [
      {
        app: '/usr/bin/curl',
        user: 'S-1-22-1-1000',
        remote: { kind: 'name', name: 'example.com', subdomains: true },
        port: { from: 443, to: 443 },
        protocol: 6,
        direction: 'out',
      },
      'curl of uid 1000 → *.example.com port 443 over tcp',
    ],
    [
      { remote: { kind: 'network', address: '10.0.0.0', prefix: 8 }, protocol: 47, direction: 'out' },
      'any program → 10.0.0.0/8 over protocol 47',
    ],
    [
      { app: '/usr/bin/node', remote: { kind: 'any' }, port: { from: 8000, to: 8080 }, direction: 'in' },
      'node listens on port 8000-8080',
    ],
    [
      { remote: { kind: 'address', address: '203.0.113.9' }, direction: 'in' },
      'any program listens on any port from 203.0.113.9',
    ],
  ])('%j', (scope, words) => {
    expect(describeScope(scope)).toBe(words);
    expect(describeRule({ verdict: 'block', scope })).toBe(`block ${words}`);
  });

  test.each<[Lifetime, string]>([
    [{ kind: 'once' }, 'once'],
    [{ kind: 'until', at: 901_000 }, 'for 15 min'],
    [{ kind: 'until', at: 1000 }, 'expired'],
    [{ kind: 'process', pid: 42 }, 'until pid 42 exits'],
    [{ kind: 'restart' }, 'until Sallyport ends'],
    [{ kind: 'permanent' }, 'for ever'],
  ])('%j', (lifetime, words) => {
    expect(describeLifetime(lifetime, 1000)).toBe(words);
  });

  test.each([
    [0, '0 s'],
    [59_999, '59 s'],
    [3_600_000, '1 h'],
    [97_200_000, '1 d 3 h'],
    [97_260_000, '1 d 3 h'],
  ])('%d ms', (ms, words) => {
    expect(describeDuration(ms)).toBe(words);
  });

  test('a program’s name cannot move the cursor or turn the line around', () => {
    expect(programName('/tmp/\u001b[2Jevil\u202egnp')).toBe('·[2Jevil·gnp');
    expect(plain('a\nb\u0085c\u200bd')).toBe('a·b·c·d');
    expect(programName('C:\\Windows\\System32\\svchost.exe')).toBe('svchost.exe');
  });
});
