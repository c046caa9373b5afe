import { describe, expect, test } from 'vitest';
import { createActor, fromPromise, SimulatedClock } from 'xstate';
import type { CommandResult, Request } from './guard-client.ts';
import type { PromptCommand, PromptEvent } from './prompt-context.ts';
import { ARM_MS, CONFIRM_MS, promptMachine, SEND_MS } from './prompt-machine.ts';
import { lifetimeOf, partViews, scopeOf } from './sentence.ts';

interface Shape {
  readonly path?: string;
  readonly address?: string;
  readonly port?: number;
  readonly names?: readonly string[];
  readonly pid?: number;
}

const request = (
  id: number,
  { path = '/usr/bin/curl', address = '203.0.113.9', port = 443, names = [], pid = 42 }: Shape = {},
): Request => ({
  id,
  attempts: [id],
  state: 'asking',
  since: 1000 + id,
  attempt: {
    id,
    layer: 'ALE_AUTH_CONNECT',
    family: 'v4',
    protocol: 6,
    remote: { address, port },
    identity: { pid, path, uid: 1000, gids: [1000], user: 'alice', parents: [] },
    names: names.map(name => ({ name, kind: 'dns', at: 900 })),
    at: 1000 + id,
  },
});

const ok: CommandResult = { ok: true, settled: 1, ruleId: 'r' };

function run(
  requests: readonly Request[],
  answer: (command: PromptCommand) => Promise<CommandResult> = () => Promise.resolve(ok),
) {
  const clock = new SimulatedClock();
  const sent: PromptCommand[] = [];
  const send = fromPromise<CommandResult, PromptCommand>(({ input }) => {
    sent.push(input);
    return answer(input);
  });
  const actor = createActor(promptMachine.provide({ actors: { send } }), { clock });
  actor.start();
  const show = (all: readonly Request[]) => actor.send({ type: 'requests.changed', requests: all });
  show(requests);
  const context = () => actor.getSnapshot().context;
  return {
    actor,
    clock,
    sent,
    show,
    context,
    press: (
      ...types: readonly Exclude<
        PromptEvent,
        { id: number } | { verdict: unknown } | { part: unknown } | { requests: unknown }
      >['type'][]
    ) => types.forEach(type => void actor.send({ type })),
    arm: () => clock.increment(ARM_MS),
    mode: () => actor.getSnapshot().value.answer,
    parts: () => Object.fromEntries(partViews(context().sentence!).map(({ key, label }) => [key, label])),
  };
}

const telemetry = request(1, { names: ['telemetry.example'] });

describe('the sentence', () => {
  test('begins with this program, this name, this port, for ever', () => {
    const { parts, context } = run([telemetry]);
    expect(parts()).toEqual({
      program: 'curl',
      user: 'any user',
      remote: 'telemetry.example',
      port: '443',
      protocol: 'tcp',
      lifetime: 'for ever',
    });
    expect(scopeOf(context().sentence!)).toEqual({
      app: '/usr/bin/curl',
      remote: { kind: 'name', name: 'telemetry.example', subdomains: false },
      port: { from: 443, to: 443 },
      protocol: 6,
      direction: 'out',
    });
  });

  test('an address that nobody looked up stands for itself', () => {
    expect(run([request(1)]).parts().remote).toBe('203.0.113.9');
  });

  test('the remote side widens from address over name and domain to any', () => {
    const { press, parts } = run([request(1, { names: ['a.b.example'] })]);
    press('step.narrower', 'step.narrower');
    const seen = [parts().remote];
    for (let i = 0; i < 5; i++) {
      press('step.wider');
      seen.push(parts().remote);
    }
    expect(seen).toEqual(['203.0.113.9', 'a.b.example', '*.b.example', '*.example', 'any address', 'any address']);
  });

  test('an address with two names is not answered by one of them', () => {
    const { parts, press } = run([request(1, { names: ['a.example', 'b.example'] })]);
    expect(parts().remote).toBe('*.example');
    press('step.narrower');
    expect(parts().remote).toBe('203.0.113.9');
  });

  test('each part is reached by part.next and moved on its own', () => {
    const { press, parts, actor } = run([telemetry]);
    press('part.next', 'step.wider');
    expect(parts()).toMatchObject({ port: 'any port', remote: 'telemetry.example' });
    actor.send({ type: 'part.to', part: 'user' });
    press('step.narrower');
    expect(parts().user).toBe('alice');
    actor.send({ type: 'part.to', part: 'program' });
    press('step.wider', 'step.wider');
    expect(parts().program).toBe('any program');
  });

  test('the lifetime turns through all its steps', () => {
    const { press, context } = run([telemetry]);
    const seen = Array.from({ length: 7 }, () => {
      press('lifetime.next');
      return lifetimeOf(context().sentence!).kind;
    });
    expect(seen).toEqual(['once', 'for', 'for', 'for', 'process', 'restart', 'permanent']);
  });

  test('marked requests share one sentence with what they have in common', () => {
    const other = request(2, { names: ['cdn.example'], address: '203.0.113.10', pid: 43 });
    const { press, parts, context } = run([telemetry, other]);
    press('mark.toggle', 'select.next', 'mark.toggle');
    expect(context().sentence?.requests).toEqual([1, 2]);
    expect(parts()).toMatchObject({ program: 'curl', remote: '*.example', port: '443' });
    press('mark.clear');
    expect(context().sentence?.requests).toEqual([2]);
  });
});

