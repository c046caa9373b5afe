import { describe, expect, it } from 'vitest';
import { EmbeddedEngine } from '../../engine/embedded/engine.ts';
import { liveDump } from '../../engine/explain/live.ts';
import { median } from '../bench/measure.ts';
import { openInspector } from '../support/inspect-screen.ts';
import { manyFilters } from '../support/many-filters.ts';

/** Milliseconds from a key to its frame on the screen, key by key. */
async function scroll(count: number, keys: readonly string[]): Promise<readonly number[]> {
  const screen = await openInspector(manyFilters(count), { columns: 120, rows: 40 });
  const times: number[] = [];
  for (const key of keys) {
    const started = performance.now();
    await screen.press(key);
    times.push(performance.now() - started);
  }
  screen.close();
  return times;
}

describe('scrolling', () => {
  it('costs the same in 10,000 filters as in 100', async () => {
    const keys = [...'jjjjjjjjkkkkjjjj', ...Array.from({ length: 12 }, (_, i) => (i % 3 === 2 ? '\x1b[5~' : '\x1b[6~'))];
    await scroll(100, keys);
    const few = median(await scroll(100, keys));
    const many = median(await scroll(10_000, keys));
    // A hundred times the rows; anything that is done per row shows.
    expect(many).toBeLessThan(3 * few + 2);
  });

  it('makes words only of the filters that were seen', async () => {
    const dump = manyFilters(10_000);
    let read = 0;
    const watched = dump.filters.map(filter => ({
      ...filter,
      get filterCondition() {
        read++;
        return filter.filterCondition;
      },
    }));
    const screen = await openInspector({ ...dump, filters: watched }, { columns: 100, rows: 30 });
    await screen.press('\x1b[6~', 'G');
    expect(screen.line('▌')).toContain('permit');
    expect(read).toBeGreaterThan(20);
    expect(read).toBeLessThan(400);
    screen.close();
  });
});

describe('the live engine', () => {
  it('is shown like a dump', async () => {
    const engine = EmbeddedEngine.open({});
    const session = engine.openSession({ displayData: { name: 'views' } });
    const screen = await openInspector(await liveDump(session), { columns: 120 });
    expect(screen.lines()[0]).toContain("live  this machine's engine");
    await screen.press('4');
    expect(screen.screen()).toMatch(/0x[0-9a-f]{4} /);
    await screen.press('1', 'x', ...'curl -> 192.0.2.1:443/tcp', '\r');
    expect(screen.line('why  curl')).toContain('PERMIT');
    screen.close();
    await session.close();
    engine.close();
  });
});
