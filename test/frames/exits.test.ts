import { describe, expect, it } from 'vitest';
import type { GuardClient } from '../../machines/guard-client.ts';
import { openScreen } from '../support/screen.ts';
import { aRequest, ScriptedClient } from '../support/scripted-client.ts';

/** A guard whose preview breaks: the only way that drawing can fail from outside. */
class BrokenClient extends ScriptedClient {
  override preview(): ReturnType<GuardClient['preview']> {
    throw new Error('preview broke');
  }
}

describe('leaving the screen', () => {
  it('after an error in drawing the terminal is as it was, and the error is told to the caller', async () => {
    const client = new BrokenClient();
    const screen = await openScreen({ client });
    const exit = screen.app.waitUntilExit();
    const told = expect(exit).rejects.toThrow('preview broke');
    client.change({ requests: [aRequest(1)] });
    await told;
    await screen.tty.drained();
    expect(screen.tty.kind).toBe('normal');
    expect(screen.stdin.isRaw).toBe(false);
    expect(screen.tty.raw.join('')).toContain('\x1b[?25h');
    expect(client.listeners).toBe(0);
  });

  it('says when something can not be explained, and goes on', async () => {
    const screen = await openScreen({ client: new ScriptedClient({ requests: [aRequest(1)] }) });
    await screen.press('w');
    expect(screen.screen()).toContain('This can not be explained: no trace was scripted');
    await screen.press('\x1b');
    expect(screen.screen()).toContain('Answer');
    screen.close();
  });

  it('turns bracketed paste on while it runs and off when it leaves', async () => {
    const screen = await openScreen();
    expect(screen.tty.raw.join('')).toContain('\x1b[?2004h');
    screen.close();
    await screen.tty.drained();
    expect(screen.tty.raw.join('').lastIndexOf('\x1b[?2004l')).toBeGreaterThan(
      screen.tty.raw.join('').lastIndexOf('\x1b[?2004h'),
    );
    expect(screen.tty.kind).toBe('normal');
  });

  it('answers a guard that fails with a sentence and stays', async () => {
    const client = new ScriptedClient({ requests: [aRequest(1)], canUndo: true });
    client.send = () => Promise.reject(new Error('the socket is closed'));
    const screen = await openScreen({ client });
    await screen.press('u');
    expect(screen.screen()).toContain('the socket is closed');
    screen.close();
  });
});
