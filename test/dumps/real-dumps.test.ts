import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readAuditFile } from '../../engine/dumps/audit-reader.ts';
import { readDump, readDumpFile } from '../../engine/dumps/dump-reader.ts';
import { diffDumps } from '../../engine/explain/diff.ts';
import { explainFlow } from '../../engine/explain/explain.ts';
import { layerOf, parseShortFlow } from '../../engine/explain/flow.ts';
import { health } from '../../engine/explain/health.ts';
import { Machine } from '../../engine/explain/machine.ts';
import { replay } from '../../engine/explain/replay.ts';
import { summarize } from '../../engine/explain/summary.ts';
import { importForeign } from '../../engine/rules/import/import-foreign.ts';
import { DUMPS, hasRealData, realFile } from './real-data.ts';

const here = hasRealData();
const machineOf = async (name: string) => new Machine(await readDumpFile(realFile(name)));
const occurrences = (text: string, what: RegExp) => text.match(what)?.length ?? 0;

describe.runIf(here)('real dumps', () => {
  test.each(DUMPS)('$name: every filter and condition is accounted for', async expected => {
    const text = readFileSync(realFile(expected.name), 'utf8');
    const dump = await readDumpFile(realFile(expected.name));
    const { counts } = summarize(new Machine(dump));
    const { name: _, kind, ...numbers } = expected;
    expect(dump).toMatchObject({ kind, errors: 0, warnings: 0 });
    expect(counts).toMatchObject(numbers);
    expect(counts['filters']).toBe(occurrences(text, /<filterKey>/g));
    expect(counts['conditions']).toBe(dump.kind === 'state' ? 3604 : occurrences(text, /<matchType>/g));
    expect(
      dump.filters.every(
        filter => filter.unknown === undefined && filter.filterCondition.every(each => each.asFound === undefined),
      ),
    ).toBe(true);
  });

  test.each(DUMPS)('$name: an exact weight is the effective weight, a range is its top four bits', async ({ name }) => {
    const { filters } = await readDumpFile(realFile(name));
    for (const { weight, effectiveWeight } of filters) {
      if (weight.type === 'FWP_UINT64') expect(effectiveWeight).toBe(weight.value);
      else expect(effectiveWeight >> 60n).toBe(weight.type === 'FWP_UINT8' ? BigInt(weight.value) : 0n);
    }
  });

  test('CRLF and LF of the same dump are the same', async () => {
    const [a, b] = [await machineOf('le_voile-a.filters.xml'), await machineOf('le_voile-b.filters.xml')];
    expect(diffDumps(a, b)).toMatchObject({ same: true, renumbered: 0, filters: { added: [], removed: [], changed: [] } });
  });

  test('two machines are not the same', async () => {
    const [a, b] = [await machineOf('le_voile-a.filters.xml'), await machineOf('LibGrabber.wfpfilters.xml')];
    const { same, filters } = diffDumps(a, b);
    expect(same).toBe(false);
    expect(filters.removed.length + filters.changed.length).toBeLessThanOrEqual(286);
    expect(filters.added.length).toBeGreaterThan(794 - 286 - 1);
  });

  test('connections that are open on a machine are not blocked by its own filters', async () => {
    const machine = await machineOf('keploy.wfpstate.xml');
    const { endpoints } = machine.dump;
    expect(endpoints).toHaveLength(34);
    for (const each of endpoints) {
      const layer = `ALE_AUTH_CONNECT_${each.ipVersion === 'v4' ? 'V4' : 'V6'}`;
      const report = explainFlow(machine, {
        layer,
        ...(each.appId ? { app: each.appId } : undefined),
        protocol: each.ipProtocol,
        remote: each.remoteAddress,
        remotePort: each.remotePort,
        local: each.localAddress,
        localPort: each.localPort,
      });
      expect(report.possible, JSON.stringify(report.needs)).toContain('permit');
    }
  });

  test('a desktop program that is no app reaches the network on a public profile', async () => {
    const machine = await machineOf('keploy.wfpstate.xml');
    const flow = {
      ...parseShortFlow('chrome.exe -> 1.1.1.1:443/tcp'),
      packageSid: 'S-1-0-0',
      profile: 1,
      sids: ['S-1-5-21-1-2-3-1001'],
      wholeToken: true,
      newConnection: true,
    };
    expect(explainFlow(machine, flow)).toMatchObject({
      verdict: 'permit',
      filter: { name: 'Default Outbound', action: 'permit', subLayer: 'MPSSVC_WF' },
      needs: [],
    });
  });

  test.each(DUMPS)('$name: reading one layer only explains the same', async ({ name }) => {
    const whole = await machineOf(name);
    for (const text of [
      'chrome.exe -> 1.1.1.1:443/tcp',
      'svchost.exe -> [2001:db8::1]:53/udp',
      'svchost.exe <- 10.0.0.9:5000/tcp :445',
    ]) {
      const flow = parseShortFlow(text);
      const onlyLayer = layerOf(flow.layer, []).layerKey;
      const part = new Machine(await readDumpFile(realFile(name), { onlyLayer }));
      expect(part.dump.errors).toBe(0);
      expect(explainFlow(part, flow).subLayers.map(each => [each.subLayerKey, each.yields, each.filters])).toEqual(
        explainFlow(whole, flow).subLayers.map(each => [each.subLayerKey, each.yields, each.filters]),
      );
    }
  });

  test('origins are joined from provider contexts', async () => {
    const { filters } = await readDumpFile(realFile('keploy.wfpstate.xml'));
    expect(filters.filter(filter => filter.origin === 'Query User Default').length).toBeGreaterThan(0);
  });

  test('eight net events, in both forms', async () => {
    const { netEvents, errors } = await readDumpFile(realFile('ms-docs-netevents.xml'));
    expect(errors).toBe(0);
    expect(netEvents).toHaveLength(8);
    expect(netEvents[0]).toMatchObject({
      type: 'FWPM_NET_EVENT_TYPE_CLASSIFY_ALLOW',
      ipVersion: 'v6',
      filterId: 125918n,
      layerId: 50,
      remoteAddress: '2620:1ec:c11::200',
      localPort: 52127,
      remotePort: 443,
    });
    expect(netEvents[0]?.terminatingFilters).toEqual([
      { filterId: 125918n, subLayer: 'FWPP_SUBLAYER_INTERNAL_FIREWALL_WSH', actionType: 'FWP_ACTION_PERMIT' },
      { filterId: 121167n, subLayer: 'FWPP_SUBLAYER_INTERNAL_FIREWALL_WF', actionType: 'FWP_ACTION_PERMIT' },
    ]);
  });

  test('health has a reason for everything that it finds', async () => {
    for (const { name } of DUMPS)
      for (const finding of health(await machineOf(name))) expect(finding.reason.length).toBeGreaterThan(20);
  });

  test('memory does not hold the text: a dump of 30 MB in pieces', async () => {
    const text = readFileSync(realFile('LibGrabber.wfpfilters.xml'), 'utf8');
    const from = text.indexOf('\t\t<item>');
    const to = text.indexOf('\t</filters>');
    const body = Buffer.from(text.slice(from, to));
    let at = 0;
    function* pieces() {
      yield Buffer.from(text.slice(0, from));
      for (; at < 30_000_000; at += body.length) yield body;
      yield Buffer.from(text.slice(to));
    }
    const dump = await readDump('big', pieces());
    expect(dump.filters.length).toBe((at / body.length) * 794);
    const distinct = new Set(
      dump.filters
        .flatMap(filter => filter.filterCondition.map(each => each.conditionValue))
        .flatMap(value => (value.type === 'FWP_BYTE_BLOB_TYPE' ? [value.value] : [])),
    );
    // Bytes are shared between equal values, so their number does not grow with the file.
    expect(distinct.size).toBeLessThan(600);
  });
});

