import { describe, expect, test } from 'vitest';
import type { SourceEvent } from '../../engine/model/attempt.ts';
import { createNetEventSource, type TrafficEvent } from './net-event-source.ts';

const ASK = 7n;
const drop: TrafficEvent = {
  type: 'classify-drop',
  at: 1000,
  family: 'v4',
  protocol: 6,
  local: { address: '192.0.2.10', port: 50_000 },
  remote: { address: '203.0.113.9', port: 443 },
  appId: '\\device\\harddiskvolume3\\curl.exe',
  userSid: 'S-1-5-21-1-2-3-1001',
  filterId: ASK,
  layerId: 48,
  direction: 'out',
  loopback: false,
};

async function started(watches?: 'questions' | 'decisions') {
  const events: SourceEvent[] = [];
  let tell: (event: TrafficEvent) => void = () => {};
  let ended = 0;
  const source = createNetEventSource({
    subscribe: async listener => {
      tell = listener;
      return async () => {
        ended++;
      };
    },
    isAsking: id => id === ASK,
    now: () => 1000,
    ...(watches ? { watches } : {}),
  });
  await source.start(event => events.push(event));
  return { source, events, tell: (event: TrafficEvent) => tell(event), ended: () => ended };
}

describe('net events', () => {
  test('a drop by an asking filter is one question, however often it is tried', async () => {
    const { events, tell } = await started();
    tell(drop);
    tell({ ...drop, local: { address: '192.0.2.10', port: 50_001 } });
    expect(events.length).toBe(1);
    expect(events[0]).toMatchObject({
      type: 'pended',
      attempt: { layer: 'ALE_AUTH_CONNECT', remote: drop.remote, identity: { pid: 0, path: drop.appId, sid: drop.userSid } },
    });
  });

  test('an answer tells at once that the connection had failed, and the retry is recognised', async () => {
    const { source, events, tell } = await started();
    tell(drop);
    expect(source.complete(1, 'permit')).toBe(true);
    expect(source.complete(1, 'permit')).toBe(false);
    await Promise.resolve();
    expect(events[1]).toEqual({ type: 'completed', id: 1, result: 'EACCES' });
    tell({ ...drop, type: 'classify-allow', filterId: 99n, local: { address: '192.0.2.10', port: 50_002 } });
    expect(events[2]).toMatchObject({ type: 'decided', attempt: { verdict: 'permit', filterId: 99n } });
  });

  test('permits that nobody was asked about are not shown; drops by rules are', async () => {
    const { events, tell } = await started();
    tell({ ...drop, type: 'classify-allow', filterId: 99n });
    tell({ ...drop, filterId: 12n });
    expect(events).toMatchObject([{ type: 'decided', attempt: { verdict: 'block', filterId: 12n } }]);
  });

  test('beside a driver it asks nothing and tells what other filters decided', async () => {
    const { events, tell } = await started('decisions');
    tell(drop);
    tell({ ...drop, type: 'classify-allow' });
    tell({ ...drop, type: 'classify-allow', filterId: 99n });
    tell({ ...drop, filterId: 12n });
    expect(events).toMatchObject([
      { type: 'decided', attempt: { verdict: 'permit', filterId: 99n } },
      { type: 'decided', attempt: { verdict: 'block', filterId: 12n } },
    ]);
  });

  test('another user, program or place is another question', async () => {
    const { events, tell } = await started();
    for (const other of [
      { userSid: 'S-1-5-18' },
      { appId: 'x' },
      { remote: { address: '203.0.113.9', port: 80 } },
      { protocol: 17 },
    ]) {
      tell({ ...drop, ...other });
    }
    expect(events.filter(event => event.type === 'pended').length).toBe(4);
  });

  test('a drop from before the answer does not ask again; a later one does: nothing covers it', async () => {
    const { source, events, tell } = await started();
    tell(drop);
    source.complete(1, 'block');
    tell(drop);
    expect(events.filter(event => event.type === 'pended').length).toBe(1);
    tell({ ...drop, at: 1001 });
    expect(events.filter(event => event.type === 'pended').length).toBe(2);
  });

  test('a flood ends in one warning', async () => {
    const { events, tell } = await started();
    for (let port = 1; port <= 1500; port++) tell({ ...drop, remote: { address: '203.0.113.9', port } });
    expect(events.filter(event => event.type === 'pended').length).toBe(1000);
    expect(events.filter(event => event.type === 'warning').length).toBe(1);
  });

  test('events without addresses, of loopback or of other kinds say nothing', async () => {
    const { source, events, tell, ended } = await started();
    const { family: _family, ...bare } = drop;
    tell(bare);
    tell({ ...drop, loopback: true });
    tell({ ...drop, type: 'other' });
    expect(events).toEqual([]);
    await source.stop();
    await source.stop();
    expect(ended()).toBe(1);
  });
});
