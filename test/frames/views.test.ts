import { afterEach, describe, expect, it } from 'vitest';
import type { ConnectionAttempt } from '../../engine/model/attempt.ts';
import type { ClassifyTrace } from '../../engine/model/classify.ts';
import type { ActivityEntry } from '../../machines/guard-client.ts';
import { Keymap } from '../../tui/keymap.ts';
import { commandInfo, commandNames } from '../../tui/keys/commands.ts';
import { bytesOf, openScreen, type TestScreen } from '../support/screen.ts';
import { anAttempt, aRequest, NOON, ScriptedClient } from '../support/scripted-client.ts';
import { aFilter, aRule, aTrace, LAYER, SUBLAYER } from '../support/scripted-objects.ts';

const filters = [
  aFilter(41n, 'block', '/usr/bin/curl', '203.0.113.9', 443),
  aFilter(12n, 'permit', '/usr/bin/node'),
  aFilter(17n, 'permit', '/usr/bin/curl', '198.51.100.1'),
];
const entry = (seq: number, more: Partial<ActivityEntry> = {}): ActivityEntry => ({
  seq,
  at: NOON + seq * 1000,
  attempt: anAttempt(seq, { name: `host${seq}.example` }),
  verdict: 'permit',
  by: { kind: 'person' },
  waited: 1500,
  ...more,
});
const full = () => {
  const client = new ScriptedClient({
    requests: [aRequest(1, { name: 'packages.example' }), aRequest(2)],
    filters,
    layers: [LAYER],
    subLayers: [SUBLAYER],
    rules: [
      aRule('1'),
      aRule('2', { enabled: false, verdict: 'block', note: 'only while testing', lifetime: { kind: 'restart' } }),
    ],
    activity: [
      entry(1),
      entry(2, { verdict: 'block', by: { kind: 'default', reason: 'timeout' }, result: 'EACCES' }),
      entry(3, { by: { kind: 'filter', filterId: '41' }, waited: 0, result: 'ok' }),
      entry(4, { verdict: 'withdrawn' }),
    ],
    output: [
      { stream: 'stdout', text: 'added 12 packages' },
      { stream: 'stderr', text: 'npm warn \x1b[31mdeprecated\x1b[0m' },
    ],
  });
  client.trace = aTrace(filters);
  return client;
};

let open: TestScreen | undefined;
const show = async (options: Parameters<typeof openScreen>[0] = {}) => {
  open = await openScreen({ client: full(), ...options });
  open.clock.advance(500);
  return open;
};
afterEach(() => {
  open?.close();
  open = undefined;
});
const filtersView = async (screen: TestScreen) => {
  await screen.press('4');
  await import('../../tui/views/filters-table.tsx');
  await screen.settle();
};

describe('activity', () => {
  it('shows what was asked, what decided, how long it was held and what came of it, newest first', async () => {
    const screen = await show({ columns: 100 });
    await screen.press('2');
    expect(screen.lines().slice(3, 7)).toEqual([
      expect.stringMatching(/^▌ \d\d:\d\d:35 · gone +curl → host4\.example:443 tcp +you +1.5 s$/),
      expect.stringMatching(/✓ permit {2}curl → host3\.example:443 tcp +filter 41 +ok$/),
      expect.stringMatching(/✕ block +curl → host2\.example:443 tcp +nobody answered +1.5 s EACCES$/),
      expect.stringMatching(/✓ permit {2}curl → host1\.example:443 tcp +you +1.5 s$/),
    ]);
  });

  it('keeps the row under the cursor when new ones come, and follows them at the top', async () => {
    const screen = await show();
    await screen.press('2');
    screen.client.change({ activity: [...screen.client.snapshot().activity, entry(5)] });
    await screen.settle();
    expect(screen.line('▌')).toContain('host5');
    await screen.press('j', 'j');
    expect(screen.line('▌')).toContain('host3');
    screen.client.change({ activity: [...screen.client.snapshot().activity, entry(6), entry(7)] });
    await screen.settle();
    expect(screen.line('▌')).toContain('host3');
  });

  it('offers the filter that decided only where one did', async () => {
    const screen = await show();
    await screen.press('2');
    expect(screen.screen()).not.toContain('f its filter');
    await screen.press('f');
    expect(screen.screen()).toContain('No single filter decided this.');
    await screen.press('g');
    screen.client.change({ activity: [] });
    await screen.settle();
    expect(screen.screen()).not.toContain('f its filter');
  });

  it('opens everything about a line', async () => {
    const screen = await show();
    await screen.press('2', 'j', 'j', '\r');
    expect(screen.screen()).toContain('ALE_AUTH_CONNECT_V4');
    expect(screen.screen()).toContain('nobody answered at');
    await screen.press('\x1b');
    expect(screen.line('▌')).toContain('host2');
  });
});

