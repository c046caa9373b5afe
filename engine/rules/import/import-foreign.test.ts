import { describe, expect, test } from 'vitest';
import { RuleError } from '../rule-error.ts';
import { foreignKind, importForeign } from './import-foreign.ts';
import { parsePlace, rangeToNetworks, serviceSid } from './places.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const read = (text: string) => importForeign(text, 'x', NOW);
const scopes = (text: string) => read(text).rules.map(rule => ({ verdict: rule.verdict, enabled: rule.enabled, ...rule.scope }));

test('the SID of a service is the one that Windows computes', () =>
  expect(serviceSid('TrustedInstaller')).toBe('S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464'));

describe('places', () => {
  test('a range becomes the fewest networks', () => {
    expect(
      rangeToNetworks('10.0.0.1', '10.0.0.6')?.map(each =>
        each.kind === 'network' ? `${each.address}/${each.prefix}` : each.kind === 'address' ? each.address : '',
      ),
    ).toEqual(['10.0.0.1', '10.0.0.2/31', '10.0.0.4/31', '10.0.0.6']);
    expect(rangeToNetworks('0.0.0.0', '255.255.255.255')).toEqual([{ kind: 'network', address: '0.0.0.0', prefix: 0 }]);
    expect(rangeToNetworks('2001:db8::', '2001:db8::ffff')).toEqual([{ kind: 'network', address: '2001:db8::', prefix: 112 }]);
    expect(rangeToNetworks('10.0.0.2', '10.0.0.1')).toBeUndefined();
  });
  test.each([
    ['1.2.3.4', { kind: 'address', address: '1.2.3.4' }],
    ['1.2.3.0/255.255.255.0', { kind: 'network', address: '1.2.3.0', prefix: 24 }],
    ['[2001:db8::1]', { kind: 'address', address: '2001:db8::1' }],
    ['1.2.3.0/255.0.255.0', undefined],
    ['LocalSubnet', undefined],
  ])('%s', (text, expected) => expect(parsePlace(text)?.[0]).toEqual(expected));
});

describe('Windows Firewall', () => {
  const reg = (...rules: string[]) =>
    `Windows Registry Editor Version 5.00\r\n\r\n[HKEY]\r\n${rules.map((rule, i) => `"r${i}"="${rule}"`).join('\r\n')}\r\n`;
  test('program, service, ports, addresses', () => {
    expect(
      scopes(
        reg(
          'v2.30|Action=Block|Active=FALSE|Dir=Out|Protocol=6|RPort=80|RPort2_10=8000-8080|RA4=10.0.0.0/255.0.0.0|App=%SystemRoot%\\\\system32\\\\svchost.exe|Svc=DiagTrack|Name=n|',
        ),
      ),
    ).toEqual([
      {
        verdict: 'block',
        enabled: false,
        app: 'C:\\Windows\\system32\\svchost.exe',
        user: serviceSid('DiagTrack'),
        remote: { kind: 'network', address: '10.0.0.0', prefix: 8 },
        port: { from: 80, to: 80 },
        protocol: 6,
        direction: 'out',
      },
      {
        verdict: 'block',
        enabled: false,
        app: 'C:\\Windows\\system32\\svchost.exe',
        user: serviceSid('DiagTrack'),
        remote: { kind: 'network', address: '10.0.0.0', prefix: 8 },
        port: { from: 8000, to: 8080 },
        protocol: 6,
        direction: 'out',
      },
    ]);
  });
  test.each([
    ['Profile=Public', /Public profile only/],
    ['LPort=RPC', /local port RPC/],
    ['RA4=LocalSubnet', /LocalSubnet is a name/],
    ['RPort=1', /remote port, which/],
    ['PFN=x', /app package/],
    ['ICMP4=8:*', /ICMP types/],
    ['Tomorrow=1', /Tomorrow is not known/],
    ['App=%USERPROFILE%\\\\a.exe', /who is logged on/],
  ])('%s is reported, never widened', (part, reason) => {
    const result = read(reg(`v2.33|Action=Allow|Active=TRUE|Dir=In|Name=n|${part}|`));
    expect(result.rules).toEqual([]);
    expect(result.report).toEqual([expect.stringMatching(reason)]);
  });
  test('all three profiles are no restriction', () =>
    expect(
      scopes(reg('v2.33|Action=Allow|Active=TRUE|Dir=In|Profile=Domain|Profile=Private|Profile=Public|LPort=5|Protocol=17|')),
    ).toMatchObject([{ direction: 'in', port: { from: 5, to: 5 }, protocol: 17 }]));
  test('a value that is no rule is reported', () => expect(read(reg('hello')).report[0]).toMatch(/no firewall rule/));
});

