import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Request } from '../../machines/guard-client.ts';
import { openScreen, type TestScreen } from '../support/screen.ts';
import { anAttempt, aRequest, NOON, ScriptedClient } from '../support/scripted-client.ts';
import { aFilter, LAYER, SUBLAYER } from '../support/scripted-objects.ts';

let open: TestScreen[] = [];
const show = async (options: Parameters<typeof openScreen>[0] = {}) => {
  const screen = await openScreen(options);
  open.push(screen);
  return screen;
};
afterEach(() => {
  for (const screen of open) screen.close();
  open = [];
});

const flood = (count: number): readonly Request[] =>
  Array.from({ length: count }, (_, i) =>
    aRequest(i + 1, { program: `/usr/bin/prog${i % 5}`, name: `host${i}.example.org`, deadline: NOON + 30_000 }),
  );

const someFilters = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    aFilter(BigInt(i + 1), i % 2 ? 'permit' : 'block', `/usr/bin/prog${i % 50}`, `203.0.${(i >> 8) & 255}.${i & 255}`, 443),
  );

describe('drawing only what changed', () => {
  it('shows the same as a full redraw after any keys, changes and resizes', async () => {
    const step = fc.oneof(
      fc.record({
        key: fc.constantFrom(
          'j',
          'k',
          'g',
          'G',
          '1',
          '2',
          '3',
          '4',
          '5',
          '\t',
          '\x1b[A',
          '\x1b[B',
          ' ',
          't',
          'h',
          '?',
          ':',
          'x',
          '/',
          'w',
          '\r',
          '\x1b',
          'A',
          'n',
        ),
      }),
      fc.record({ size: fc.tuple(fc.integer({ min: 20, max: 130 }), fc.integer({ min: 4, max: 50 })) }),
      fc.record({ requests: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ activity: fc.integer({ min: 0, max: 30 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 18 }), async steps => {
        const filters = someFilters(30);
        const client = new ScriptedClient({ requests: flood(12), filters, layers: [LAYER], subLayers: [SUBLAYER] });
        client.trace = {
          action: 'permit',
          pend: true,
          veto: false,
          possible: ['permit'],
          candidates: [],
          layerKey: LAYER.layerKey,
          subLayers: [],
          needs: [],
        };
        const screen = await openScreen({ client });
        try {
          for (const one of steps) {
            if ('key' in one) await screen.press(one.key);
            else if ('size' in one) screen.tty.resize(...one.size);
            else if ('requests' in one) client.change({ requests: flood(one.requests) });
            else
              client.change({
                activity: Array.from({ length: one.activity }, (_, i) => ({
                  seq: i + 1,
                  at: NOON,
                  attempt: anAttempt(i, { name: 'a.example' }),
                  verdict: 'permit' as const,
                  by: { kind: 'person' as const },
                  waited: 1,
                })),
              });
            await screen.settle();
          }
          // The filters' table is loaded when it is first looked at.
          await import('../../tui/views/filters-table.tsx');
          await screen.settle();
          const drawn = screen.screen();
          screen.app.store.terminal.redraw();
          await screen.settle();
          expect(drawn).toBe(screen.screen());
          expect(drawn.split('\n').length).toBe(screen.tty.rows);
        } finally {
          screen.close();
        }
      }),
      { numRuns: 20 },
    );
  });

  it('survives a storm of resizes, down to one cell, and is whole afterwards', async () => {
    const screen = await show({ client: new ScriptedClient({ requests: flood(20) }) });
    const before = screen.screen();
    for (let i = 0; i < 60; i++) {
      screen.tty.resize(1 + ((i * 37) % 150), 1 + ((i * 17) % 50));
      if (i % 7 === 0) await screen.settle();
    }
    screen.tty.resize(80, 24);
    await screen.settle();
    expect(screen.screen()).toBe(before);
  });

  it('writes at most 400 bytes for one changed cell', async () => {
    const screen = await show({ columns: 120, rows: 40, client: new ScriptedClient({ requests: flood(1), activity: [] }) });
    const entry = {
      seq: 1,
      at: NOON,
      attempt: anAttempt(1, { name: 'a.example' }),
      verdict: 'permit' as const,
      by: { kind: 'person' as const },
      waited: 1,
    };
    screen.client.change({ activity: [entry] });
    await screen.press('2');
    const before = screen.tty.bytes;
    screen.client.change({ activity: [{ ...entry, result: 'ok' }] });
    await screen.settle();
    expect(screen.screen()).toContain('ok');
    expect(screen.tty.bytes - before).toBeGreaterThan(0);
    expect(screen.tty.bytes - before).toBeLessThanOrEqual(400);
  });

  it('writes at most 400 bytes for a second of the countdown', async () => {
    const screen = await show({ client: new ScriptedClient({ requests: flood(2) }) });
    const before = screen.tty.bytes;
    screen.clock.advance(1000);
    screen.app.store.changed();
    await screen.settle();
    expect(screen.lines()[0]).toContain('0:29');
    expect(screen.tty.bytes - before).toBeLessThanOrEqual(400);
  });

  it('writes nothing when a change is not in sight', async () => {
    const screen = await show({ client: new ScriptedClient({ requests: flood(2) }) });
    const before = screen.tty.bytes;
    screen.client.change({ output: [{ stream: 'stdout', text: 'hello' }] });
    await screen.settle();
    expect(screen.tty.bytes).toBe(before);
  });
});

/** Medians are compared with generous bounds: these tests guard against work that grows with the data, not against a busy machine. */
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;

describe('under load', () => {
  it('shows 500 requests at once, and one rule answers those it covers', async () => {
    const client = new ScriptedClient();
    const screen = await show({ client });
    const started = performance.now();
    client.change({ requests: flood(500) });
    await screen.settle();
    const frame = performance.now() - started;
    expect(screen.screen()).toContain('500 waiting');
    expect(screen.line('▾ prog0')).toContain('100 requests');
    expect(frame).toBeLessThan(250);
    screen.clock.advance(500);
    await screen.press('A');
    expect(screen.screen()).toContain('settles 100 waiting requests');
    await screen.press('y');
    expect(screen.client.snapshot().requests).toHaveLength(400);
    expect(screen.screen()).toContain('400 waiting');
  });

  it('goes from a key to the screen without delay while requests keep coming', async () => {
    const client = new ScriptedClient({ requests: flood(30) });
    const screen = await show({ client, columns: 120, rows: 40 });
    const times: number[] = [];
    for (let i = 0; i < 40; i++) {
      client.change({ requests: flood(31 + i) });
      await screen.settle();
      const before = screen.tty.raw.length;
      const started = performance.now();
      screen.stdin.write(i % 2 ? 'k' : 'j');
      while (screen.tty.raw.length === before) await new Promise(resolve => setImmediate(resolve));
      times.push(performance.now() - started);
      await screen.settle();
    }
    // A development build of React and a shared machine: the built bundle is measured by the bench.
    expect(median(times)).toBeLessThan(60);
  });

  it('builds only visible rows of 10,000 filters', async () => {
    const client = new ScriptedClient({ filters: someFilters(10_000), layers: [LAYER], subLayers: [SUBLAYER] });
    const screen = await show({ client });
    await screen.press('4');
    await import('../../tui/views/filters-table.tsx');
    await screen.settle();
    expect(screen.screen()).toContain('ALE_AUTH_CONNECT_V4');
    const times: number[] = [];
    for (let i = 0; i < 20; i++) {
      const started = performance.now();
      await screen.press('\x1b[6~');
      times.push(performance.now() - started);
    }
    expect(median(times)).toBeLessThan(150);
    await screen.press('G');
    expect(screen.line('▌')).toMatch(/block +prog0|block|permit/);
  });
});