describe('rules', () => {
  const rules = async () => {
    const screen = await show();
    await screen.press('3');
    return screen;
  };

  it('shows each rule in words with its state, lifetime and note', async () => {
    const screen = await show({ columns: 110 });
    await screen.press('3');
    expect(screen.line('▌')).toMatch(/^▌ on {2}✓ permit {2}node → packages\.example port 443 over tcp +for ever$/);
    expect(screen.line(' off ')).toMatch(/✕ block +node → .*“only while testing” +until restart$/);
  });

  it('switches off and on, changes the lifetime, writes a note', async () => {
    const screen = await rules();
    const { id } = screen.client.snapshot().rules[0]!;
    await screen.press('e');
    await screen.press('t');
    await screen.press('n', ...'hi there'.split(''), '\r');
    expect(screen.client.sent).toEqual([
      { type: 'rule.enable', id, enabled: false },
      { type: 'rule.edit', id, lifetime: { kind: 'restart' } },
      { type: 'rule.edit', id, note: 'hi there' },
    ]);
  });

  it('turns the verdict round only after a question that shows the rule as it will be', async () => {
    const screen = await rules();
    const { id } = screen.client.snapshot().rules[0]!;
    await screen.press('v');
    expect(screen.screen()).toContain('Change this rule? block node → packages.example port 443 over tcp, for ever');
    expect(screen.screen()).toContain('It permits now.');
    await screen.press('n');
    expect(screen.client.sent).toEqual([]);
    await screen.press('v');
    screen.clock.advance(300);
    await screen.press('y');
    expect(screen.client.sent).toEqual([{ type: 'rule.edit', id, verdict: 'block' }]);
    expect(screen.screen()).toContain('The rule now blocks.');
  });

  it('deletes only after a question that shows the rule', async () => {
    const screen = await rules();
    await screen.press('d');
    expect(screen.screen()).toContain('Delete this rule? permit node → packages.example port 443 over tcp, for ever');
    await screen.press('\r', 'n');
    expect(screen.client.sent).toEqual([]);
    await screen.press('d');
    screen.clock.advance(300);
    await screen.press('y');
    expect(screen.client.sent).toEqual([{ type: 'rule.delete', id: screen.client.snapshot().rules[0]!.id }]);
    expect(screen.screen()).toContain('The rule is deleted.');
  });
});

describe('filters', () => {
  it('shows layers, sublayers by weight and filters by weight in a table', async () => {
    const screen = await show({ columns: 100 });
    await filtersView(screen);
    expect(screen.lines().slice(3, 10)).toEqual([
      ' p provider 1   a action 2   l layer 1   t flag 1',
      expect.stringMatching(/^ +action +matches +name +filter$/),
      expect.stringMatching(/^▌ layer +ALE_AUTH_CONNECT_V4 +3$/),
      expect.stringMatching(/sublayer +Sallyport, weight 0x9000 +3$/),
      expect.stringMatching(/block +curl → 203\.0\.113\.9 port 443 +block \/usr\/bin\/curl +41$/),
      expect.stringMatching(/permit +curl → 198\.51\.100\.1 +permit \/usr\/bin\/curl +17$/),
      expect.stringMatching(/permit +node → any +permit \/usr\/bin\/node +12$/),
    ]);
    expect(screen.tty.cell(5, 7).getFgColor()).not.toBe(screen.tty.cell(5, 8).getFgColor());
  });

  it('opens everything the engine knows of one filter', async () => {
    const screen = await show({ columns: 100, rows: 40 });
    await filtersView(screen);
    await screen.press('j', 'j', '\r');
    const text = screen.screen();
    for (const part of [
      'Filter 41',
      'FWP_ACTION_BLOCK',
      'effectiveWeight   0x8000000000000029',
      'PERSISTENT',
      'remote port is 443',
      'FWP_MATCH_EQUAL',
    ])
      expect(text).toContain(part);
  });

  it('/ keeps what holds the text, Esc brings all back', async () => {
    const screen = await show();
    await filtersView(screen);
    await screen.press('/', '1', '9', '8', '.', '\r');
    expect(screen.screen()).toContain('198.51.100.1');
    expect(screen.screen()).not.toContain('node → any');
    expect(screen.screen()).toContain('/ 198.');
    await screen.press('\x1b');
    expect(screen.screen()).toContain('node → any');
  });
});

