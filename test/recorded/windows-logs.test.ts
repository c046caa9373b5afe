import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openRecording } from '../../driver/recorded/recording.ts';
import type { ReplayOptions } from '../../driver/recorded/replay-source.ts';
import { EmbeddedEngine } from '../../engine/embedded/engine.ts';
import type { ConnectionAttempt, SourceEvent } from '../../engine/model/attempt.ts';
import { newGuid } from '../../engine/model/guid.ts';
import { decideAttempt } from '../../engine/rules/attempt-values.ts';
import { installBase } from '../../engine/rules/base.ts';
import type { Rule } from '../../engine/rules/rule.ts';
import { writeRules } from '../../engine/rules/write-rules.ts';
import { registerAskCallouts } from '../../tui/cli/host/replica.ts';

const data = (name: string) => new URL(`../../../shared/data/${name}`, import.meta.url).pathname;
const NETWORK = data('network-events-sample.jsonl.gz');
const AUDIT = data('audit-service-start.jsonl.gz');

type Row = { readonly [field: string]: string };
/** The same file read plainly, every field as text. */
function rows(path: string): Row[] {
  const lines = gunzipSync(readFileSync(path)).toString('utf8').trim().split('\n');
  return lines.map(line => Object.fromEntries(Object.entries(JSON.parse(line)).map(([name, value]) => [name, String(value)])));
}
const of = (all: readonly Row[], ...ids: readonly number[]) => all.filter(row => ids.includes(Number(row['EventID'])));

/** Plays a file without pauses; permits whatever waits. */
async function play(path: string, options: ReplayOptions = {}): Promise<SourceEvent[]> {
  const { source } = await openRecording(path, { speed: Number.POSITIVE_INFINITY, ...options });
  const events: SourceEvent[] = [];
  await new Promise<void>(resolve => {
    void source.start(event => {
      events.push(event);
      if (event.type === 'pended') queueMicrotask(() => source.complete(event.attempt.id, 'permit'));
      if (event.type === 'exited' || event.type === 'failed') resolve();
    });
  });
  return events;
}
const pended = (events: readonly SourceEvent[]) => events.flatMap(e => (e.type === 'pended' ? [e.attempt] : []));
const decided = (events: readonly SourceEvent[]) => events.flatMap(e => (e.type === 'decided' ? [e.attempt] : []));

test('Sysmon and Security events of three hosts: each connection once, none invented, no line unreadable', async () => {
  const all = rows(NETWORK);
  const events = await play(NETWORK);
  expect(events.filter(e => e.type === 'warning' || e.type === 'failed')).toEqual([]);
  expect(pended(events)).toHaveLength(of(all, 3).length);
  expect(decided(events)).toHaveLength(of(all, 5156, 5157, 5158).length);
  expect(decided(events).filter(a => a.verdict === 'block')).toHaveLength(of(all, 5157).length);
  expect(events.at(-1)?.type).toBe('exited');
});

test('each Sysmon connection keeps its program, user, process and port, in the order of the log', async () => {
  const connections = of(rows(NETWORK), 3);
  const attempts = pended(await play(NETWORK));
  for (const [i, row] of connections.entries()) {
    const attempt = attempts[i];
    expect(attempt?.identity.pid).toBe(Number(row['ProcessId']));
    expect(attempt?.identity.path).toBe(row['Image'] === '<unknown process>' ? undefined : row['Image']);
    expect(attempt?.identity.user).toBe(row['User'] === '-' ? undefined : row['User']);
    expect(attempt?.protocol).toBe(row['Protocol'] === 'tcp' ? 6 : 17);
    expect([attempt?.local?.port, attempt?.remote?.port].sort()).toEqual(
      [Number(row['SourcePort']), Number(row['DestinationPort'])].sort(),
    );
    expect(attempt?.family).toBe(row['DestinationIsIpv6'] === 'true' ? 'v6' : 'v4');
  }
});

test('the own side is the own side: every remote HTTP, LDAP and SMB server of an outbound connection has the known port', async () => {
  const outbound = pended(await play(NETWORK)).filter(a => a.layer === 'ALE_AUTH_CONNECT' && a.protocol === 6);
  const inbound = pended(await play(NETWORK)).filter(a => a.layer === 'ALE_AUTH_RECV_ACCEPT' && a.protocol === 6);
  // Windows hands out ports from 49152 up to those who connect.
  expect(outbound.length).toBeGreaterThan(20);
  expect(inbound.length).toBeGreaterThan(20);
  expect(outbound.filter(a => (a.local?.port ?? 0) < 49152)).toEqual([]);
  expect(inbound.filter(a => (a.remote?.port ?? 0) < 49152)).toEqual([]);
});

