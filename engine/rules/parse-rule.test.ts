import { describe, expect, test } from 'vitest';
import { parseDuration, parseRemote, parseRule, type RuleOptions } from './parse-rule.ts';
import { RuleError } from './rule-error.ts';

const host = { now: 1_000_000, resolveUser: (name: string) => (name === 'alice' ? 'S-1-22-1-1000' : undefined) };
const parse = (options: RuleOptions, verdict: string | undefined = 'block') => parseRule(verdict, options, host);

describe('a rule on the command line', () => {
  test('everything at once', () => {
    expect(
      parse(
        {
          app: '/usr/bin/curl',
          user: 'alice',
          remote: '*.Example.COM',
          port: '8000-8080',
          protocol: 'TCP',
          for: '15m',
          note: 'a note',
        },
        'permit',
      ),
    ).toEqual({
      verdict: 'permit',
      scope: {
        app: '/usr/bin/curl',
        user: 'S-1-22-1-1000',
        remote: { kind: 'name', name: 'example.com', subdomains: true },
        port: { from: 8000, to: 8080 },
        protocol: 6,
        direction: 'out',
      },
      lifetime: { kind: 'until', at: 1_000_000 + 900_000 },
      enabled: true,
      note: 'a note',
      origin: 'command',
    });
  });

  test('where incoming connections are asked about, they have a remote side', () => {
    const options = { direction: 'in', remote: '10.0.0.0/8' };
    expect(parseRule('permit', options, { ...host, asksAtAccept: true }).scope).toEqual({
      remote: { kind: 'network', address: '10.0.0.0', prefix: 8 },
      direction: 'in',
    });
    expect(() => parseRule('permit', { direction: 'in', remote: 'a.example' }, { ...host, asksAtAccept: true })).toThrow(
      RuleError,
    );
  });

  test('nothing at all covers everything that goes out, for ever', () => {
    expect(parse({})).toMatchObject({ scope: { remote: { kind: 'any' }, direction: 'out' }, lifetime: { kind: 'permanent' } });
  });

  test.each([
    ['203.0.113.9', { kind: 'address', address: '203.0.113.9' }],
    ['::ffff:203.0.113.9', { kind: 'address', address: '203.0.113.9' }],
    ['[2001:DB8::1]', { kind: 'address', address: '2001:db8::1' }],
    ['10.1.2.3/8', { kind: 'network', address: '10.1.2.3', prefix: 8 }],
    ['2001:db8::/32', { kind: 'network', address: '2001:db8::', prefix: 32 }],
    ['Bücher.example', { kind: 'name', name: 'xn--bcher-kva.example', subdomains: false }],
    ['localhost', { kind: 'name', name: 'localhost', subdomains: false }],
    ['any', { kind: 'any' }],
    ['name:any', { kind: 'name', name: 'any', subdomains: false }],
  ])('--remote %s', (text, remote) => {
    expect(parseRemote(text)).toEqual(remote);
  });

  test.each<[string, RuleOptions, string]>([
    [
      'an octet too large',
      { remote: '1.2.3.400' },
      '"1.2.3.400" is not an address: IPv4 addresses are four numbers from 0 to 255, like 203.0.113.9.',
    ],
    [
      'a prefix too long',
      { remote: '10.0.0.0/40' },
      '"10.0.0.0/40" is not a network: an IPv4 prefix has 0 to 32 bits, not "40".',
    ],
    [
      'a network of a name',
      { remote: 'example.com/24' },
      '"example.com/24" is not a network: "example.com" is no address. Write it like 10.0.0.0/8 or 2001:db8::/32.',
    ],
    [
      'a port with the address',
      { remote: 'example.com:443' },
      '"example.com:443" is neither an IPv6 address nor a host name. Give the port with --port.',
    ],
    [
      'an impossible name',
      { remote: 'exa mple' },
      '"exa mple" is neither an address nor a possible host name. Write 203.0.113.9, 10.0.0.0/8, example.com or *.example.com.',
    ],
    ['a port too high', { port: '70000' }, 'Port 70000 is impossible: ports go up to 65535.'],
    ['ports in the wrong order', { port: '9-3' }, 'Ports 9-3 are in the wrong order: write the lower one first, 3-9.'],
    ['a port that is a word', { port: 'https' }, '"https" is not a port: give a number like 443 or a range like 8000-8080.'],
    ['a negative port', { port: '-1' }, '"-1" is not a port: give a number like 443 or a range like 8000-8080.'],
    ['an unknown protocol', { protocol: 'tpc' }, '"tpc" is not a protocol: give tcp, udp or a number from 0 to 255.'],
    ['a protocol number too high', { protocol: '256' }, '"256" is not a protocol: give tcp, udp or a number from 0 to 255.'],
    [
      'an inherited name as protocol',
      { protocol: 'constructor' },
      '"constructor" is not a protocol: give tcp, udp or a number from 0 to 255.',
    ],
    ['no duration', { for: '15' }, '"15" is not a duration: write it like 15m, 2h or 1d.'],
    ['a duration of nothing', { for: '0m' }, '"0m" is not a duration: write it like 15m, 2h or 1d.'],
    ['a duration without end', { for: '9999w' }, '"9999w" is longer than ten years: make the rule permanent instead.'],
    ['both lifetimes', { for: '1h', permanent: true }, '--for and --permanent exclude each other: give one of them.'],
    ['an unknown user', { user: 'bob' }, 'There is no user "bob" on this machine. Give a name that it knows, or a SID.'],
    ['a direction', { direction: 'up' }, '"up" is not a direction: give out (connecting) or in (listening).'],
    [
      'a remote side of a listener',
      { direction: 'in', remote: '10.0.0.1' },
      '--remote cannot go with --direction in: what is held is the call that opens the port, and that has no remote side yet.',
    ],
    ['a program without its path', { app: 'curl' }, '"curl" is not a whole path: give the program\'s file, like /usr/bin/curl.'],
  ])('%s is one sentence', (_, options, message) => {
    expect(() => parse(options)).toThrow(new RuleError(message));
  });

  test('the verdict comes first', () => {
    expect(() => parseRule(undefined, {}, host)).toThrow('Say first what the rule does: permit or block.');
    expect(() => parse({}, 'allow')).toThrow('"allow" is not a verdict: write permit or block.');
  });

  test.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['1w', 604_800_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
});
