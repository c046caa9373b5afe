import { describe, expect, test } from 'vitest';
import type { SourceEvent } from '../../engine/model/attempt.ts';
import { SALLYPORT } from './contract.ts';
import { DriverError } from './device.ts';
import { createDriverSource } from './driver-source.ts';
import type { DriverPolicy } from './requests.ts';
import { attempt, batch, completed, ScriptedDevice } from './scripted-device.ts';

const UNLOADING = 0xc0000056;
const NO_MEMORY = 0xc000009a;
function created(devices: (ScriptedDevice | Error)[], policy: DriverPolicy = {}) {
  const left = [...devices];
  return createDriverSource({
    policy,
    identify: () => ({ pid: 1, parents: [] }),
    outstanding: 2,
    retryMs: 1,
    againMs: 0,
    open: () => {
      const next = left.shift() ?? new Error('no more devices');
      if (next instanceof Error) throw next;
      return next;
    },
  });
}

async function started(devices: (ScriptedDevice | Error)[], policy: DriverPolicy = {}) {
  const events: SourceEvent[] = [];
  const source = created(devices, policy);
  await source.start(event => events.push(event));
  return { source, events };
}
const types = (events: readonly SourceEvent[]) => events.map(event => event.type);

describe('a driver source', () => {
  test('delivers in the order of its calls, whichever result is seen first', async () => {
    const device = new ScriptedDevice();
    const { source, events } = await started([device]);
    const [first, second] = [device.waiting[0]!, device.waiting[1]!];
    second.answer(batch(completed(5n, 2, 2)));
    await Promise.resolve();
    first.answer(batch(attempt(5n)));
    await expect.poll(() => types(events)).toEqual(['pended', 'withdrawn', 'warning']);
    await source.stop();
  });

  test('an answer that came too late, and whose end was lost, ends the request', async () => {
    const device = new ScriptedDevice();
    const { source, events } = await started([device]);
    device.waiting[0]!.answer(batch(attempt(1n), attempt(2n)));
    await expect.poll(() => events.length).toBe(2);
    device.over.add(1n);
    for (const id of [1, 2]) source.complete(id, 'permit');
    await expect.poll(() => events.slice(2)).toEqual([{ type: 'withdrawn', id: 1, reason: 'interrupted' }]);
    device.waiting[1]!.answer(batch(completed(1n, 2, 2), completed(2n, 1, 1)));
    await expect.poll(() => types(events).slice(3)).toEqual(['completed']);
    await source.stop();
  });

  test('sends the verdicts of one turn in one call', async () => {
    const device = new ScriptedDevice();
    const { source, events } = await started([device]);
    device.waiting[0]!.answer(batch(attempt(1n), attempt(2n), attempt(3n)));
    await expect.poll(() => events.length).toBe(3);
    expect([1, 2, 3].map(id => source.complete(id, 'permit'))).toEqual([true, true, true]);
    expect(source.complete(2, 'block')).toBe(false);
    await expect.poll(() => device.verdicts).toEqual([1n, 2n, 3n]);
    await source.stop();
    expect(device.closed).toBe(true);
    expect(source.complete(3, 'permit')).toBe(false);
  });

  test('a call for events that fails while the driver lives is made again, and what is held stays held', async () => {
    const device = new ScriptedDevice();
    const { source, events } = await started([device, new Error('attached again')]);
    device.waiting[1]!.answer(batch(attempt(3n)));
    for (let count = 0; count < 3; count++) {
      const calls = device.waiting.length;
      device.waiting.at(-1)!.fail(NO_MEMORY);
      await expect.poll(() => device.waiting.length).toBe(calls + 1);
    }
    device.waiting[0]!.answer(batch());
    await expect.poll(() => types(events)).toEqual(['warning', 'pended']);
    expect(events[0]).toMatchObject({ message: expect.stringMatching(/0xc000009a; what is held stays held/) });
    // What comes by a later call waits for the earlier ones.
    const [last, ...earlier] = [...device.waiting].reverse();
    for (const { answer } of earlier) answer(batch());
    last!.answer(batch(attempt(4n)));
    await expect.poll(() => types(events)).toEqual(['warning', 'pended', 'pended']);
    expect([source.attached, source.complete(1, 'permit')]).toEqual([true, true]);
    await source.stop();
  });

  test('one that goes on failing ends what was held, in one sentence', async () => {
    const device = new ScriptedDevice();
    const { source, events } = await started([device, new Error('enough')]);
    device.waiting[0]!.answer(batch(attempt(3n)));
    const control = device.control.bind(device);
    device.control = (call, code, input) =>
      code === SALLYPORT.IOCTL_NEXT_EVENTS ? Promise.reject(new DriverError(call, NO_MEMORY)) : control(call, code, input);
    device.waiting[1]!.fail(NO_MEMORY);
    await expect.poll(() => types(events)).toEqual(['warning', 'pended', 'withdrawn', 'warning', 'failed']);
    expect(device.closed).toBe(true);
    await source.stop();
  });

  test('answers that the driver does not take at once are given again', async () => {
    const device = new ScriptedDevice();
    device.refusing = { status: NO_MEMORY, times: 3 };
    const { source, events } = await started([device]);
    device.waiting[0]!.answer(batch(attempt(1n), attempt(2n)));
    await expect.poll(() => events.length).toBe(2);
    for (const id of [1, 2]) source.complete(id, 'permit');
    await expect.poll(() => device.verdicts).toEqual([1n, 2n]);
    expect(types(events).slice(2)).toEqual(['warning']);
    await source.stop();
  });

  test('answers that it never takes are told, and so is the end of their requests', async () => {
    const device = new ScriptedDevice();
    device.refusing = { status: NO_MEMORY, times: 1000 };
    const { source, events } = await started([device]);
    device.waiting[0]!.answer(batch(attempt(1n), attempt(2n), attempt(3n)));
    await expect.poll(() => events.length).toBe(3);
    for (const id of [1, 2]) source.complete(id, 'permit');
    await expect.poll(() => types(events).slice(3)).toEqual(['warning', 'warning', 'withdrawn', 'withdrawn']);
    expect(events[4]).toMatchObject({ message: expect.stringMatching(/did not take 2 answers and ends those requests/) });
    device.refusing.times = 0;
    expect(source.complete(3, 'permit')).toBe(true);
    await expect.poll(() => device.verdicts).toEqual([3n]);
    await source.stop();
  });

  test('an answer that was given before it stops reaches the driver', async () => {
    const device = new ScriptedDevice();
    const { source, events } = await started([device]);
    device.waiting[0]!.answer(batch(attempt(1n), attempt(2n)));
    await expect.poll(() => events.length).toBe(2);
    source.complete(1, 'permit');
    const stopping = source.stop();
    expect(source.complete(2, 'permit')).toBe(false);
    await stopping;
    expect([device.verdicts, device.closed]).toEqual([[1n], true]);
  });

  test('when the driver goes, what it held is over, and the next one is attached to', async () => {
    const [first, second] = [new ScriptedDevice(), new ScriptedDevice()];
    const absent = new DriverError('opening the driver', 2);
    const { source, events } = await started([first, absent, second]);
    first.waiting[0]!.answer(batch(attempt(9n)));
    await expect.poll(() => events.length).toBe(1);
    for (const { fail } of first.waiting.splice(0)) fail(UNLOADING);
    await expect.poll(() => types(events)).toEqual(['pended', 'withdrawn', 'warning', 'warning']);
    expect(events[2]).toMatchObject({
      message: 'the driver was stopped; nothing is held until it runs again: connections that no rule permits fail',
    });
    expect(events[3]).toMatchObject({ message: 'the driver runs again; connections are held' });
    expect(source.complete(1, 'permit')).toBe(false);
    expect(second.waiting.length).toBe(2);
    expect([first.policies.length, second.policies.length]).toEqual([1, 1]);
    await source.stop();
  });

  test('a driver of another version that comes back ends it with the reason', async () => {
    const first = new ScriptedDevice();
    const { source, events } = await started([first, new Error('driver 2.0.0 speaks version 2, this program 1')]);
    for (const { fail } of first.waiting.splice(0)) fail(UNLOADING);
    await expect.poll(() => types(events)).toEqual(['warning', 'failed']);
    await source.stop();
  });

  test('another decider that was faster ends it with one sentence', async () => {
    for (const code of [32, 0xc0000043]) {
      const first = new ScriptedDevice();
      const { source, events } = await started([first, new DriverError('opening the driver', code), new ScriptedDevice()]);
      for (const { fail } of first.waiting.splice(0)) fail(UNLOADING);
      await expect.poll(() => types(events)).toEqual(['warning', 'failed']);
      expect(events[1]).toMatchObject({ message: expect.stringContaining('another Sallyport has taken the driver') });
      expect(source.attached).toBe(false);
      await source.stop();
    }
  });

  test('what becomes of connections while the driver is away follows the fail policy', async () => {
    const device = new ScriptedDevice();
    const { source, events } = await started([device], { onDetach: 'permit' });
    for (const { fail } of device.waiting.splice(0)) fail(UNLOADING);
    await expect
      .poll(() => events[0])
      .toMatchObject({ message: expect.stringMatching(/: connections that no rule decides pass$/) });
    await source.stop();
  });

  test('stopping while it attaches leaves no device open', async () => {
    const gate = Promise.withResolvers<void>();
    const device = new ScriptedDevice();
    device.gate = gate.promise;
    const source = created([device]);
    const starting = source.start(() => {});
    const stopping = source.stop();
    gate.resolve();
    await Promise.all([starting, stopping]);
    expect([device.closed, source.attached, device.waiting.length]).toEqual([true, false, 0]);
    await source.start(() => {});
    expect(source.attached).toBe(false);
  });

  test('stopping while it attaches again leaves no device open', async () => {
    const gate = Promise.withResolvers<void>();
    const [first, second] = [new ScriptedDevice(), new ScriptedDevice()];
    second.gate = gate.promise;
    let attaching = false;
    const attach = second.attach.bind(second);
    second.attach = () => {
      attaching = true;
      return attach();
    };
    const { source, events } = await started([first, second]);
    expect(source.attached).toBe(true);
    for (const { fail } of first.waiting.splice(0)) fail(UNLOADING);
    await expect.poll(() => attaching).toBe(true);
    const stopping = source.stop();
    gate.resolve();
    await stopping;
    await expect.poll(() => second.closed).toBe(true);
    expect([source.attached, second.waiting.length]).toEqual([false, 0]);
    expect(types(events)).toEqual(['warning']);
  });

  test('its own handle is closed before it attaches again', async () => {
    const [first, second] = [new ScriptedDevice(), new ScriptedDevice()];
    const gate = Promise.withResolvers<void>();
    const close = first.close.bind(first);
    first.close = async () => {
      await gate.promise;
      await close();
    };
    const { source, events } = await started([first, second]);
    for (const { fail } of first.waiting.splice(0)) fail(UNLOADING);
    await expect.poll(() => types(events)).toEqual(['warning']);
    expect(source.attached).toBe(false);
    gate.resolve();
    await expect.poll(() => source.attached).toBe(true);
    expect(first.closed).toBe(true);
    await source.stop();
  });

  test('a broken batch ends it with one sentence', async () => {
    const device = new ScriptedDevice();
    const { events } = await started([device]);
    device.waiting[0]!.answer(new Uint8Array(5));
    await expect.poll(() => types(events)).toEqual(['failed']);
    expect(events[0]).toMatchObject({ message: expect.stringContaining('Install the driver that came with this program') });
    await expect.poll(() => device.closed).toBe(true);
  });

  test.runIf(process.platform !== 'win32')('off Windows it says where it would be', async () => {
    const source = createDriverSource({ identify: () => ({ pid: 0, parents: [] }) });
    await expect(source.start(() => {})).rejects.toThrow('exists on Windows only');
  });
});