describe('a verdict', () => {
  test('is not accepted in the first 400 ms of a selection', async () => {
    const { actor, clock, mode, sent, press } = run([telemetry, request(2)]);
    clock.increment(ARM_MS - 1);
    actor.send({ type: 'answer', verdict: 'permit' });
    actor.send({ type: 'answer.program', verdict: 'permit' });
    expect([mode(), sent]).toEqual(['choosing', []]);
    press('select.next');
    clock.increment(ARM_MS - 1);
    actor.send({ type: 'answer', verdict: 'permit' });
    expect(sent).toEqual([]);
    clock.increment(1);
    actor.send({ type: 'answer', verdict: 'permit' });
    expect(sent).toHaveLength(1);
  });

  test('says the sentence as it stands', () => {
    const { actor, arm, press, sent } = run([telemetry]);
    press('step.wider', 'lifetime.next');
    arm();
    actor.send({ type: 'answer', verdict: 'block' });
    expect(sent).toEqual([
      {
        type: 'answer',
        requests: [1],
        verdict: 'block',
        scope: {
          app: '/usr/bin/curl',
          remote: { kind: 'name', name: 'example', subdomains: true },
          port: { from: 443, to: 443 },
          protocol: 6,
          direction: 'out',
        },
        lifetime: { kind: 'once' },
      },
    ]);
  });

  test('a new name under the same selection is read first', () => {
    const { actor, arm, show, sent } = run([request(1)]);
    arm();
    show([telemetry]);
    actor.send({ type: 'answer', verdict: 'permit' });
    expect(sent).toEqual([]);
    arm();
    actor.send({ type: 'answer', verdict: 'permit' });
    expect(sent).toMatchObject([{ scope: { remote: { kind: 'name' } } }]);
  });

  test('for the whole program it is shown once more first', async () => {
    const { actor, arm, press, mode, parts, sent } = run([telemetry]);
    arm();
    actor.send({ type: 'answer.program', verdict: 'permit' });
    expect([mode(), sent]).toEqual(['confirming', []]);
    expect(parts()).toMatchObject({ program: 'curl', remote: 'any address', port: 'any port', lifetime: 'for ever' });
    press('confirm');
    expect(sent).toMatchObject([
      { verdict: 'permit', scope: { app: '/usr/bin/curl', remote: { kind: 'any' } }, lifetime: { kind: 'permanent' } },
    ]);
    await expect.poll(mode).toBe('choosing');
  });

  test('a confirmation that is cancelled or forgotten answers nothing and brings the sentence back', () => {
    const { actor, arm, clock, press, mode, parts, sent } = run([telemetry]);
    arm();
    actor.send({ type: 'answer.program', verdict: 'permit' });
    press('cancel');
    expect([mode(), parts().remote]).toEqual(['choosing', 'telemetry.example']);
    actor.send({ type: 'answer.program', verdict: 'block' });
    clock.increment(CONFIRM_MS);
    expect([mode(), parts().remote, sent]).toEqual(['choosing', 'telemetry.example', []]);
  });

  test('what came of it is told', async () => {
    const { actor, arm, context, mode } = run([telemetry], () => Promise.resolve({ ok: true, settled: 3, ruleId: 'r' }));
    arm();
    actor.send({ type: 'answer', verdict: 'block' });
    await expect.poll(mode).toBe('choosing');
    expect(context().message).toEqual({ level: 'info', text: 'Blocked: 3 waiting requests settled, rule saved.' });
  });

  test.each<[string, () => Promise<CommandResult>, string]>([
    ['a refusal', () => Promise.resolve({ ok: false, message: 'It is gone.' }), 'It is gone.'],
    ['a failure', () => Promise.reject(new Error('socket closed')), 'socket closed'],
  ])('%s is told, and the question stays', async (_, answer, text) => {
    const { actor, arm, context, mode } = run([telemetry], answer);
    arm();
    actor.send({ type: 'answer', verdict: 'block' });
    await expect.poll(mode).toBe('choosing');
    expect(context().message).toEqual({ level: 'error', text });
    expect(context().selected).toBe(1);
  });

  test('a guard that does not answer is given up', () => {
    const { actor, arm, clock, context, mode } = run([telemetry], () => new Promise(() => {}));
    arm();
    actor.send({ type: 'answer', verdict: 'block' });
    clock.increment(SEND_MS);
    expect([mode(), context().message?.level]).toEqual(['choosing', 'error']);
  });

  test('undo works with nothing waiting', async () => {
    const { press, sent, mode } = run([]);
    press('undo');
    expect(sent).toEqual([{ type: 'undo' }]);
    await expect.poll(mode).toBe('empty');
  });
});

