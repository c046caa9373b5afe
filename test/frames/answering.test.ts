import { afterEach, describe, expect, it } from 'vitest';
import { openScreen, type TestScreen } from '../support/screen.ts';
import { aRequest, NOON, ScriptedClient } from '../support/scripted-client.ts';

const PASTE = (text: string) => `\x1b[200~${text}\x1b[201~`;
const four = () =>
  new ScriptedClient({
    requests: [
      aRequest(1, { program: '/usr/bin/node', name: 'packages.example.org' }),
      aRequest(2, { program: '/usr/bin/node', name: 'packages.example.org' }),
      aRequest(3, { name: 'telemetry.example.org' }),
      aRequest(4, { name: 'other.example.org' }),
    ],
  });

let open: TestScreen | undefined;
/** A screen whose first selection is armed. */
const armed = async (client = four()) => {
  open = await openScreen({ client });
  open.clock.advance(500);
  await open.settle();
  return open;
};
afterEach(() => {
  open?.close();
  open = undefined;
});
const answers = (screen: TestScreen) => screen.client.sent.filter(command => command.type === 'answer');

describe('answering', () => {
  it('takes no verdict in the first 400 ms of a selection', async () => {
    open = await openScreen({ client: four() });
    open.clock.advance(390);
    await open.press('a');
    expect(open.client.sent).toEqual([]);
    expect(open.screen()).toContain('This has just come up: read it first.');
    open.clock.advance(300);
    await open.press('a');
    expect(answers(open)).toHaveLength(1);
  });

  it('a allows what the sentence says; requests the rule covers are settled with it, and the screen says how many', async () => {
    const screen = await armed();
    expect(screen.screen()).toContain('settles 2 waiting requests');
    await screen.press('a');
    expect(answers(screen)).toEqual([
      {
        type: 'answer',
        requests: [1],
        verdict: 'permit',
        scope: {
          app: '/usr/bin/node',
          remote: { kind: 'name', name: 'packages.example.org', subdomains: false },
          port: { from: 443, to: 443 },
          protocol: 6,
          direction: 'out',
        },
        lifetime: { kind: 'permanent' },
      },
    ]);
    expect(screen.screen()).toMatch(/Permitted: 2 waiting requests settled/);
    expect(screen.line('▌')).toContain('telemetry.example.org');
  });

  it('the request that takes the selection after an answer is not answered by the next key at once', async () => {
    const screen = await armed();
    await screen.press('b');
    screen.clock.advance(300);
    await screen.press('b');
    expect(answers(screen)).toHaveLength(1);
    screen.clock.advance(500);
    await screen.press('b');
    expect(answers(screen)).toHaveLength(2);
  });

  it('a new request never takes the selection', async () => {
    const screen = await armed();
    await screen.press('j', 'j');
    expect(screen.line('▌')).toContain('telemetry');
    screen.client.change({
      requests: [...screen.client.snapshot().requests, aRequest(9, { program: '/bin/aaa', name: 'new.example' })],
    });
    await screen.settle();
    expect(screen.line('▌')).toContain('telemetry');
    expect(screen.screen()).toContain('new.example');
  });

  it('Tab goes into the sentence, arrows widen and narrow, Esc starts over', async () => {
    const screen = await armed();
    await screen.press('\t');
    expect(screen.screen()).toContain('[packages.example.org]');
    expect(screen.screen()).toContain('↑↓ wider/narrower');
    await screen.press('\x1b[A');
    expect(screen.line('Answer')).toContain('[*.example.org]');
    await screen.press('\x1b[B', '\x1b[B');
    expect(screen.line('Answer')).toContain('[203.0.113.2]');
    await screen.press('\t', '\x1b[A');
    expect(screen.line('Answer')).toContain('[any port]');
    await screen.press('\x1b');
    expect(screen.line('Answer')).toContain('‹packages.example.org› port ‹443›');
  });

  it('j and k move the list from within the sentence too', async () => {
    const screen = await armed();
    await screen.press('\t', 'j', 'j');
    expect(screen.line('▌')).toContain('telemetry');
    expect(screen.line('Answer')).toContain('‹telemetry.example.org›');
  });

  it('answers with what was chosen, t changing the lifetime', async () => {
    const screen = await armed();
    await screen.press('\t', '\x1b[A', '\x1b[A', '\x1b[A', 't');
    expect(screen.line('Answer')).toContain('[once]');
    expect(screen.screen()).toContain('makes no rule');
    await screen.press('t', 'a');
    const [answer] = answers(screen);
    expect(answer).toMatchObject({
      scope: { remote: { kind: 'any' } },
      lifetime: { kind: 'until', at: screen.clock.now() + 15 * 60_000 },
    });
  });

  it('A shows the sentence for the whole program once more and answers only after yes', async () => {
    const screen = await armed();
    await screen.press('A');
    expect(screen.client.sent).toEqual([]);
    expect(screen.screen()).toContain('For the whole program? permit node → any address, for ever');
    await screen.press('n');
    expect(screen.screen()).not.toContain('For the whole program?');
    await screen.press('B');
    screen.clock.advance(300);
    await screen.press('y');
    expect(answers(screen)).toEqual([
      {
        type: 'answer',
        requests: [1],
        verdict: 'block',
        scope: { app: '/usr/bin/node', remote: { kind: 'any' }, direction: 'out' },
        lifetime: { kind: 'permanent' },
      },
    ]);
  });

  it('Space marks several; the answer shows and gives the one merged rule', async () => {
    const screen = await armed();
    await screen.press('j', 'j', ' ', ' ');
    expect(screen.line('Answer')).toMatch(/2 marked\s+‹curl› to ‹\*\.example\.org›|2 marked.*any address/);
    expect(screen.screen()).toContain(' * ');
    screen.clock.advance(500);
    await screen.press('b');
    expect(answers(screen)[0]).toMatchObject({ requests: [3, 4], scope: { app: '/usr/bin/curl', port: { from: 443, to: 443 } } });
  });

  it('a paste answers nothing, whatever it holds', async () => {
    const screen = await armed();
    await screen.press(PASTE('aAbBy\raaa'));
    expect(screen.client.sent).toEqual([]);
    expect(screen.screen()).toContain('Pasted text is not taken for keys');
  });

  it('keys that come in one burst answer nothing', async () => {
    const screen = await armed();
    await screen.press('ja');
    expect(screen.client.sent).toEqual([]);
    expect(screen.screen()).toContain('Keys came in one burst');
  });

  it('a held key answers once', async () => {
    const screen = await armed();
    await screen.press('b');
    for (let i = 0; i < 60; i++) {
      screen.clock.advance(i === 0 ? 240 : 33);
      await screen.press('b');
    }
    expect(answers(screen)).toHaveLength(1);
    expect(screen.screen()).toContain('The key is held down');
  });

  it('undo asks the guard, and says when there is nothing to undo', async () => {
    const screen = await armed();
    await screen.press('u');
    expect(screen.client.sent).toEqual([]);
    expect(screen.screen()).toContain('There is no decision to undo.');
    screen.client.change({ canUndo: true });
    await screen.press('u');
    expect(screen.client.sent).toEqual([{ type: 'undo' }]);
    expect(screen.screen()).toContain('was taken back');
  });

  it('says what the guard refused', async () => {
    const screen = await armed();
    screen.client.result = { ok: false, message: 'The store is locked by another program.' };
    await screen.press('a');
    expect(screen.screen()).toContain('The store is locked by another program.');
    expect(screen.line('▌')).toContain('packages');
  });

  it('the countdown ticks while something waits with a deadline, and nothing is written when nothing does', async () => {
    const screen = await armed(new ScriptedClient({ requests: [aRequest(1, { name: 'a.example', deadline: NOON + 60_000 })] }));
    expect(screen.app.store.ticking).toBe(true);
    screen.client.change({ requests: [] });
    await screen.settle();
    expect(screen.app.store.ticking).toBe(false);
    const before = screen.tty.bytes;
    screen.clock.advance(60_000);
    await screen.settle();
    expect(screen.tty.bytes).toBe(before);
  });

  it('keeps the countdown true', async () => {
    const screen = await armed(new ScriptedClient({ requests: [aRequest(1, { name: 'a.example', deadline: NOON + 27_000 })] }));
    screen.clock.advance(10_000);
    screen.app.store.changed();
    await screen.settle();
    expect(screen.lines()[0]).toContain('block in 0:17');
    expect(screen.line('▌')).toContain('0:14');
  });
});