describe('simplewall', () => {
  const profile = (body: string, version = 5) =>
    `<?xml version="1.0"?><root timestamp="1" type="3" version="${version}">${body}</root>`;
  test('allowed programs, services and those that are not allowed', () => {
    const result = read(
      profile(
        '<apps><item path="C:\\a.exe" is_enabled="true"/><item path="Dnscache" is_enabled="true"/><item path="C:\\b.exe"/><item path="S-1-15-2-1" is_enabled="1"/></apps>',
      ),
    );
    expect(result.rules.map(rule => [rule.scope.app ?? rule.scope.user, rule.scope.direction])).toEqual([
      ['C:\\a.exe', 'out'],
      ['C:\\a.exe', 'in'],
      [serviceSid('Dnscache'), 'out'],
      [serviceSid('Dnscache'), 'in'],
    ]);
    expect(result.report).toEqual([expect.stringMatching(/b\.exe: .*not allowed/), expect.stringMatching(/app packages/)]);
  });
  test('entries of a rule', () => {
    expect(
      scopes(
        profile(
          '<rules_custom><item name="x" rule="443;67-68;1.2.3.4;10.0.0.0/8;1.2.3.1-1.2.3.2;5.6.7.8:53;[2001:db8::1]:80" dir="0" protocol="17" is_enabled="true" is_block="true"/></rules_custom>',
        ),
      ).map(each => [each.verdict, JSON.stringify(each.remote), each.port?.from]),
    ).toEqual([
      ['block', '{"kind":"address","address":"1.2.3.4"}', undefined],
      ['block', '{"kind":"network","address":"10.0.0.0","prefix":8}', undefined],
      ['block', '{"kind":"address","address":"1.2.3.1"}', undefined],
      ['block', '{"kind":"address","address":"1.2.3.2"}', undefined],
      ['block', '{"kind":"address","address":"5.6.7.8"}', 53],
      ['block', '{"kind":"address","address":"2001:db8::1"}', 80],
      ['block', '{"kind":"any"}', 443],
      ['block', '{"kind":"any"}', 67],
    ]);
  });
  test('a rule that simplewall itself misreads is told', () =>
    expect(
      read(
        profile(
          '<rules_system><item name="Printer Service" rule_remote="515;631" is_enabled="true" protocol="6"/></rules_system>',
          6,
        ),
      ).report[0],
    ).toMatch(/ignores its attribute rule_remote="515;631"/));
  test('the oldest form: commas and numbers for truth', () =>
    expect(
      scopes(profile('<rules_custom><item name="x" rule="80,443" is_enabled="1" apps="C:\\a.exe;C:\\b.exe"/></rules_custom>', 2)),
    ).toHaveLength(4));
  test('settings of rules that are not in the file are told', () =>
    expect(read(profile('<rules_config><item name="DNS" is_enabled="true"/></rules_config>')).report[0]).toMatch(
      /rule DNS: it turns on a rule/,
    ));
  test('what is not well-formed is refused with its line', () =>
    expect(() => read('<!-- c --><?xml version="1.0"?><root><apps/></root>')).toThrow(/line 1: this is not well-formed XML/));
});

