import { afterEach, describe, expect, it } from 'vitest';
import type { Dump } from '../../engine/dumps/dump.ts';
import { readDumpFile } from '../../engine/dumps/dump-reader.ts';
import { DUMPS, hasRealData, realFile } from '../dumps/real-data.ts';
import { type InspectScreen, openInspector } from '../support/inspect-screen.ts';

const ESC = '\x1b';
const read = new Map<string, Promise<Dump>>();
const dump = (name: string) => {
  let found = read.get(name);
  if (!found) {
    found = readDumpFile(realFile(name));
    read.set(name, found);
  }
  return found;
};

let open: InspectScreen | undefined;
const show = async (name: string, size: { columns?: number; rows?: number; env?: Record<string, string> } = {}) => {
  open = await openInspector(await dump(name), size);
  return open;
};
afterEach(() => {
  open?.close();
  open = undefined;
});

describe.runIf(hasRealData())('the views of a real dump', () => {
  it('shows layers, sublayers by weight, filters by weight, and how many of what', async () => {
    const screen = await show('keploy.wfpstate.xml', { columns: 120 });
    expect(screen.lines()[0]).toContain('keploy.wfpstate.xml  netsh wfp show state');
    expect(screen.lines()[1]).toMatch(
      /\[1 Filters 1,254\] 2 Events 34 +3 Providers 16 +4 Sublayers 45 +5 Callouts 89 +6 Sessions 15/,
    );
    expect(screen.lines()[3]).toMatch(/p provider 5 +a action 5 +l layer 30 +t flag 6 +1,254 filters in 30 layers/);
    const weights = screen.lines().flatMap(line => /sublayer .* weight 0x(\w+)/.exec(line)?.[1] ?? []);
    expect(weights).toEqual(['7', '4', '3']);
  });

  it('narrows by facets that come round, with counts, and by text as it is typed', async () => {
    const screen = await show('keploy.wfpstate.xml', { columns: 120 });
    await screen.press('j', 'j', 'j', 'a');
    expect(screen.lines()[3]).toMatch(/a action block 73 .* 73 of 1,254 filters/);
    expect(screen.screen()).not.toMatch(/^ {3,}permit /m);
    await screen.press('p');
    expect(screen.lines()[3]).toMatch(/p provider MPSSVC_WF 46 +a action block 46/);
    await screen.press('l');
    expect(screen.lines()[3]).toContain('l layer ALE_AUTH_CONNECT_V4 2');
    await screen.press(ESC);
    expect(screen.lines()[3]).toContain('1,254 filters in 30 layers');
    await screen.press('/', 'd', 'h', 'c', 'p');
    expect(screen.line('▌')).toMatch(/dhcp/i);
    expect(screen.lines()[3]).toMatch(/ \d\d? of 1,254 filters/);
    await screen.press(ESC);
    expect(screen.lines()[3]).toContain('1,254 filters in 30 layers');
  });

  it.each([
    ['a run-time id', '67096', '67096'],
    ['a program', 'omadmclient', 'omadmclient.exe'],
    ['a key', '254ba676-05ec-487f-8236-22224a96ab0e', '67096'],
    ['an address', '172.29.224.0', '172.29.224.0'],
  ])('finds by %s', async (_, typed, found) => {
    const screen = await show('keploy.wfpstate.xml', { columns: 120 });
    await screen.press('/', ...typed, '\r');
    expect(screen.line('▌')).toContain(found);
  });

  it('tells everything about a filter, each condition as a sentence', async () => {
    const screen = await show('keploy.wfpstate.xml', { columns: 120, rows: 40 });
    await screen.press('/', ...'67096', '\r', '\r');
    const text = screen.screen();
    for (const part of [
      'Filter 67096',
      '254ba676-05ec-487f-8236-22224a96ab0e',
      'MPSSVC_WF',
      'flags have all of IS_LOOPBACK',
      'remote port is 137',
    ])
      expect(text).toContain(part);
    await screen.press(ESC);
    expect(screen.line('▌')).toContain('67096');
  });

  it('folds a layer, and goes from layer to layer', async () => {
    const screen = await show('keploy.wfpstate.xml');
    await screen.press('\r');
    expect(screen.lines()[5]).toMatch(/▌ ▸ layer +ALE_AUTH_CONNECT_V4 +53/);
    expect(screen.lines()[6]).toContain('ALE_AUTH_CONNECT_V4_DISCARD');
    await screen.press('}', '}');
    expect(screen.line('▌')).toMatch(/ALE_AUTH_CONNECT_V6 /);
    await screen.press('{');
    expect(screen.line('▌')).toContain('ALE_AUTH_CONNECT_V4_DISCARD');
  });

  it('lists events, providers, sublayers by weight, callouts and sessions; goes from one to its filters', async () => {
    const screen = await show('keploy.wfpstate.xml', { columns: 120 });
    await screen.press('2');
    expect(screen.screen()).toMatch(/connected +✓ permit +explorer\.exe → 52\.109\.56\.130:443 tcp/);
    await screen.press('4');
    const weights = screen.lines().flatMap(line => /^.? 0x(\w{4}) /.exec(line)?.[1] ?? []);
    expect(weights.length).toBeGreaterThan(10);
    expect(weights).toEqual(weights.toSorted().reverse());
    await screen.press('5');
    expect(screen.line('▌')).toContain('Edge Traversal ALE Resource Assignment v4');
    await screen.press('6');
    expect(screen.screen()).toContain('Windows Defender Firewall Dynamic Session');
    await screen.press('3', 'j');
    expect(screen.line('▌')).toMatch(/MPSSVC_WSH +service mpssvc +156 filters/);
    await screen.press('f');
    expect(screen.lines()[3]).toContain('156 of 1,254 filters');
  });

  it('traces traffic along its path, and shows the verdict change while a part is changed', async () => {
    const screen = await show('keploy.wfpstate.xml', { columns: 120, rows: 40 });
    await screen.press('x', ...'searchfilterhost.exe -> 1.1.1.1:443/tcp', '\r');
    expect(screen.screen()).toContain('searchfilterhost.… → connect() → [ALE connect] → transport → network → interface');
    expect(screen.line('why  searchf')).toContain('BLOCK');
    expect(screen.screen()).toMatch(/✕ 117001 +block +searchfilterhost\.exe → any +decided/);
    expect(screen.screen()).toContain('■ stopped here');
    // One part changed: every key is followed, Esc takes it back, Enter keeps it.
    await screen.press('x', '\x15', ...'brave.exe');
    expect(screen.line('why  brave')).not.toContain('BLOCK');
    expect(screen.screen()).toContain('program changed: was BLOCK at the latest by filter 117001');
    await screen.press(ESC);
    expect(screen.line('why  searchf')).toContain('BLOCK');
    await screen.press('\t', '\t', 'x', '\x15', ...'70000', '\r');
    expect(screen.screen()).toContain('"70000" is no port');
    await screen.press('\x15', ...'80', '\r');
    expect(screen.line('why  searchf')).toContain('1.1.1.1:80');
    await screen.press('r', 'f');
    expect(screen.line('▌')).toMatch(/block +searchfilterhost\.exe.*117001$/);
  });

  it('looks at each layer of the path, and lists filters that do not match when asked', async () => {
    const screen = await show('keploy.wfpstate.xml', { columns: 120, rows: 40 });
    await screen.press('x', ...'brave.exe -> 1.1.1.1:443/tcp', '\r');
    expect(screen.screen()).toMatch(/· \d+ do not match.*v shows them/);
    await screen.press('v');
    expect(screen.screen()).not.toContain('v shows them');
    await screen.press('\x1b[C');
    expect(screen.screen()).toContain('ALE connect → [transport] → network');
    expect(screen.screen()).toContain('OUTBOUND_TRANSPORT_V4   →');
    await screen.press('\x1b[D', '\x1b[D');
    expect(screen.screen()).toContain('[ALE connect]');
  });

  it('asks about traffic that a filter is for, and it decides', async () => {
    const screen = await show('keploy.wfpstate.xml', { columns: 120, rows: 40 });
    await screen.press('/', ...'117001', '\r', 'w');
    expect(screen.screen()).toContain('traffic that filter 117001 is for');
    expect(screen.screen()).toContain('BLOCK at the latest by filter 117001');
  });

  it('goes from an event to why, to its filter, and from a filter to its events', async () => {
    const events = await readDumpFile(realFile('ms-docs-netevents.xml'));
    const base = await dump('keploy.wfpstate.xml');
    const filter = base.filters.find(each => each.filterId === 116939n)!;
    // Ids of one start of Windows and events of another: one event is given the id of a filter that is there.
    const named = events.netEvents.map((event, i) => (i === 1 ? { ...event, filterId: filter.filterId } : event));
    open = await openInspector({ ...base, netEvents: named }, { columns: 120 });
    const screen = open;
    await screen.press('2', 'j');
    expect(screen.line('▌')).toMatch(/✕ block +uwpsocketclient\.exe → \[2620:1ec:c11::200\]:443 .*filter 116939/);
    await screen.press('w');
    expect(screen.screen()).toContain('recorded: block by filter 116939');
    await screen.press(ESC, 'f');
    expect(screen.line('▌')).toMatch(/block +omadmclient\.exe.*116939$/);
    await screen.press('e');
    expect(screen.lines()[1]).toContain('by filter 116939');
    expect(screen.lines().filter(line => line.includes('uwpsocketclient.exe'))).toHaveLength(1);
    await screen.press(ESC);
    expect(screen.screen()).toContain('explorer.exe');
    await screen.press('g', 'f');
    expect(screen.screen()).toContain('is not in this dump');
  });

  it.each(DUMPS)('$name fits at 60×20, 80×24 and 160×48, and shows the same in ASCII without colour', async ({ name }) => {
    for (const [columns, rows] of [
      [60, 20],
      [80, 24],
      [160, 48],
    ] as const) {
      const screen = await show(name, { columns, rows, env: { TERM: 'vt100', NO_COLOR: '1', LANG: 'C' } });
      for (const keys of [['j', 'j', 'w'], [ESC, '\r'], [ESC, '2'], ['3'], ['4'], ['5'], ['6'], ['?']]) {
        await screen.press(...keys);
        const lines = screen.lines();
        expect(lines[0]).toContain('sallyport');
        expect(lines[rows - 2]).toContain('? help');
        expect(lines.join('')).toMatch(/^[ -~]*$/);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
      }
      screen.close();
    }
    expect(open!.tty.raw.join('')).not.toMatch(/\x1b\[3\dm/);
  });

  it('leaves with q and Ctrl-C, and one level at a time with Esc', async () => {
    const screen = await show('LibGrabber.wfpfilters.xml');
    await screen.press('?');
    expect(screen.screen()).toContain('Keys of this view: filters');
    await screen.press(ESC);
    expect(screen.screen()).not.toContain('Keys of this view');
    await screen.press('q');
    await screen.inspector.waitUntilExit();
    expect(screen.tty.kind).toBe('normal');
  });
});