describe('why', () => {
  it('shows the path, every filter and why it matched or did not, and what would settle the rest', async () => {
    const screen = await show({ columns: 110 });
    await screen.press('w');
    const text = screen.screen();
    expect(text).toMatch(/why {2}curl → packages\.example:443 \(203\.0\.113\.2\) over tcp +BLOCK/);
    expect(text).toContain('curl → connect() → ALE connect → transport → network → interface');
    expect(screen.line('stopped here').indexOf('■')).toBe(screen.line('ALE connect').indexOf('ALE connect'));
    expect(text).toMatch(/sublayer Sallyport {3}weight 0x9000 {3}→ block/);
    expect(text).toMatch(/✕ 41 +block +curl → 203\.0\.113\.9 port 443 +decided/);
    expect(text).toMatch(/· 12 +permit +node → any +program is \/usr\/bin\/curl/);
    expect(text).toMatch(/\? 17 +permit +curl → 198\.51\.100\.1 +unknown: user/);
    expect(text).toContain('To know: user');
    await screen.press('\x1b', '2', 'w');
    expect(screen.screen()).toContain('host4.example');
  });
});

describe('what if, and from a decision to its filter and back', () => {
  it('asks the guard about changed traffic while it is typed', async () => {
    const client = full();
    const asked: string[] = [];
    const explain = (attempt: ConnectionAttempt): ClassifyTrace => {
      asked.push(`${attempt.identity.path} ${attempt.remote?.address}:${attempt.remote?.port}`);
      const trace = aTrace(filters);
      return attempt.remote?.port === 80 ? { ...trace, action: 'permit', filter: filters[1]! } : trace;
    };
    Object.assign(client, { explain });
    const screen = await show({ client, columns: 110 });
    await screen.press('w', '\t', '\t', 'x', '\x15', '8', '0');
    expect(screen.line('what if')).toContain('port [80]');
    expect(screen.screen()).toContain('port changed: was BLOCK by filter 41');
    expect(screen.line('why  curl')).toMatch(/packages\.example:80 .* PERMIT/);
    await screen.press('\x1b');
    expect(screen.line('why  curl')).toMatch(/packages\.example:443 .* BLOCK/);
    await screen.press('x', '\x15', '9', '9', '9', '9', '9', '\r');
    expect(screen.screen()).toContain('"99999" is no port');
    await screen.press('\x1b', '\x1b');
    expect(screen.lines()[1]).toContain('[1 Inbox');
    expect(asked.at(-1)).toBe('/usr/bin/curl 203.0.113.2:9999');
  });

  it('goes from a line of activity to the filter that decided it, and from the filter to its activity', async () => {
    const client = full();
    client.change({ activity: [entry(7, { by: { kind: 'filter', filterId: '41' }, filterId: '41' }), entry(8)] });
    const screen = await show({ client });
    await screen.press('2', 'j', 'f');
    await import('../../tui/views/filters-table.tsx');
    await screen.settle();
    expect(screen.lines()[1]).toContain('[4 Filters');
    expect(screen.line('▌')).toMatch(/block +curl.* 41$/);
    await screen.press('e');
    expect(screen.lines()[1]).toContain('[2 Activity]');
    expect(screen.line('▌')).toContain('host7');
    expect(screen.screen()).not.toContain('host8');
    await screen.press('\x1b', 'g', 'f');
    expect(screen.screen()).toContain('No single filter decided this.');
  });

  it('narrows the filters by facet, and shows all again', async () => {
    const screen = await show();
    await filtersView(screen);
    await screen.press('G', 'a');
    expect(screen.screen()).toContain('a action permit 2');
    expect(screen.screen()).not.toContain('203.0.113.9');
    await screen.press('a');
    expect(screen.screen()).toContain('a action block 1');
    await screen.press('\x1b');
    expect(screen.screen()).toContain('a action 2 ');
  });
});