describe('OpenSnitch', () => {
  const rule = (operator: object, more: object = {}) =>
    JSON.stringify({
      name: 'n',
      enabled: true,
      action: 'allow',
      duration: 'always',
      created: '2025-12-31T23:00:00Z',
      operator,
      ...more,
    });
  const simple = (operand: string, data: string, type = 'simple') => ({ type, operand, data });
  test('a list of conditions', () => {
    expect(
      scopes(
        rule({
          type: 'list',
          operand: 'list',
          list: [
            simple('process.path', '/usr/bin/curl'),
            simple('dest.port', '443'),
            simple('dest.host', 'Example.com'),
            simple('user.id', '1000'),
            simple('protocol', 'tcp'),
          ],
        }),
      ),
    ).toEqual([
      {
        verdict: 'permit',
        enabled: true,
        app: '/usr/bin/curl',
        user: 'S-1-22-1-1000',
        remote: { kind: 'name', name: 'example.com', subdomains: false },
        port: { from: 443, to: 443 },
        protocol: 6,
        direction: 'out',
      },
    ]);
  });
  test('expressions that mean a list are carried, others are reported', () => {
    expect(scopes(rule(simple('dest.port', '^(53|853)$', 'regexp'))).map(each => each.port?.from)).toEqual([53, 853]);
    expect(scopes(rule(simple('dest.host', '^(.*\\.)?example\\.com$', 'regexp'))).map(each => each.remote)).toEqual([
      { kind: 'name', name: 'example.com', subdomains: false },
      { kind: 'name', name: 'example.com', subdomains: true },
    ]);
    expect(read(rule(simple('process.command', 'x'))).report).toEqual([expect.stringMatching(/process\.command cannot be said/)]);
    expect(read(rule(simple('dest.host', '^a.*b$', 'regexp'))).rules).toEqual([]);
    expect(read(rule(simple('dest.host', '*(', 'regexp'))).report[0]).toMatch(/not a valid one/);
  });
  test('times', () => {
    expect(read(rule(simple('true', ''), { duration: '2h' })).rules[0]?.lifetime).toEqual({
      kind: 'until',
      at: Date.parse('2026-01-01T01:00:00Z'),
    });
    expect(read(rule(simple('true', ''), { duration: '5m' })).report[0]).toMatch(/time that is over/);
    expect(read(rule(simple('true', ''), { duration: 'until restart' })).rules[0]?.lifetime.kind).toBe('restart');
  });
});

describe('TinyWall', () => {
  const known = (policy: object, subject: object = { SubjectType: 2, ExecutablePath: 'C:\\a.exe' }) =>
    JSON.stringify({ KnownApplications: [{ Name: 'A', Components: [{ Subject: subject, Policy: policy }] }] });
  test('policies', () => {
    expect(scopes(known({ PolicyType: 1 })).map(each => each.verdict)).toEqual(['block', 'block']);
    expect(
      scopes(known({ PolicyType: 3, AllowedRemoteTcpConnectPorts: '80,443', AllowedLocalUdpListenerPorts: '*' })).map(each => [
        each.direction,
        each.protocol,
        each.port?.from,
      ]),
    ).toEqual([
      ['out', 6, 80],
      ['out', 6, 443],
      ['in', 17, undefined],
    ]);
    expect(
      scopes(known({ PolicyType: 4, Rules: [{ Name: 'r', Action: 1, Direction: 2, Protocol: 1025, RemotePorts: '53' }] })).map(
        each => [each.protocol, each.port?.from],
      ),
    ).toEqual([
      [6, 53],
      [17, 53],
    ]);
  });
  test('what cannot be carried', () => {
    expect(read(known({ PolicyType: 2 }, { SubjectType: 4, Sid: 'S-1-15-2-1' })).report[0]).toMatch(/app packages/);
    expect(read(known({ PolicyType: 2 }, { SubjectType: 2, ExecutablePath: 'a.exe' })).report[0]).toMatch(/without its folder/);
    expect(read(known({ PolicyType: 9 })).report[0]).toMatch(/policy 9 is not known/);
  });
});

test('importing twice gives the same ids', () => {
  const text = JSON.stringify({
    name: 'n',
    action: 'deny',
    duration: 'always',
    operator: { type: 'simple', operand: 'dest.ip', data: '1.2.3.4' },
  });
  expect(read(text).rules).toEqual(read(text).rules);
  expect(foreignKind('rules: []')).toBeUndefined();
  expect(() => read('rules: []')).toThrow(RuleError);
});
