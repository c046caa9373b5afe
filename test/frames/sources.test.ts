import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { ActivityEntry, GuardSnapshot, GuardStatus, Request } from '../../machines/guard-client.ts';
import { openScreen, type TestScreen } from '../support/screen.ts';
import { anAttempt, aRequest, NOON, ScriptedClient } from '../support/scripted-client.ts';
import { aFilter, aRule, aTrace, LAYER, SUBLAYER } from '../support/scripted-objects.ts';

const statuses = {
  'net-events': { kind: 'net-events', title: 'this machine, without a driver', failPolicy: 'closed', defaultVerdict: 'block' },
  'windows-driver': { kind: 'windows-driver', title: 'this machine', failPolicy: 'closed', defaultVerdict: 'block', timeout: 30 },
  recorded: { kind: 'recorded', title: 'recorded: day.jsonl', failPolicy: 'none', defaultVerdict: 'block', timeout: 30 },
} as const;
const statusOf = (kind: keyof typeof statuses, more: Partial<GuardStatus> = {}): GuardStatus => ({
  phase: 'running',
  decided: 0,
  ...statuses[kind],
  ...more,
});

const CURL = 'C:\\Program Files\\curl\\curl.exe';
/** What a net event tells: no process, no command line, no name. */
const dropped = (id: number, more: Partial<Request> = {}): Request => ({
  id,
  attempt: anAttempt(id, { identity: { pid: 0, path: CURL, sid: 'S-1-5-21-1-2-3-1001', parents: [] } }),
  attempts: [id],
  state: 'asking',
  since: NOON - 4000,
  ...more,
});

let open: TestScreen | undefined;
const show = async (parts: Partial<GuardSnapshot>, size: { columns?: number; rows?: number } = {}) => {
  open = await openScreen({ client: new ScriptedClient(parts), ...size });
  open.clock.advance(500);
  return open;
};
afterEach(() => {
  open?.close();
  open = undefined;
});