test('DNS answers become names of the connections that follow on the same machine', async () => {
  const attempts = pended(await play(NETWORK));
  const known = attempts.filter(a => a.names.length > 0);
  expect(known.length).toBeGreaterThan(20);
  const addresses = new Map<string, Set<string>>();
  for (const row of of(rows(NETWORK), 22)) {
    const results = row['QueryResults'] ?? '';
    const service = /type: +33 ([^;]+);/.exec(results)?.[1];
    for (const address of results.split(';').map(a => a.replace('::ffff:', ''))) {
      addresses.set(address, (addresses.get(address) ?? new Set()).add(service ?? row['QueryName'] ?? ''));
    }
  }
  for (const { names, remote } of known) {
    for (const { name, kind } of names) {
      expect(kind).toBe('dns');
      expect([...(addresses.get(remote?.address ?? '') ?? [])]).toContain(name);
    }
  }
});

test('a service start of a Windows 10 host: every decided connection, bind and listen', async () => {
  const all = rows(AUDIT);
  const events = await play(AUDIT);
  const counts = (layer: string) => decided(events).filter(a => a.layer === layer).length;
  const logged = (...ids: string[]) =>
    all.filter(row => ids.includes(row['LayerName'] ?? '') && Number(row['EventID']) >= 5150 && Number(row['EventID']) <= 5159);
  expect(decided(events).length).toBe(of(all, 5152, 5153, 5154, 5155, 5156, 5157, 5158, 5159).length);
  expect(counts('ALE_AUTH_CONNECT')).toBe(logged('%%14611').length);
  expect(counts('ALE_AUTH_RECV_ACCEPT')).toBe(logged('%%14610').length);
  expect(counts('ALE_RESOURCE_ASSIGNMENT')).toBe(logged('%%14608').length);
  expect(counts('ALE_AUTH_CONNECT')).toBeGreaterThan(10);
  expect(events.filter(e => e.type === 'warning')).toEqual([]);
});

test('rules apply to what is replayed: the engine decides what a rule covers, and asks for every other connection', async () => {
  const engine = EmbeddedEngine.open();
  registerAskCallouts(engine);
  const session = engine.openSession();
  const dynamic = engine.openSession({ dynamic: true });
  const app = 'C:\\Windows\\system32\\svchost.exe';
  try {
    await installBase(session, dynamic, { failPolicy: 'none' });
    const rule: Rule = {
      id: newGuid(),
      verdict: 'block',
      scope: {
        app,
        remote: { kind: 'address', address: '192.168.56.1' },
        port: { from: 53, to: 53 },
        protocol: 17,
        direction: 'out',
      },
      lifetime: { kind: 'restart' },
      enabled: true,
      origin: 'command',
      createdAt: 0,
    };
    await writeRules({ engine: session, dynamic }, [], { put: [rule] });
    const decide = (attempt: ConnectionAttempt) => decideAttempt((layer, values) => engine.classify(layer, values), attempt);
    const events = await play(NETWORK, { decide });
    const covered = of(rows(NETWORK), 3).filter(
      row =>
        row['Image'] === app &&
        row['DestinationIp'] === '192.168.56.1' &&
        row['DestinationPort'] === '53' &&
        row['Initiated'] === 'true',
    );
    const blocked = decided(events).filter(a => a.verdict === 'block');
    expect(covered.length).toBeGreaterThan(300);
    expect(blocked).toHaveLength(covered.length);
    expect(new Set(blocked.map(a => a.filterId)).size).toBe(1);
    expect(blocked.every(a => a.remote?.address === '192.168.56.1' && a.identity.path === app)).toBe(true);
    const connects = pended(events).filter(a => a.layer === 'ALE_AUTH_CONNECT');
    const logged = rows(NETWORK).filter(
      row =>
        (row['EventID'] === '3' && row['Initiated'] === 'true') ||
        (['5156', '5157'].includes(row['EventID'] ?? '') && row['LayerName'] === '%%14611'),
    );
    expect(connects).toHaveLength(logged.length - covered.length);
  } finally {
    await session.close();
    await dynamic.close();
    engine.close();
  }
});

test('the same events as winlogbeat would have shipped them are the same attempts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-beat-'));
  try {
    const path = join(folder, 'beat.jsonl');
    const outer = new Set(['EventID', 'SourceName', 'Hostname', '@timestamp']);
    const beats = rows(NETWORK).map(row => ({
      '@timestamp': row['@timestamp'],
      winlog: {
        event_id: row['EventID'],
        provider_name: row['SourceName'],
        computer_name: row['Hostname'],
        event_data: Object.fromEntries(Object.entries(row).filter(([name]) => !outer.has(name))),
      },
    }));
    writeFileSync(path, beats.map(beat => JSON.stringify(beat)).join('\n'));
    const timeless = (events: readonly SourceEvent[]) =>
      [...pended(events), ...decided(events)].map(({ at: _, names, ...rest }) => ({ ...rest, names: names.map(n => n.name) }));
    expect(timeless(await play(path))).toEqual(timeless(await play(NETWORK)));
  } finally {
    await rm(folder, { recursive: true });
  }
});