describe.runIf(here)('a recorded host', () => {
  test('no decision contradicts arbitration', async () => {
    const log = await readAuditFile(realFile('audit-service-start.jsonl.gz'));
    const result = replay(log);
    expect(result).toMatchObject({ events: 4148, decisions: 2718, described: 32, wrong: 0, wrongDecisions: [] });
    expect(result.exact + result.candidate).toBe(32);
    expect(result.exact).toBeGreaterThanOrEqual(13);
  });
  test('1,430 changes leave 692 filters', async () => {
    const { auditDump } = await import('../../engine/explain/audit-dump.ts');
    const dump = auditDump(await readAuditFile(realFile('audit-service-start.jsonl.gz')));
    expect(dump.filters).toHaveLength(692);
    expect(dump.filters.every(filter => filter.filterCondition.every(each => each.asFound === undefined))).toBe(true);
  });
  test('its decisions are events: 1,239 of them name a filter', async () => {
    const { auditDump } = await import('../../engine/explain/audit-dump.ts');
    const { netEvents } = auditDump(await readAuditFile(realFile('audit-service-start.jsonl.gz')));
    expect(netEvents).toHaveLength(2718);
    expect(netEvents.filter(each => each.filterId !== undefined)).toHaveLength(1239);
    expect(netEvents.every(each => each.layerId !== undefined && /_(ALLOW|DROP)$/.test(each.type))).toBe(true);
  });
});

describe.runIf(here)('rules exported by another firewall', () => {
  test('every one of 31 Windows Firewall rules is carried or reported', () => {
    const text = new TextDecoder('utf-16le').decode(readFileSync(realFile('windows-firewall-user-rules.reg')));
    const { rules, report } = importForeign(text, 'x.reg', Date.now());
    expect(rules.length + report.length).toBe(31);
    expect(report.every(line => line.includes('app package'))).toBe(true);
    expect(rules.find(rule => rule.note?.includes('DiagTrack'))?.scope).toMatchObject({
      port: { from: 443, to: 443 },
      protocol: 6,
      direction: 'out',
    });
  });
});
