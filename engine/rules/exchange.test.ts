import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diffRules } from './diff-rules.ts';
import { exportJson, exportYaml, importRules } from './exchange.ts';
import type { Rule } from './rule.ts';
import { ruleArbitrary } from './rule-arbitrary.ts';

const rules = fc.uniqueArray(ruleArbitrary, { maxLength: 12, selector: rule => rule.id });
const byId = (all: readonly Rule[]) => [...all].sort((a, b) => (a.id < b.id ? -1 : 1));

const curl: Rule = {
  id: '11111111-2222-4333-8444-555555555555',
  verdict: 'block',
  scope: {
    app: '/usr/bin/curl',
    remote: { kind: 'name', name: 'telemetry.example', subdomains: true },
    port: { from: 443, to: 443 },
    protocol: 6,
    direction: 'out',
  },
  lifetime: { kind: 'permanent' },
  enabled: false,
  note: 'too: curious',
  origin: 'prompt',
  createdAt: Date.UTC(2026, 10, 23, 12),
};

describe('export and import', () => {
  test.each([
    ['JSON', exportJson],
    ['YAML', exportYaml],
  ])('%s brings every rule back unchanged', (_, write) => {
    fc.assert(
      fc.property(rules, all => {
        expect(byId(importRules(write(all), 'file', 5))).toEqual(byId(all));
      }),
      { numRuns: 300 },
    );
  });

  test('the same rules in another order are the same text', () => {
    fc.assert(
      fc.property(rules, all => {
        expect(exportJson(all.toReversed())).toBe(exportJson(all));
        expect(exportYaml(all.toReversed())).toBe(exportYaml(all));
      }),
    );
  });

  test('YAML says what each rule does', () => {
    expect(exportYaml([curl])).toBe(`# Sallyport rules. Read back with: sallyport rules import FILE

sallyport: 1
rules:
  # block curl → *.telemetry.example port 443 over tcp, for ever (disabled)
  - id: 11111111-2222-4333-8444-555555555555
    verdict: block
    program: /usr/bin/curl
    remote: "*.telemetry.example"
    port: 443
    protocol: tcp
    enabled: false
    note: "too: curious"
    origin: prompt
    created: 2026-11-23T12:00:00.000Z
`);
  });

  test('a rule written by hand needs a verdict only, and is the same rule when read again', () => {
    const text = 'rules:\n  - verdict: block\n    remote: 10.0.0.1/8\n    port: 9000-9010\n';
    const [rule] = importRules(text, 'my.yaml', 77);
    expect(rule).toMatchObject({
      verdict: 'block',
      scope: { remote: { kind: 'network', address: '10.0.0.0', prefix: 8 }, port: { from: 9000, to: 9010 }, direction: 'out' },
      lifetime: { kind: 'permanent' },
      enabled: true,
      origin: 'import',
      createdAt: 77,
    });
    expect(importRules(text, 'my.yaml', 99)[0]?.id).toBe(rule?.id);
  });

  test.each([
    ['rules:\n  - verdict: block\n  - verdict: deny\n', 'my.yaml, line 3, rule 2: "verdict" must be permit or block'],
    [
      'rules:\n  - verdict: block\n    prot: tcp\n',
      'my.yaml, line 2, rule 1: "prot" is not a member of a rule: these are id, verdict, ',
    ],
    ['rules:\n  - verdict: block\n    remote: 1.2.3.400\n', 'my.yaml, line 2, rule 1: "1.2.3.400" is not an address'],
    ['rules:\n  - verdict: block\n    port: 70000\n', 'my.yaml, line 2, rule 1: Port 70000 is impossible'],
    ['rules:\n  - verdict: block\n    port: 1.5\n', 'my.yaml, line 2, rule 1: "1.5" is not a port'],
    ['rules:\n  - verdict: block\n    lifetime: {until: tomorrow}\n', 'my.yaml, line 2, rule 1: '],
    ['rules:\n  - {verdict: block, id: abc}\n', 'my.yaml, line 2, rule 1: "id" must be a GUID, or be left out'],
    ['rules:\n  - verdict: block\n  - verdict: block\n', 'my.yaml, line 3, rule 2: it has the same id as rule 1.'],
    ['rules: [1]\n', 'my.yaml, rule 1: '],
    ['rules: {}\n', 'my.yaml holds no rules: it must have the members'],
    ['', 'my.yaml holds no rules'],
    ['a: b: c\n', 'my.yaml, line 1: '],
    ['sallyport: 2\nrules: []\n', 'my.yaml has format 2: this Sallyport reads format 1.'],
    ['{"rules": [', 'my.yaml is not JSON: '],
    ['{"rules": [{"verdict": "no"}]}', 'my.yaml, rule 1: "verdict" must be permit or block'],
  ])('%j is refused with its place', (text, message) => {
    expect(() => importRules(text, 'my.yaml', 0)).toThrow(message);
  });

  test('aliases that multiply are refused', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...'bcdefgh'.split('').map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(', ')}]`),
    ];
    expect(() => importRules(`${bomb.join('\n')}\nrules: *h\n`, 'bomb.yaml', 0)).toThrow();
  });

  test('an alias that points nowhere is a sentence', () => {
    expect(() => importRules('rules: *nowhere\n', 'my.yaml', 0)).toThrow(
      /^my\.yaml, line 1: |^my\.yaml: .*instead of using aliases/,
    );
  });

  test('no text at all is a crash: every failure is a sentence', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          ruleArbitrary.map(rule => exportYaml([rule]).replaceAll('e', ':')),
        ),
        text => {
          try {
            importRules(text, 'f', 0);
          } catch (error) {
            expect(error).toHaveProperty('name', 'RuleError');
          }
        },
      ),
    );
  });
});

describe('what separates two sets of rules', () => {
  test('a rule with the same scope is changed, not doubled', () => {
    const wanted: Rule = { ...curl, id: '99999999-2222-4333-8444-555555555555', verdict: 'permit', createdAt: 9 };
    expect(diffRules([curl], [wanted])).toEqual({
      add: [],
      change: [{ from: curl, to: { ...wanted, id: curl.id, createdAt: curl.createdAt } }],
      remove: [],
      same: [],
    });
  });

  test('applied in thought, the wanted rules are there and nothing else', () => {
    fc.assert(
      fc.property(rules, rules, (current, wanted) => {
        const { add, change, remove, same } = diffRules(current, wanted);
        expect(add.length + change.length + same.length).toBe(wanted.length);
        expect(remove.length + change.length + same.length).toBe(current.length);
        expect(diffRules([...same, ...change.map(({ to }) => to), ...add], wanted)).toMatchObject({
          add: [],
          change: [],
          remove: [],
        });
      }),
    );
  });
});
