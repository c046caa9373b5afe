import { describe, expect, test } from 'vitest';
import type { SourceEvent } from '../../engine/model/attempt.ts';
import { createNetEventSource, type NetEventSourceOptions, type TrafficEvent } from './net-event-source.ts';

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

const incoming: TrafficEvent = { ...drop, layerId: 44, direction: 'in', local: { address: '192.0.2.10', port: 22 } };

async function started(watches?: 'questions' | 'decisions', more: Partial<NetEventSourceOptions> = {}) {
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
    ...more,
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

  test('a scan from outside withdraws its own oldest questions and leaves the others alone', async () => {
    const { source, events, tell } = await started();
    for (let host = 0; host < 1000; host++)
      tell({ ...incoming, remote: { address: `198.51.${host >> 8}.${host & 255}`, port: 40_000 + host } });
    tell(drop);
    const asked = events.flatMap(event => (event.type === 'pended' ? [event.attempt] : []));
    const withdrawn = events.flatMap(event => (event.type === 'withdrawn' ? [event] : []));
    expect([asked.length, withdrawn.length]).toEqual([1001, 800]);
    expect(withdrawn[0]).toEqual({ type: 'withdrawn', id: asked[0]!.id, reason: 'exited' });
    expect(withdrawn.at(-1)!.id).toBe(asked[799]!.id);
    expect(events.filter(event => event.type === 'warning').length).toBe(1);
    expect(asked.at(-1)).toMatchObject({ layer: 'ALE_AUTH_CONNECT' });
    expect(source.complete(asked[799]!.id, 'permit')).toBe(false);
    expect(source.complete(asked[800]!.id, 'permit')).toBe(true);
    tell({ ...incoming, remote: { address: '192.0.2.99', port: 1 } });
    expect(events.filter(event => event.type === 'withdrawn').length).toBe(800);
  });

  test('only the layers that authorize connections are told; the direction counts where there is no layer', async () => {
    const { events, tell } = await started();
    for (const layerId of [12, 13, 14, 15, 36, 38, 40, 45, 49, 52]) tell({ ...drop, layerId });
    for (const layerId of [13, 14]) tell({ ...incoming, layerId });
    expect(events).toEqual([]);
    const { layerId: _layer, ...bare } = drop;
    tell(bare);
    tell({ ...bare, direction: 'in' });
    expect(events).toMatchObject([
      { type: 'pended', attempt: { layer: 'ALE_AUTH_CONNECT' } },
      { type: 'pended', attempt: { layer: 'ALE_AUTH_RECV_ACCEPT' } },
    ]);
  });

  test('what makes two incoming connections one question follows from the layer', async () => {
    const { events, tell } = await started();
    const { direction: _direction, ...undirected } = incoming;
    tell({ ...undirected, remote: { address: '203.0.113.9', port: 40_000 } });
    tell({ ...undirected, remote: { address: '203.0.113.9', port: 40_001 } });
    expect(events.length).toBe(1);
    tell({ ...drop, direction: 'in' });
    tell({ ...drop, direction: 'in', remote: { address: '203.0.113.9', port: 80 } });
    expect(events.length).toBe(3);
  });

  test('an answer whose time is still to come is forgotten: the clock was set back', async () => {
    let now = 1000;
    const { source, events, tell } = await started('questions', { now: () => now });
    tell(drop);
    source.complete(1, 'block');
    now = 500;
    tell({ ...drop, at: 499 });
    expect(events.filter(event => event.type === 'pended').length).toBe(2);
  });

  test('while nobody holds, what the asking filters do is a decision', async () => {
    let holds = true;
    const { events, tell } = await started('decisions', { holds: () => holds });
    tell(drop);
    expect(events).toEqual([]);
    holds = false;
    tell(drop);
    tell({ ...drop, type: 'classify-allow' });
    expect(events).toMatchObject([
      { type: 'decided', attempt: { verdict: 'block', filterId: ASK } },
      { type: 'decided', attempt: { verdict: 'permit', filterId: ASK } },
    ]);
  });

  test('stopping while it subscribes ends the subscription', async () => {
    const gate = Promise.withResolvers<() => Promise<void>>();
    let [subscribed, ended] = [0, 0];
    const source = createNetEventSource({
      subscribe: () => {
        subscribed++;
        return gate.promise;
      },
      isAsking: () => true,
    });
    const starting = source.start(() => {});
    await source.stop();
    gate.resolve(async () => {
      ended++;
    });
    await starting;
    await source.start(() => {});
    expect([subscribed, ended]).toEqual([1, 1]);
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
