import { afterEach, describe, expect, it } from 'vitest';
import { cells, clean } from '../../tui/text/clean.ts';
import { openScreen, type TestScreen } from '../support/screen.ts';
import { anAttempt, aRequest, NOON, ScriptedClient } from '../support/scripted-client.ts';

const three = () =>
  new ScriptedClient({
    requests: [
      aRequest(1, { program: '/usr/bin/node', parent: 'npm', name: 'packages.example', deadline: NOON + 27_000 }),
      aRequest(2, { program: '/usr/bin/node', parent: 'npm' }),
      aRequest(3, { name: 'telemetry.example.org', deadline: NOON + 29_000 }),
    ],
  });

let open: TestScreen | undefined;
const show = async (options: Parameters<typeof openScreen>[0] = {}) => {
  open = await openScreen({ client: three(), ...options });
  return open;
};
afterEach(() => {
  open?.close();
  open = undefined;
});

describe('the inbox', () => {
  it('at 80×24 says what is guarded, who asks for what, and what an answer will do', async () => {
    const screen = await show();
    expect(screen.tty.kind).toBe('alternate');
    expect(screen.lines()).toEqual([
      ' sallyport  run: npm ci  fails closed  3 waiting  nobody answers: block in 0:27',
      '[1 Inbox 3]  2 Activity   3 Rules   4 Filters   5 Output',
      '─'.repeat(80),
      ' ▾ node  by npm postinstall.sh                                2 requests   0:04',
      '▌   packages.example:443                                             tcp   0:04',
      '    203.0.113.3:443  name not seen                                   tcp   0:04',
      ' ▾ curl  by sh postinstall.sh                                  1 request   0:04',
      '    telemetry.example.org:443                                        tcp   0:04',
      '',
      '',
      '',
      '',
      '─'.repeat(80),
      ' node (pid 4001) wants to connect to packages.example:443 over TCP',
      '   program  /usr/bin/node ← npm postinstall.sh ← npm ci',
      '   command  node -s https://packages.example/v1',
      '   name     DNS answer 0.3 s before: packages.example = 203.0.113.2',
      '   user     alice   pid 4001   in /home/alice/app',
      '',
      ' Answer  ‹node› to ‹packages.example› port ‹443› over ‹tcp›  ‹for ever›',
      '   settles 1 waiting request',
      '',
      ' a allow   b block   Tab part   t lifetime   w why   Space mark   ? help',
      '',
    ]);
  });

  it('at 160×48 writes the whole sentence', async () => {
    const screen = await show({ columns: 160, rows: 48 });
    expect(screen.line('wants to')).toBe(' node (pid 4001, started by npm) wants to connect to packages.example:443 over TCP');
    expect(screen.line(' q quit')).toContain('? help');
  });

  it('at 60×20 folds the details to two lines and keeps four keys, every part in sight', async () => {
    const screen = await show({ columns: 60, rows: 20 });
    const text = screen.screen();
    expect(text).toContain('node wants to connect to packages.example:443 over TCP');
    expect(text).toContain('packages.example = 203.0.113.2  by alice');
    expect(text).toMatch(/‹node› to ‹packages\.example› ‹443› ‹tcp› ‹for ever›/);
    expect(text).toContain('3 waiting  block in 0:27');
    expect(screen.lines()[18]!.trim().split(/ {3,}/)).toEqual(['a allow', 'b block', 'Tab part', '? help']);
  });

  it.each([
    [40, 10],
    [40, 11],
    [71, 12],
    [80, 13],
  ])('at %i×%i keeps the status, the question and what the answer does', async (columns, rows) => {
    const screen = await show({ columns, rows });
    for (const editing of [false, true]) {
      const lines = screen.lines();
      expect(lines[0]).toContain('sallyport');
      expect(lines[1]).toContain('1 Inbox');
      expect(screen.screen()).toMatch(/node( \(pid 4001\))? wants to connect to /);
      expect(screen.screen()).toContain('settles 1 waiting request');
      expect(screen.line('‹tcp›')).toMatch(editing ? /\[/ : /‹/);
      expect(lines[rows - 2]).toContain(editing ? 'Tab part' : 'a allow');
      await screen.press('\t');
    }
    expect(screen.line('▌')).not.toBe('');
  });

  it('below 40×10 says in one line that the terminal is too small, and comes back', async () => {
    const screen = await show();
    screen.tty.resize(30, 8);
    await screen.settle();
    expect(screen.screen().trim()).toBe('terminal too small (30x8)');
    screen.tty.resize(80, 24);
    await screen.settle();
    expect(screen.screen()).toContain('‹packages.example›');
  });

  it('says that nobody looked an address up', async () => {
    const screen = await show();
    await screen.press('j');
    expect(screen.screen()).toContain('nobody looked this address up (203.0.113.3)');
    expect(screen.screen()).toContain('‹203.0.113.3›');
  });

  it('shows both names of one address', async () => {
    const attempt = anAttempt(9);
    const names = ['one.example', 'two.example'].map(name => ({ name, kind: 'dns' as const, at: NOON - 2000 }));
    const screen = await show({
      columns: 120,
      client: new ScriptedClient({ requests: [{ ...aRequest(9), attempt: { ...attempt, names } }] }),
    });
    expect(screen.line('   name ')).toMatch(/one\.example or two\.example = 203\.0\.113\.10/);
    expect(screen.line('▌')).toContain('203.0.113.10:443  one.example or two.example');
  });

  it('speaks ASCII where the locale is not UTF-8', async () => {
    const screen = await show({ env: { TERM: 'xterm', LANG: 'C' } });
    expect(screen.screen()).toMatch(/^[ -~\n]*$/);
    expect(screen.screen()).toContain('<packages.example>');
    expect(screen.screen()).toContain('-'.repeat(80));
  });

  it('writes no colour with NO_COLOR, and marks the selection without it', async () => {
    const screen = await show({ env: { TERM: 'xterm-256color', LANG: 'C.UTF-8', NO_COLOR: '1' } });
    expect(screen.tty.raw.join('')).not.toMatch(/\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;|m)/);
    expect(screen.tty.cell(10, 4).isInverse()).toBeTruthy();
    expect(screen.lines()[4]).toMatch(/^▌/);
  });

  it.each(['dark', 'light', 'high-contrast', 'mono'])('draws the same words in theme %s', async theme => {
    const screen = await show({ settings: { theme } });
    const plain = await openScreen({ client: three(), env: { TERM: 'xterm', LANG: 'C.UTF-8', NO_COLOR: '1' } });
    expect(screen.screen()).toBe(plain.screen());
    plain.close();
    const selected = screen.tty.cell(10, 4);
    expect(Boolean(selected.isInverse()) || selected.getBgColor() >= 0).toBe(true);
  });

  it('tells an unknown theme and uses the dark one', async () => {
    const screen = await show({ settings: { theme: 'mauve' } });
    expect(screen.screen()).toContain('There is no theme "mauve"');
  });

  it('keeps its columns whatever names contain', async () => {
    const program = '/tmp/\x1b[2J\u202e漢字\u0301\r\n\x07👩‍👩‍👧evil';
    const screen = await show({
      client: new ScriptedClient({
        requests: [aRequest(1, { program, name: 'a\x1b]0;owned\x07.example', deadline: NOON + 9000 })],
      }),
    });
    expect(screen.lines()[0]).toContain('block in 0:09');
    expect(screen.lines()[2]).toBe('─'.repeat(80));
    for (const line of screen.lines()) expect(cells(line)).toBeLessThanOrEqual(80);
    expect(screen.screen()).toContain('wants to connect to');
    expect(screen.screen()).toContain(clean('漢字'));
    expect(screen.tty.raw.join('')).not.toContain('\x1b]0;');
    expect(screen.tty.raw.join('')).not.toContain('\x1b[2J\u202e');
  });

  it('scrolls through hundreds of requests and keeps the selected one in sight', async () => {
    const requests = Array.from({ length: 300 }, (_, i) => aRequest(i + 1, { name: `host${i}.example` }));
    const screen = await show({ client: new ScriptedClient({ requests }) });
    await screen.press('G');
    expect(screen.line('▌')).toContain('host299.example');
    await screen.press('g', '\x1b[6~');
    expect(screen.line('▌')).toMatch(/host\d\.example/);
    await screen.press('k');
    expect(screen.line('▌')).toMatch(/host\d\.example/);
  });

  it('folds a program to one line that stands for all its requests', async () => {
    const screen = await show();
    await screen.press('h');
    expect(screen.line('▸')).toMatch(/^▌▸ node .*2 requests/);
    expect(screen.screen()).not.toContain('name not seen');
    await screen.press('j');
    expect(screen.line('▌')).toContain('telemetry.example.org');
  });

  it('says honestly when nothing waits, when the command has ended, and how it fails', async () => {
    const client = new ScriptedClient();
    const screen = await show({ client });
    expect(screen.screen()).toContain('Nothing waits.');
    expect(screen.lines()[0]).toContain('0 waiting  nobody answers: block in 30 s');
    const { status } = client.snapshot();
    client.change({ status: { ...status, phase: 'ended', exit: { code: 3, signal: null }, failPolicy: 'none', decided: 12 } });
    await screen.settle();
    expect(screen.lines()[0]).toContain('recorded: nothing is enforced');
    expect(screen.screen()).toContain('12 decided without asking. The command has ended.');
    expect(screen.lines()[0]).toContain('ended, exit code 3');
    expect(screen.lines()[0]).not.toContain('waiting');
  });
});