describe('quitting', () => {
  it('asks while requests wait or the command runs; no is the safe answer', async () => {
    const screen = await armed();
    await screen.press('q');
    expect(screen.screen()).toContain('Quit? The command still runs: quitting stops it');
    expect(screen.screen()).toContain('4 requests wait and will be blocked');
    await screen.press('n');
    expect(screen.screen()).not.toContain('Quit?');
    expect(screen.client.sent).toEqual([]);
  });

  it('stops the guard, then leaves the alternate screen', async () => {
    const screen = await armed();
    await screen.press('q', 'y');
    await screen.app.waitUntilExit();
    await screen.tty.drained();
    expect(screen.client.sent).toEqual([{ type: 'stop' }]);
    expect(screen.tty.kind).toBe('normal');
    expect(screen.stdin.isRaw).toBe(false);
  });

  it('Ctrl-C twice leaves', async () => {
    const screen = await armed();
    await screen.press('\x03', '\x03');
    await screen.app.waitUntilExit();
    expect(screen.client.sent).toEqual([{ type: 'stop' }]);
  });

  it('does not ask when nothing would be lost', async () => {
    const client = new ScriptedClient();
    client.change({ status: { ...client.snapshot().status, phase: 'ended', exit: { code: 0, signal: null } } });
    const screen = await armed(client);
    await screen.press('q');
    await screen.app.waitUntilExit();
    await screen.tty.drained();
    expect(screen.tty.kind).toBe('normal');
  });

  it('leaves no listener and no timer behind', async () => {
    const screen = await armed();
    screen.app.unmount();
    expect(screen.client.listeners).toBe(0);
    expect(screen.tty.listenerCount('resize')).toBe(0);
    expect(screen.app.store.ticking).toBe(false);
  });
});
