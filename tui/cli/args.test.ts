import { describe, expect, test } from 'vitest';
import { parseChoice, parseCommandArgs, parseSeconds } from './args.ts';
import { COMMANDS } from './commands.ts';
import { UsageError } from './exit.ts';
import { commandHelp, mainHelp } from './help.ts';

const options = [
  { name: 'json', summary: '' },
  { name: 'timeout', value: 'S', summary: '' },
  { name: 'tag', value: 'T', summary: '', multiple: true },
];
const parse = (...args: string[]) => parseCommandArgs('demo', args, options);

describe('command line arguments', () => {
  test('options, positionals and what follows -- are told apart', () => {
    expect(parse('a', '--timeout', '5', '--json', '--', 'curl', '--json')).toEqual({
      text: { timeout: '5' },
      lists: {},
      flags: new Set(['json']),
      positionals: ['a'],
      rest: ['curl', '--json'],
    });
  });
  test('an inline value may start with dashes', () => expect(parse('--timeout=--5').text['timeout']).toBe('--5'));
  test('a list option gathers', () => expect(parse('--tag', 'a', '--tag=b').lists['tag']).toEqual(['a', 'b']));
  test.each([
    [['--nope'], /unknown option --nope for 'demo'/],
    [['--timeout'], /--timeout needs a value \(S\)/],
    [['--timeout', '--json'], /--timeout needs a value \(S\), found '--json'/],
    [['--json=yes'], /--json takes no value, got 'yes'/],
    [['--timeout', '1', '--timeout', '2'], /--timeout was given twice/],
  ])('%j is refused in one sentence', (args, message) => {
    expect(() => parse(...args)).toThrow(UsageError);
    expect(() => parse(...args)).toThrow(message);
  });
  test.each(['0', '-1', '1.5', '1e3', '86401', 'soon'])('%s is no number of seconds', text =>
    expect(() => parseSeconds('timeout', text)).toThrow(/whole seconds from 1 to 86400/));
  test('a choice names what is possible', () =>
    expect(() => parseChoice('default', 'deny', ['block', 'permit'])).toThrow("--default takes block or permit, got 'deny'"));
});

describe('help', () => {
  test('names every command with an example each', () => {
    for (const command of COMMANDS) {
      expect(mainHelp()).toContain(command.summary);
      expect(commandHelp(command)).toContain(command.examples[0]);
      for (const option of command.options) expect(commandHelp(command)).toContain(`--${option.name}`);
    }
  });
  test('fits 100 columns', () => {
    for (const line of mainHelp().split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
  });
});
