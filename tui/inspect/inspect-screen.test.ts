import { afterEach, describe, expect, test } from 'vitest';
import { appXml, providerXml, stateXml } from '../../engine/dumps/dump-fixture.ts';
import { readDump } from '../../engine/dumps/dump-reader.ts';
import { Machine } from '../../engine/explain/machine.ts';
import { bytesOf } from '../../test/support/screen.ts';
import { FakeStdin, FakeTty, until } from '../../test/support/terminal.ts';
import { inspectScreen } from './inspect-screen.tsx';

const WF = 'FWPM_SUBLAYER_MPSSVC_WF';
const xml = stateXml(
  [
    {
      id: 10,
      name: 'no chrome',
      action: 'BLOCK',
      subLayer: WF,
      weight: 9n,
      provider: 'FWPM_PROVIDER_MPSSVC_WF',
      conditions: [
        ['ALE_APP_ID', 'EQUAL', 'FWP_BYTE_BLOB_TYPE', appXml('\\device\\harddiskvolume3\\chrome.exe')],
        ['IP_REMOTE_PORT', 'EQUAL', 'FWP_UINT16', '443'],
      ],
    },
    { id: 11, name: 'Default Outbound', subLayer: WF, weight: 1n },
    { id: 12, name: 'listen', layer: 'ALE_FLOW_ESTABLISHED_V4', subLayer: WF },
  ],
  {
    subLayers: [[WF, 2]],
    providers: [providerXml('FWPM_PROVIDER_MPSSVC_WF', 'Microsoft Corporation')],
    callouts: [['{22222222-2222-4222-8222-222222222222}', false]],
  },
);

const open: FakeStdin[] = [];
afterEach(() => {
  for (const stdin of open.splice(0)) stdin.write('\x03');
});

async function screen(columns = 100, rows = 30, text = xml) {
  const tty = new FakeTty(columns, rows);
  const stdin = new FakeStdin();
  open.push(stdin);
  const machine = new Machine(await readDump('dump.xml', [Buffer.from(text)]));
  const left = inspectScreen(machine, {
    stdout: tty as unknown as NodeJS.WriteStream,
    stdin: stdin as unknown as NodeJS.ReadStream,
    env: { TERM: 'xterm-256color', LANG: 'C.UTF-8' },
  });
  const see = (text: string | RegExp) =>
    until(
      () => (typeof text === 'string' ? tty.screen().includes(text) : text.test(tty.screen())),
      () => `${text} on the screen:\n${tty.screen()}`,
    );
  const press = (...keys: string[]) => {
    for (const key of keys) stdin.write(bytesOf(key));
  };
  await see('1 filters 3');
  return { tty, press, see, left };
}

describe('the screen of inspect', () => {
  test('layers, sublayers by weight, filters by weight; Enter opens everything', async () => {
    const { tty, press, see } = await screen();
    const text = tty.screen();
    expect(text.indexOf('ALE_AUTH_CONNECT_V4')).toBeLessThan(text.indexOf('MPSSVC_WF  weight 2'));
    expect(text.indexOf('no chrome')).toBeLessThan(text.indexOf('Default Outbound'));
    press('down', 'down', 'enter');
    await see('{00000000-0000-4000-8000-00000000000a}');
    expect(tty.screen()).toContain('remote port is 443');
  });
  test('search as you type, facets, and back', async () => {
    const { tty, press, see } = await screen();
    press('/');
    press('c', 'h', 'r', 'o');
    await see('/ chro');
    expect(tty.screen()).toContain('no chrome');
    expect(tty.screen()).not.toContain('Default Outbound');
    press('escape');
    await see('Default Outbound');
    press('a');
    await see('action permit');
    press('a');
    await see('action block');
  });
  test('why, and what if', async () => {
    const { press, see } = await screen();
    press('f');
    await see('flow');
    for (const key of 'chrome.exe -> 192.0.2.7:443/tcp') press(key === ' ' ? 'space' : key);
    press('enter');
    await see('BLOCK by 10 no chrome at ALE_AUTH_CONNECT_V4');
    await see(/bind permit .*connect.? block/);
    press('down', 'down', 'enter', 'ctrl-u');
    for (const key of '192.0.2.7:80') press(key);
    press('enter');
    await see('PERMIT by 11 Default Outbound');
    press('m');
    await see('remote port is 443');
  });
  test('w asks about the traffic of the filter under the cursor', async () => {
    const { press, see } = await screen();
    press('down', 'down', 'w');
    await see('BLOCK by 10 no chrome');
  });
  test('the other lists', async () => {
    const { press, see } = await screen();
    press('2');
    await see('Microsoft Corporation');
    press('3');
    await see('NOT registered');
    press('5');
    await see('the file tells none');
  });
  test('from a filter to its events and back', async () => {
    const event = (id: number) =>
      `<item><header><remoteAddrV4>192.0.2.9</remoteAddrV4></header><type>FWPM_NET_EVENT_TYPE_CLASSIFY_DROP</type><classifyDrop><filterId>${id}</filterId><layerId>48</layerId></classifyDrop></item>`;
    const { tty, press, see } = await screen(
      100,
      30,
      xml.replace('<sessions/>', `<sessions/><netEvents numItems="2">${event(10)}${event(11)}</netEvents>`),
    );
    press('down', 'down', 'e');
    await see('/ filter 10');
    expect(tty.screen()).toContain('filter 10');
    expect(tty.screen()).not.toContain('filter 11');
    press('d');
    await see('remote port is 443');
  });
  test('q leaves and gives the terminal back', async () => {
    const { tty, press, left } = await screen();
    expect(tty.kind).toBe('alternate');
    press('q');
    await left;
    await tty.drained();
    expect(tty.kind).toBe('normal');
  });
  test.each([
    [40, 12],
    [200, 50],
  ])('no line is wider than the screen at %i columns', async (columns, rows) => {
    const { tty } = await screen(columns, rows);
    expect(tty.lines()).toHaveLength(rows);
    expect(tty.screen()).toContain('no chrome'.slice(0, 5));
  });
});