describe('the selection', () => {
  test('is kept by id while others come and go', () => {
    const { show, context, press, arm } = run([request(1), request(2)]);
    press('select.next');
    arm();
    show([request(2), request(3, { path: '/bin/a' }), request(4)]);
    expect([context().selected, context().armed]).toEqual([2, true]);
  });

  test('goes to the next one when its request is gone, and that is not armed', () => {
    const { show, context, arm } = run([request(1), request(2), request(3)]);
    arm();
    show([request(2), request(3)]);
    expect([context().selected, context().armed]).toEqual([2, false]);
    show([]);
    expect(context().selected).toBeUndefined();
  });

  test('moves as the inbox is folded, by program', () => {
    const { context, press } = run([request(1), request(2, { path: '/usr/bin/node' }), request(3)]);
    const seen = [context().selected];
    for (let i = 0; i < 3; i++) {
      press('select.next');
      seen.push(context().selected);
    }
    expect(seen).toEqual([1, 3, 2, 2]);
    press('select.first');
    expect(context().selected).toBe(1);
    press('select.last');
    expect(context().selected).toBe(2);
  });

  test('a sentence that is being edited is left alone by new requests and by names learned', () => {
    const { show, context, press, parts, mode, arm } = run([request(1)]);
    press('part.next', 'step.wider');
    arm();
    show([telemetry, request(2), request(3, { path: '/bin/a' })]);
    expect([mode(), context().selected, context().armed]).toEqual(['editing', 1, true]);
    expect(parts()).toMatchObject({ remote: '203.0.113.9', port: 'any port' });
  });

  test('when what is being edited is gone, that is said, and the next question is read first', () => {
    const { show, context, press, mode, arm } = run([request(1), request(2)]);
    press('step.wider');
    arm();
    show([request(2)]);
    expect([mode(), context().selected, context().armed]).toEqual(['choosing', 2, false]);
    expect(context().message?.text).toContain('is gone');
  });

  test('requests that are being decided cannot be answered again', () => {
    const { context } = run([{ ...request(1), state: 'recording' }, request(2)]);
    expect(context().selected).toBe(2);
  });

  test('all of it is plain data', () => {
    const { context, press } = run([telemetry, request(2)]);
    press('mark.program', 'step.wider');
    expect(structuredClone(context())).toEqual(context());
  });
});