describe('output', () => {
  it('shows the command’s lines, marks stderr and draws no colour of its own', async () => {
    const screen = await show();
    await screen.press('5');
    expect(screen.screen()).toContain('added 12 packages');
    expect(screen.line('npm warn')).toMatch(/! npm warn deprecated$/);
  });
});

describe('help and palette', () => {
  it('help lists the keys of the view and says why one can do nothing now', async () => {
    const screen = await show({ columns: 120, rows: 60 });
    await screen.press('?');
    const keymap = new Keymap();
    for (const command of keymap.inMode('inbox').filter(name => keymap.keys(name).length > 0))
      expect(screen.screen()).toContain(commandInfo(command).title);
    expect(screen.screen()).toContain('not now: There is no decision to undo.');
    expect(screen.screen()).toContain('While the answer is edited');
    await screen.press('?');
    expect(screen.screen()).not.toContain('While the answer is edited');
  });

  it(': runs a command by name, Tab completes it', async () => {
    const screen = await show();
    await screen.press(':', 'f', 'i', 'l', 't', 'e', 'r', 's', '\r');
    expect(screen.lines()[1]).toContain('[4 Filters');
    await screen.press(':', 'r', 'u', '\t');
    expect(screen.screen()).toContain(':rules');
    await screen.press('\r');
    expect(screen.lines()[1]).toContain('[3 Rules');
    await screen.press(':', 'z', 'z', '\r');
    expect(screen.screen()).toContain('There is no command "zz" here.');
  });

  it('every command that a key gives does something or says why not, in every view', async () => {
    const keymap = new Keymap();
    for (const [view, digit] of [
      ['inbox', '1'],
      ['activity', '2'],
      ['rules', '3'],
      ['filters', '4'],
      ['output', '5'],
    ] as const) {
      for (const command of commandNames) {
        const info = commandInfo(command);
        if (!info.where.includes(view) || ['quit', 'leave', 'suspend', 'redraw'].includes(command)) continue;
        if (info.keys.length === 0 || keymap.command(view, info.keys[0]!) !== command) continue;
        const screen = await openScreen({ client: full() });
        await screen.press(digit, 'j');
        screen.clock.advance(500);
        const before = JSON.stringify([screen.app.store.version, screen.client.sent]);
        await screen.press(bytesOf(info.keys[0]!));
        // Moving in a list that ends there, or to the view one is in, changes nothing to see but is taken in.
        const quiet = ['down', 'up', 'first', 'last', 'page-down', 'page-up', 'half-down', 'half-up', 'fold', 'back', view];
        if (!quiet.includes(command))
          expect(JSON.stringify([screen.app.store.version, screen.client.sent]), `${command} in ${view}`).not.toBe(before);
        expect(screen.lines()[0]).toContain('sallyport');
        screen.close();
      }
    }
  });
});

describe('with nothing to guard', () => {
  it('opens on the rules and says that nothing is guarded', async () => {
    const client = full();
    client.change({ requests: [], status: { ...client.snapshot().status, kind: 'idle', title: 'rules' } });
    const screen = await show({ client });
    expect(screen.lines()[0]).toContain('nothing is guarded');
    expect(screen.lines()[1]).toContain('[3 Rules');
    await screen.press('q');
    await screen.app.waitUntilExit();
  });
});