describe('net events: dropped first, asked afterwards', () => {
  const status = statusOf('net-events');

  it('at 80×24 says that it was dropped, and that the answer is for the next try', async () => {
    const screen = await show({ status, requests: [dropped(1), dropped(2)] });
    const lines = screen.lines();
    expect(lines[0]).toBe(' sallyport  this machine,… fails closed  2 to answer  unanswered: stays dropped');
    expect(lines[3]).toMatch(/^ ▾ curl\.exe +2 questions {3}\d\d:\d\d:27$/);
    expect(lines[4]).toMatch(/^▌ {3}203\.0\.113\.2:443 {2}name not known +tcp {3}\d\d:\d\d:27$/);
    expect(lines.slice(13, 18)).toEqual([
      ' curl.exe tried to connect to 203.0.113.2:443 over TCP: dropped',
      `   program  ${CURL}`,
      `   command  ${CURL}`,
      '   name     no name is known for this address (203.0.113.2)',
      '   user     S-1-5-21-1-2-3-1001   pid not known',
    ]);
    expect(lines[20]).toBe('   answers 1 question for the next try');
  });

  it('at 160×48 too', async () => {
    const screen = await show({ status, requests: [dropped(1)] }, { columns: 160, rows: 48 });
    expect(screen.lines()[0]).toMatch(/this machine, without a driver .*1 to answer {2}unanswered: stays dropped$/);
    expect(screen.line('tried to')).toBe(' curl.exe tried to connect to 203.0.113.2:443 over TCP: dropped');
  });

  it('an answer says what it is good for, and without a rule that it is good for nothing', async () => {
    const screen = await show({ status, requests: [dropped(1), dropped(2), dropped(3)] });
    screen.client.result = { ok: true, settled: 1, ruleId: 'x' };
    await screen.press('a');
    expect(screen.screen()).toContain('1 question answered, rule saved: the next try will pass.');
    screen.client.result = { ok: true, settled: 1 };
    screen.clock.advance(500);
    await screen.press('t');
    expect(screen.screen()).toContain('answers 1 question; makes no rule: the next try is dropped, then asked');
    await screen.press('b');
    expect(screen.screen()).toContain('1 question answered without a rule: the next try is dropped, then asked.');
  });

  it('offers no rule that ends with a process which nobody told of', async () => {
    const screen = await show({ status, requests: [dropped(1)] }, { columns: 120 });
    for (let i = 0; i < 8; i++) {
      await screen.press('t');
      expect(screen.line('Answer')).toMatch(/\[(once|for .*|until Sallyport ends)\]/);
    }
  });

  it('tells which answers were tried again', async () => {
    const attempt = dropped(1).attempt;
    const answer = (seq: number, ruleId: string): ActivityEntry => ({
      seq,
      at: NOON,
      attempt,
      verdict: 'permit',
      by: { kind: 'person' },
      waited: 4000,
      ruleId,
      result: 'EACCES',
    });
    const retry: ActivityEntry = { ...answer(3, 'a'), at: NOON + 9000, by: { kind: 'rule', ruleId: 'a' }, waited: 0 };
    const screen = await show({ status, activity: [answer(1, 'a'), answer(2, 'b'), retry] });
    expect(screen.screen()).toContain('1 next try of 2 answers came.');
    await screen.press('2', 'j', '\r');
    expect(screen.line('next try')).toContain('not seen yet');
    await screen.press('\x1b', 'j', '\r');
    expect(screen.line('next try')).toMatch(/came at \d\d:\d\d:40: permit/);
  });

  it('quitting says what becomes of open questions', async () => {
    const screen = await show({ status, requests: [dropped(1)] });
    await screen.press('q');
    expect(screen.screen()).toContain('1 question left unanswered: what was dropped stays dropped.');
  });

  it('a question with a deadline is closed, not decided', async () => {
    const screen = await show({ status: { ...status, timeout: 30 }, requests: [dropped(1, { deadline: NOON + 27_000 })] });
    expect(screen.lines()[0]).toMatch(/stays dropped; question closes in 0:27$/);
  });

  /** Words of a connection that stands still until somebody answers. */
  const FALSE_HERE =
    /\b(held|waiting|waits?|waited|let go|pend(s|ing|ed)|complet(es|ed|ing)|wants to|nobody answers|looked this|the command (has|still))\b/i;

  it('never speaks of a connection that is still there, in any view, overlay or notice', async () => {
    const filters = [aFilter(41n, 'block', CURL, '203.0.113.9', 443), aFilter(12n, 'permit', CURL)];
    const entry = (seq: number, by: ActivityEntry['by'], verdict: ActivityEntry['verdict'] = 'permit'): ActivityEntry => ({
      seq,
      at: NOON + seq,
      attempt: dropped(seq).attempt,
      verdict,
      by,
      waited: by.kind === 'person' ? 4000 : 0,
      result: 'EACCES',
      ...(by.kind === 'filter' ? { filterId: '41' } : { ruleId: 'x' }),
    });
    const activity = [
      entry(1, { kind: 'person' }),
      entry(2, { kind: 'rule', ruleId: 'x' }),
      entry(3, { kind: 'filter', filterId: '41' }, 'block'),
      entry(4, { kind: 'default', reason: 'timeout' }, 'block'),
      entry(5, { kind: 'no-match' }, 'withdrawn'),
    ];
    const key = fc.constantFrom(
      ...[
        '1',
        '2',
        '3',
        '4',
        '5',
        'a',
        'b',
        'A',
        'B',
        'u',
        't',
        ' ',
        'h',
        'j',
        'G',
        'w',
        '\r',
        '?',
        ':',
        '/',
        'z',
        'q',
        'y',
        'n',
      ],
      ...['\t', '\x1b[A', 'd', 'e', 'f', 'x', 'v', '\x1b', '\x15'],
    );
    const count = fc.integer({ min: 0, max: 4 });
    const state = fc.constantFrom<Request['state']>('asking', 'identifying', 'deciding', 'recording', 'completing');
    const snapshot = fc.record({
      requests: fc.array(fc.record({ state, deadline: fc.boolean(), twice: fc.boolean() }), { maxLength: 4 }),
      activity: fc.integer({ min: 0, max: activity.length }),
      rules: count,
      phase: fc.constantFrom<GuardStatus['phase']>('starting', 'running', 'ended', 'failed'),
      canUndo: fc.boolean(),
      saves: fc.boolean(),
    });
    const size = fc.constantFrom([80, 24], [160, 48], [50, 16]);
    await fc.assert(
      fc.asyncProperty(
        size,
        fc.array(fc.tuple(snapshot, fc.array(key, { maxLength: 8 })), { minLength: 2, maxLength: 4 }),
        async ([columns, rows], steps) => {
          const client = new ScriptedClient({ status, filters, layers: [LAYER], subLayers: [SUBLAYER] });
          client.trace = { ...aTrace(filters), pend: true };
          const screen = await openScreen({ client, columns: columns!, rows: rows! });
          const look = () => expect(screen.screen().replace('The key is held down', '')).not.toMatch(FALSE_HERE);
          try {
            for (const [is, keys] of steps) {
              client.result = { ok: true, settled: 1, ...(is.saves ? { ruleId: 'x' } : {}) };
              client.change({
                status: { ...status, phase: is.phase, decided: 3 },
                requests: is.requests.map((each, i) =>
                  dropped(i + 1, {
                    state: each.state,
                    ...(each.deadline ? { deadline: NOON + 60_000 } : {}),
                    attempts: each.twice ? [i + 1, i + 10] : [i + 1],
                  }),
                ),
                activity: activity.slice(0, is.activity),
                rules: Array.from({ length: is.rules }, (_, i) => aRule(String(i + 1), { enabled: i % 2 === 0 })),
                canUndo: is.canUndo,
              });
              await screen.settle();
              screen.clock.advance(500);
              look();
              for (const one of keys) {
                await screen.press(one);
                look();
                screen.clock.advance(300);
              }
            }
          } finally {
            screen.close();
          }
        },
      ),
      { numRuns: 12, seed: 20, endOnFailure: true },
    );
  }, 60_000);
});

