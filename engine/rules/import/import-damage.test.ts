import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RuleError } from '../rule-error.ts';
import { toRule } from '../rule-schema.ts';
import { type ForeignKind, importForeign } from './import-foreign.ts';

const SAMPLES: Readonly<Record<ForeignKind, string>> = {
  simplewall:
    '<root timestamp="1" type="3" version="5"><apps><item path="C:\\a.exe" is_enabled="true" timer="1"/></apps><rules_custom><item name="x" rule="80;1.2.3.4:5;10.0.0.0/8" dir="0" protocol="6" apps="a|C:\\b.exe" is_block="true"/></rules_custom><rules_config><item name="x" is_enabled="true"/></rules_config></root>',
  'windows-firewall':
    'Windows Registry Editor Version 5.00\r\n\r\n[HKEY]\r\n"{1}"="v2.30|Action=Block|Active=TRUE|Dir=In|Protocol=17|LPort=80|LPort2_10=1-2|RA4=1.2.3.4-1.2.3.9|App=%windir%\\\\a.exe|Svc=x|Name=n|"\r\n',
  opensnitch:
    '{"name":"n","action":"allow","duration":"1h","created":"2026-01-01T00:00:00Z","enabled":true,"operator":{"type":"list","operand":"list","list":[{"type":"simple","operand":"process.path","data":"/bin/a"},{"type":"regexp","operand":"dest.port","data":"^(1|2)$"}]}}',
  tinywall:
    '{"KnownApplications":[{"Name":"A","Components":[{"Subject":{"SubjectType":2,"ExecutablePath":"C:\\\\a.exe"},"Policy":{"PolicyType":4,"Rules":[{"Name":"r","Action":1,"Direction":3,"Protocol":6,"RemotePorts":"1,2","RemoteAddresses":"1.2.3.4"}]}}]}]}',
};

describe.each(Object.entries(SAMPLES) as [ForeignKind, string][])('damaged %s', (kind, sample) => {
  test('the sample itself becomes rules', () =>
    expect(importForeign(sample, 'x', Date.parse('2026-01-01T00:30:00Z'), kind).rules.length).toBeGreaterThan(0));

  test('gives rules that hold, a report, or one sentence', () => {
    const cut = fc.record({
      at: fc.nat(sample.length),
      length: fc.nat(12),
      put: fc.oneof(
        fc.string({ maxLength: 6 }),
        fc.constantFrom('"', '<', '&', '{', '99999999999', '-', '|', '%', '.*', '\0', 'null', '[]'),
      ),
    });
    fc.assert(
      fc.property(fc.array(cut, { minLength: 1, maxLength: 3 }), changes => {
        const text = changes.reduce(
          (before, { at, length, put }) => before.slice(0, at) + put + before.slice(at + length),
          sample,
        );
        try {
          const { rules, report } = importForeign(text, 'x', 1_767_225_600_000, kind);
          for (const rule of rules) expect(toRule(rule)).toEqual(rule);
          for (const line of report) expect(line.length).toBeGreaterThan(5);
        } catch (error) {
          expect(error).toBeInstanceOf(RuleError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