describe('the driver on Windows', () => {
  const status = statusOf('windows-driver');

  it.each([
    [80, 24],
    [160, 48],
  ])('at %i×%i holds as a command is held, and speaks of no command', async (columns, rows) => {
    const request = { ...aRequest(1, { program: CURL, deadline: NOON + 27_000 }) };
    const screen = await show({ status, requests: [request] }, { columns, rows });
    expect(screen.lines()[0]).toMatch(/1 waiting {2}nobody answers: block in 0:27$/);
    expect(screen.line('wants to')).toContain('curl.exe (pid 4001');
    expect(screen.screen()).toContain('no name is known for this address');
    expect(screen.screen()).toContain('settles 1 waiting request');
    await screen.press('5');
    expect(screen.screen()).toContain('No command is run here, so there is no output.');
    screen.client.change({ requests: [], status: { ...status, phase: 'ended' } });
    await screen.press('1');
    expect(screen.screen()).toContain('Nothing waits. The guard has ended.');
  });
});

describe('a recording', () => {
  const status = statusOf('recorded');

  it.each([
    [80, 24],
    [160, 48],
  ])('at %i×%i speaks of what happened another day, and loses nothing when it is left', async (columns, rows) => {
    const screen = await show({ status, requests: [aRequest(1), aRequest(2)] }, { columns, rows });
    expect(screen.lines()[0]).toMatch(/recorded: nothing is enforced {2}2 to answer/);
    expect(screen.screen()).toContain('wanted to connect to');
    expect(screen.screen()).toContain('answers 1 recorded request');
    await screen.press('b');
    expect(screen.screen()).toContain('Blocked: 1 recorded request answered');
    await screen.press('q');
    await screen.app.waitUntilExit();
  });
});
